"""When a run measures baselines, on which people, and what is written down of them. The measuring itself is a worker's."""

import dataclasses
import json

import pytest
from ray import tune

from search_spaces.core.designs import named
from tests.support.ablation_driver import prepare_subjects, study_of, tuned_study
from tests.support.tiny_study import tiny_study
from tests.support.without_ray import LoopRunner
from trainables.core.baselines.measure import _logistic_regression, measure_baselines
from trainables.core.training.workers import Group
from tuning.records.ledger import Ledger
from tuning.run import run

LR = {"parameters": {"lr": tune.loguniform(1e-4, 1e-2)}}


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    return prepare_subjects(tmp_path_factory.mktemp("data"))


@pytest.fixture
def begin(prepared, tmp_path):
    """Opens a study without Ray; what comes first in a phase of it is `begin(study)._baselines(phase)`."""
    runners = []

    def opened(study):
        runners.append(LoopRunner(study, tmp_path, prepared))
        return runners[-1]

    yield opened
    for runner in runners:
        runner.__exit__()


def test_a_search_is_measured_on_its_folds_with_its_settings(begin):
    job = begin(study_of(design=None, search_folds=(0, 2), seed=3, **LR))._baselines("search")
    assert (job.spec.phase, job.spec.folds, job.spec.seed) == ("search", (0, 2), 3)
    assert job.spec.parameters["gru_hidden"] == 8
    assert job.spec.folder.endswith("/trials")


def test_an_ablation_is_measured_on_all_folds_before_the_searches_of_its_variants(begin):
    runner = begin(tuned_study())
    for phase in ("search", "ablation"):
        job = runner._baselines(phase)
        assert (job.spec.phase, job.spec.folds) == ("ablation", (0, 1, 2, 3))


def test_of_a_smoke_run_of_an_ablation_two_folds_do(begin):
    assert begin(study_of().smoked())._baselines("ablation").spec.folds == (0, 1)


def test_the_weights_are_those_that_a_trial_starts_from(begin):
    own = {"scratch": {}, "own": {"weights": "/weights/own.pth"}}
    spec = begin(study_of(design=named(own, reference="scratch")))._baselines("ablation").spec
    assert (spec.parameters["weights"], spec.parameters["backbone"]) == ("/weights/own.pth", "resnet18")


def test_what_was_measured_or_is_not_wanted_or_chooses_nothing_is_not_measured(begin):
    runner = begin(study_of(design=None, **LR))
    assert runner._baselines("confirm") is None
    runner.study = dataclasses.replace(runner.study, baselines=False)
    assert runner._baselines("search") is None
    runner.study = dataclasses.replace(runner.study, baselines=True)
    majority, failed = {"name": "majority", "accuracy": 0.5}, {"name": "plain_network", "error": "no memory"}
    learnt = {"name": "logistic_regression", "accuracy": 0.6}
    for rows, is_due in (([majority, failed], True), ([majority, learnt, failed], False)):
        runner.ledger.note("baselines", phase="search", folds=[0], rows=rows)
        assert (runner._baselines("search") is not None) == is_due


def test_all_else_is_that_of_a_trial_too_also_where_defaults_go_with_no_settings(begin):
    searched = {"frozen_stages": 5, "backbone": "resnet18", "weights": "/weights/own.pth", "temporal": "mean"}
    space = {"layer_decay": tune.choice([0.5, 0.9]), "masking_rate": tune.choice([0.0])}
    spec = begin(study_of(design=None, settings=searched, parameters=space))._baselines("search").spec
    assert (spec.parameters["frozen_stages"], spec.parameters["weights"]) == (5, "/weights/own.pth")
    wide = named(
        {"narrow": {"gru_hidden": 4}, "own": {"weights": "/weights/own.pth", "gru_hidden": 6}}, reference="narrow"
    )
    spec = begin(study_of(name="wide", design=wide, settings={"backbone": "resnet18"}))._baselines("ablation").spec
    assert (spec.parameters["weights"], spec.parameters["gru_hidden"]) == ("/weights/own.pth", 6)


def test_a_run_goes_on_with_its_trials_beside_the_job(begin):
    runner = begin(study_of(design=None, **LR))
    runner.search(2)
    assert "Baselines first, about a minute." in runner.listener.notes, "with one slot nothing else is seen"
    assert [trial.state for trial in runner.ledger.of_phase("search")] == ["FINISHED", "FINISHED"]


@pytest.mark.usefixtures("tiny")
def test_what_a_worker_measured_is_written_with_intervals_and_told(begin, monkeypatch):
    def fails(*_, **__):
        raise MemoryError("no memory")

    monkeypatch.setattr("trainables.core.baselines.measure.plain_network", fails)
    runner = begin(study_of(design=None, **LR))
    job = runner._baselines("search")
    rows = json.loads(json.dumps(measure_baselines(job.spec, Group())))
    job.ended({"done": True, "baselines": rows}, error=False)
    majority, regression, network = Ledger.read(runner.folder).baselines
    for one in (majority, regression):
        assert 0 <= one.low <= one.accuracy <= one.high <= 1
    assert (network.accuracy, network.error) == (None, "MemoryError: no memory")
    (note,) = runner.listener.notes
    assert note.startswith(f"Baselines: majority class {100 * majority.accuracy:.1f} %; logistic regression ")
    assert note.endswith("plain network not measured (MemoryError: no memory).")


@pytest.mark.usefixtures("tiny")
def test_the_interval_of_the_network_alone_counts_its_seed(begin, monkeypatch):
    monkeypatch.setattr("trainables.core.baselines.measure._plain_network", _logistic_regression)
    runner = begin(study_of(design=None, **LR))
    job = runner._baselines("search")
    job.ended({"done": True, "baselines": measure_baselines(job.spec, Group())}, error=False)
    majority, regression, network = Ledger.read(runner.folder).baselines
    assert (majority.num_seeds, regression.num_seeds, network.num_seeds) == (0, 0, 1)
    assert network.accuracy == regression.accuracy
    assert regression.high < network.high


@pytest.mark.parametrize(
    ("result", "error", "reason"),
    [
        ({"failed": "WorkerDied: 3 attempts\nlog"}, False, "WorkerDied: 3 attempts"),
        ({}, True, "the process that measured it died; see the logs of Ray"),
    ],
    ids=["failed", "died"],
)
def test_a_job_that_fails_is_written_down_and_tried_again_when_the_study_goes_on(begin, result, error, reason):
    runner = begin(study_of(design=None, **LR))
    runner._baselines("search").ended(result, error)
    assert [one.error for one in runner.ledger.baselines] == [reason] * 3
    assert runner._baselines("search") is not None


def test_an_interrupted_job_leaves_no_trace(begin):
    runner = begin(study_of(design=None, **LR))
    runner._baselines("search").ended({"stopped": True, "done": True}, error=False)
    assert runner.ledger.baselines == []
    assert runner._baselines("search") is not None


@pytest.mark.parametrize("asked", [True, False])
def test_run_may_be_told_to_measure_none(monkeypatch, tmp_path, asked):
    class Opened(Exception):
        pass

    def opened(study, *_, **__):
        raise Opened(study.baselines)

    monkeypatch.setattr("tuning.run.Runner", opened)
    with pytest.raises(Opened, match=str(asked)):
        run(tiny_study(), home=tmp_path, baselines=asked)
