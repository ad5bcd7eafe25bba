"""A ledger says which fertune began its study, and which ran each part of it."""

import pytest
from ray import tune

from tests.support.ablation_driver import prepare_subjects, study_of
from tests.support.without_ray import LoopRunner
from tuning.execution import runner as module
from tuning.logs import logs
from tuning.records.home import version
from tuning.records.ledger import Ledger


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    return prepare_subjects(tmp_path_factory.mktemp("data"))


def test_the_beginning_of_a_study_and_each_driver_name_their_version(prepared, tmp_path, monkeypatch):
    study = study_of(design=None, parameters={"lr": tune.loguniform(1e-4, 1e-2)}, num_samples=2)
    with LoopRunner(study, tmp_path, prepared) as runner:
        runner.search(1)
        runner.search(2)
    for now in (version(), "9.8.7"):
        monkeypatch.setattr(module, "version", lambda now=now: now)
        with LoopRunner(study, tmp_path, prepared) as runner:
            runner.search(3 if now == "9.8.7" else 2)
            runner.search(len(runner.ledger.of_phase("search")) + 1)
    events = Ledger.read(tmp_path / study.name).events
    assert events[0]["event"] == "study"
    stated = [event["version"] for event in events if event["event"] == "study"]
    assert (stated[0], set(stated)) == (version(), {version(), "9.8.7"})
    drivers = [event for event in events if event["event"] == "driver"]
    assert [event["version"] for event in drivers] == [version(), version(), "9.8.7"]
    assert all("git_commit" in event for event in drivers)
    told = [str(line) for line in logs(study.name, home=tmp_path) if "runs trials" in line.text]
    assert [line.partition("  ")[2] for line in told][-1] == "fertune 9.8.7 runs trials"
