"""What the benchmark of sharing counts: slots held in minutes in which two studies or more wait."""

import pytest

from benchmarks.sharing import held, most_held, rows_of


def test_slots_are_held_on_average_over_a_time():
    assert held([(0, 30), (15, 45), (100, 200)], 0, 60) == pytest.approx(1.0)
    assert held([(0, 30)], 40, 50) == 0


def test_the_most_that_one_held_counts_while_two_wait_and_then_no_more():
    greedy = [(0.0, 100.0), (0.0, 100.0), (100.0, 400.0)]
    other = [(100.0, 200.0), (200.0, 300.0)]
    both = {"greedy": greedy, "other": other}
    assert most_held(both, {"greedy": 0.0, "other": 0.0}) == pytest.approx(2.0), "until 100 s both had trials left"
    assert most_held(both, {"greedy": 0.0, "other": 50.0}) == 0, "no whole minute in which both waited"
    assert most_held({"a": greedy}, {"a": 0.0}) == 0, "nobody else is there"


def test_a_row_counts_from_when_the_first_study_was_opened():
    (row,) = rows_of({"late": [(30.0, 60.0), (60.0, 120.0)]}, {"late": 10.0})
    assert row == {
        "study": "late",
        "opened_s": 0.0,
        "first_trial_s": 20.0,
        "wait_s": 20.0,
        "ended_s": 110.0,
        "longest_trial_s": 60.0,
    }
