"""How `benchmarks.chaos` reads from a ledger whom a fault hit, and when that was over."""

import json

from benchmarks.core.chaos.progress import Recovery, finished, read_events, recovery, unfinished
from trainables.core import files

AT_S = 100.0


def started(trial_id, time):
    return {"event": "started", "trial_id": trial_id, "time": time}


def epoch(trial_id, number, time):
    return {"event": "epoch", "trial_id": trial_id, "epoch": number, "time": time}


def ended(trial_id, state, time):
    return {"event": "ended", "trial_id": trial_id, "state": state, "time": time}


BEFORE = [
    *(started("a", 90.0), epoch("a", 1, 95.0), ended("a", "FINISHED", 99.0)),
    *(started("b", 90.0), epoch("b", 1, 95.0), epoch("b", 2, 99.9)),
    *(started("c", 90.0), ended("c", "INTERRUPTED", 92.0), started("c", 93.0)),
]


def test_the_trials_that_a_fault_can_hit_have_begun_and_not_ended():
    assert unfinished([*BEFORE, started("d", 101.0)], AT_S) == {"b": 2, "c": 0}
    assert unfinished([*BEFORE, ended("b", "FAILED", 99.95)], AT_S) == {"c": 0}


def test_a_fault_is_over_when_the_last_of_them_gives_a_sign():
    after = [*BEFORE, epoch("b", 3, 102.0)]
    assert recovery(after, AT_S) is None
    assert recovery([*after, ended("c", "INTERRUPTED", 103.0)], AT_S) is None
    assert recovery([*after, epoch("c", 1, 130.5), epoch("c", 2, 131.0)], AT_S) == Recovery("c", 0, 30.5)


def test_what_was_on_its_way_is_no_sign():
    assert recovery([*BEFORE, epoch("b", 3, 100.2), epoch("c", 1, 104.0)], AT_S) is None


def test_a_sign_while_a_fault_lasts_is_none():
    after = [*BEFORE[:6], epoch("b", 3, 103.0)]
    assert recovery(after, AT_S, lasted_s=5.0) is None
    assert recovery([*after, epoch("b", 4, 107.0)], AT_S, lasted_s=5.0) == Recovery("b", 2, 7.0)


def test_a_trial_whose_end_was_on_its_way_was_not_hit():
    assert recovery([*BEFORE[:6], ended("b", "FINISHED", 100.3)], AT_S) == Recovery("", 0, 0.0)
    assert recovery(BEFORE[:3], AT_S) == Recovery("", 0, 0.0)


def test_a_trial_is_finished_by_its_last_end():
    assert finished([*BEFORE, ended("b", "FAILED", 101.0)]) == {"a"}
    assert finished([*BEFORE, ended("b", "FAILED", 101.0), ended("b", "FINISHED", 105.0)]) == {"a", "b"}


def test_a_damaged_ledger_is_read_as_far_as_it_goes(tmp_path):
    assert read_events(tmp_path) == []
    lines = [json.dumps(BEFORE[0]), '{"time": 5, "event": "epo' + json.dumps(BEFORE[1]), "7", json.dumps(BEFORE[2])]
    (tmp_path / files.LEDGER).write_text("\n".join(lines))
    assert read_events(tmp_path) == [BEFORE[0], BEFORE[2]]
