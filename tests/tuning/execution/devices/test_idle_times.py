"""What is known of idle devices is kept in the home, and a study keeps what its first trials were told."""

import json

import pytest

from tests.support.builders import make_trial
from trainables.core.training.timing import reference
from tuning.execution.devices.idle_times import MIXED, UNKNOWN, idle_times_s, measure_idle_times, trial_idle_times
from tuning.records.ledger import Ledger


@pytest.fixture
def machine(monkeypatch):
    found = {"cpu": (0.008, True)}
    monkeypatch.setattr(reference, "measured_here", lambda: iter([(kind, *one) for kind, one in found.items()]))
    return found


def test_the_smallest_time_of_a_kind_is_kept(tmp_path, machine):
    assert measure_idle_times(tmp_path / "home") == ["cpu: 8.00 ms"]
    machine["cpu"] = (0.012, False)
    (words,) = measure_idle_times(tmp_path / "home")
    assert words == "cpu: 8.00 ms (the machine was busy: look again when it is idle)"
    machine |= {"cpu": (0.007, True), "gpu": (0.001, True)}
    measure_idle_times(tmp_path / "home")
    assert idle_times_s(tmp_path / "home") == {"cpu": 0.007, "gpu": 0.001}


@pytest.mark.parametrize("text", ["{", "[]", '{"cpu": null}', '{"cpu": "fast"}'])
def test_a_damaged_file_says_nothing(tmp_path, text):
    (tmp_path / "idle_times.json").write_text(text)
    assert idle_times_s(tmp_path) == {}


def test_a_study_keeps_its_scale_and_is_told_once_that_there_is_none(tmp_path):
    told = []
    (tmp_path / "idle_times.json").write_text(json.dumps({"cpu": 0.007, "gpu": 0.001}))
    first = trial_idle_times(tmp_path, begun(tmp_path, {"cpu": 0.008}), told.append)
    assert first == {"idle_times_s": {"cpu": 0.008, "gpu": 0.001}}
    assert trial_idle_times(tmp_path / "none", begun(tmp_path), told.append) == {"idle_times_s": {}}
    assert trial_idle_times(tmp_path / "none", begun(tmp_path, {}), told.append) == {"idle_times_s": {}}
    assert told == [UNKNOWN]


def test_a_study_that_began_with_nothing_known_keeps_its_scale(tmp_path):
    (tmp_path / "idle_times.json").write_text('{"cpu": 0.008}')
    told = []
    assert trial_idle_times(tmp_path, begun(tmp_path, {}), told.append) == {"idle_times_s": {}}
    assert told == []


def test_a_study_of_an_earlier_version_says_that_its_times_are_of_two_kinds(tmp_path):
    (tmp_path / "idle_times.json").write_text('{"cpu": 0.008}')
    told, ledger = [], begun(tmp_path)
    ledger.trials["search-0000"] = make_trial(0, state="FINISHED", metrics={"train_time_s": 9.0})
    ledger.trials["search-0001"] = make_trial(1, state="FAILED")
    assert trial_idle_times(tmp_path, ledger, told.append) == {"idle_times_s": {"cpu": 0.008}}
    assert told == [MIXED.format(trials="1 trial")]
    ledger.study = {"idle_times_s": {"cpu": 0.008}}
    trial_idle_times(tmp_path, ledger, told.append)
    assert len(told) == 1, "once"


def begun(folder, idle_times=None):
    """The ledger of a study that was told of `idle_times`; `None` for one that began before there were any."""
    ledger = Ledger(folder)
    ledger.study = {} if idle_times is None else {"idle_times_s": idle_times}
    return ledger
