"""What the benchmark of sharing counts: slots held in minutes in which two studies or more wait."""

import pytest

from benchmarks.sharing import held, most_held, most_over, rows_of, summary


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


FAIR = {"a": [(0.0, 40.0), (40.0, 80.0), (80.0, 120.0)], "b": [(20.0, 60.0), (60.0, 100.0), (100.0, 140.0)]}
OPENED = {"a": 0.0, "b": 0.0}


def test_two_studies_that_share_and_begin_in_time_are_in_order():
    found = summary(FAIR, OPENED, num_slots=2, unfinished=0)
    assert (found["within_share"], found["last_in_time"], found["is_shared"]) == (True, True, True)
    assert (found["wait_of_last_s"], found["longest_trial_s"], found["without_a_trial"]) == (20.0, 40.0, 0)
    assert not summary(FAIR, OPENED, num_slots=2, unfinished=1)["is_shared"]


def test_who_holds_more_than_a_slot_beyond_the_share_is_told():
    greedy = FAIR | {"a": [(0.0, 110.0), (0.0, 110.0), (0.0, 110.0), (110.0, 120.0)]}
    assert most_over(greedy, OPENED, num_slots=2) == pytest.approx(2.0), "three slots of two by two"
    found = summary(greedy, OPENED, num_slots=2, unfinished=0)
    assert (found["within_share"], found["last_in_time"], found["is_shared"]) == (False, True, False)


def test_the_share_is_that_of_the_studies_that_are_there():
    third = FAIR | {"c": [(0.0, 10.0)]}
    assert most_over(third, OPENED | {"c": 0.0}, num_slots=2) == pytest.approx(1.0 - 2 / 3), (
        "in the first minute of three"
    )
    assert most_over(FAIR, OPENED, num_slots=2) == 0.0


def test_the_last_is_late_where_it_waits_for_longer_than_a_trial_takes():
    late = FAIR | {"b": [(begin + 25, end + 25) for begin, end in FAIR["b"]]}
    found = summary(late, OPENED, num_slots=2, unfinished=0)
    assert (found["within_share"], found["last_in_time"], found["is_shared"]) == (True, False, False)


def test_a_study_without_a_trial_waits_to_the_end_and_is_told():
    starved = {"a": [(0.0, 100.0), (0.0, 100.0), (50.0, 200.0), (100.0, 200.0)], "b": []}
    assert most_held(starved, OPENED) > 2
    found = summary(starved, OPENED, num_slots=2, unfinished=0)
    assert (found["without_a_trial"], found["last_in_time"], found["is_shared"]) == (1, False, False)
    assert rows_of(starved, OPENED)[1] == {"study": "b", "opened_s": 0.0} | dict.fromkeys(
        ("first_trial_s", "wait_s", "ended_s", "longest_trial_s")
    )
    assert not summary({"a": [], "b": []}, OPENED, num_slots=2, unfinished=0)["is_shared"]
