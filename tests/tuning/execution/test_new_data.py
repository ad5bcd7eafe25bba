"""A study goes on with grown data as a new version of it: what is kept, and what is run again."""

import pytest
from ray import tune

from search_spaces.core.designs import sweep
from tests.support.ablation_driver import study_of
from tests.support.builders import prepare_random
from tests.support.tiny_study import Quiet
from tests.support.without_ray import LoopRunner
from trainables.data.core.dataset import DataError
from tuning import run as verb
from tuning.ablate import ablate_variants
from tuning.evidence.ablation import runs_of
from tuning.execution import runner as module
from tuning.execution.runner import Runner
from tuning.execution.study_data import StudyData
from tuning.load import load
from tuning.records.ledger import Ledger
from tuning.records.mlflow_client import default_uri
from tuning.run import run
from tuning.status import status


class Looping(Runner):
    """A runner whose Tune is a loop."""

    session, _tuner = LoopRunner.session, LoopRunner._tuner

    def __init__(self, study, listener=None, **asked):
        super().__init__(study, listener or Quiet(), trains=False, **asked)
        self.specs, self.train = [], lambda spec: None


@pytest.fixture
def grown(tmp_path, monkeypatch):
    """The faces of ten people, and those of ten more beside them; what a runner finds is set by the first argument."""
    versions = [prepare_random(tmp_path, num_subjects=count) for count in (10, 20)]
    monkeypatch.setenv("MLFLOW_TRACKING_URI", default_uri(tmp_path))

    def find(number):
        found = StudyData(prepared=versions[number], facts={"keep_spelling": False, "data_format": 9})
        monkeypatch.setattr(module, "data_of", lambda *_, **__: found)

    find(0)
    return find


def test_a_search_begins_anew_on_grown_data_with_the_front_it_had(grown, tmp_path):
    study = study_of(design=None, parameters={"lr": tune.choice([0.1, 0.2, 0.3, 0.4])}, num_samples=2)
    with Looping(study, home=tmp_path) as runner:
        runner.search(2)
        held = {runner.prepared.subjects[index] for index in runner.splits.holdout}
        front = [runner.ledger.trials[trial_id].parameters for trial_id in runner.ledger.selection["front"]]
        runner.ledger.note("refused", of="search-0000", asked=[])
        halted = runner.ledger.trials["search-0001"]
        halted.trial_id, halted.state = "search-0002", "RUNNING"
        runner.ledger.start(halted)
    grown(1)
    with pytest.raises(DataError, match="--new-data"), Looping(study, home=tmp_path):
        pass
    with Looping(study, home=tmp_path, new_data=True) as runner:
        assert "version 2 of its data" in runner.listener.notes[-1]
        assert runner.search_size(None, resume=True, extend=None) == 2
        runner.search(2)
        assert [spec["trial_id"] for spec in runner.specs] == ["search-0003", "search-0004"]
        assert runner.ledger.of_phase("search")[0].parameters == front[0]
        now = {runner.prepared.subjects[index] for index in runner.splits.holdout}
        assert now & {f"P{number:02}" for number in range(10)} == held
        assert set(runner.ledger.selection["front"]) <= {"search-0003", "search-0004"}
        assert not [event for event in runner.ledger.events_of_data() if event["event"] == "refused"]
    with Looping(study, home=tmp_path, new_data=True) as runner:
        assert "has these data already" in runner.listener.notes[-1]
        assert runner.ledger.data_version == 2
    table = load(study.name, home=tmp_path).trials
    assert table["data_version"].tolist() == [1, 1, 1, 2, 2]
    (found,) = status(study.name, home=tmp_path)
    assert (found.trials["search"], found.data_version) == ({"FINISHED": 2}, 2)


def test_the_verb_goes_on_with_new_data_without_being_told_to_resume(grown, tmp_path, monkeypatch):
    monkeypatch.setattr(verb, "Runner", Looping)
    study = study_of(design=None, parameters={"lr": tune.choice([0.1, 0.2, 0.3, 0.4])}, num_samples=2)
    run(study, home=tmp_path)
    grown(1)
    ran = run(study, home=tmp_path, new_data=True)
    assert [trial.trial_id for trial in ran.ledger.of_phase("search")] == ["search-0002", "search-0003"]
    assert ran.notes[0] == (
        f"{study.name} goes on with version 2 of its data: trials on those of before stay in its ledger and count no more."
    )


def test_variants_are_trained_again_on_grown_data(grown, tmp_path):
    study = study_of(design=sweep("rbg_depth", [0, 1]))
    with Looping(study, home=tmp_path) as runner:
        ablate_variants(runner, folds=(0,), seeds=1)
    grown(1)
    with Looping(study, home=tmp_path, new_data=True) as runner:
        ablate_variants(runner, folds=(0,), seeds=1)
        assert len(runner.specs) == 2
        expected = len(runner.splits.folds[0].test)
    ledger = Ledger.read(tmp_path / study.name)
    assert len(ledger.trials) == 4
    assert [run.num_test for run in runs_of(ledger)] == [expected] * 2


def test_new_data_are_for_a_study_that_was_begun(tmp_path):
    with pytest.raises(ValueError, match=r"no study begun .* named 'depths'"):
        Looping(study_of(), home=tmp_path, new_data=True)
