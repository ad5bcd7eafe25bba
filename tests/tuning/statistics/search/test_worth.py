"""What a trial is worth: of a new point, and of a further seed of one that was measured."""

import numpy as np
import pytest

from tuning.statistics.search.worth import Measured, step_of

MEAN, COSTS = np.array([0.5, 0.6, 0.59, 0.3]), np.array([[0.0], [2.0], [2.0], [4.0]])


def measured(sd=0.05, **changes):
    found = {"mean": MEAN, "sd": np.full(4, sd), "costs": COSTS, "beside": np.array([[-1.0], [1.0]]), **changes}
    return Measured.of(**found)


def test_costs_are_scaled_over_what_was_measured_and_what_may_be():
    found = measured()
    assert found.costs.ravel() == pytest.approx([0.2, 0.6, 0.6, 1.0])
    assert found.floor == 0.3
    assert measured(floor=0.1).floor == 0.1
    assert found.volume == pytest.approx(0.2 * 0.9 + 0.1 * 0.5)


def test_a_cost_that_is_the_same_for_all_changes_nothing():
    flat = Measured.of(MEAN, np.full(4, 0.05), np.column_stack([COSTS, np.ones(4)]), beside=np.array([[-1.0, 1.0]]))
    assert flat.volume == pytest.approx(1.1 * measured().volume)


def test_a_new_point_is_worth_what_it_adds():
    gain = measured().new(np.array([0.5, 0.6]), np.zeros(2), np.array([[-1.0], [4.0]]))
    assert gain == pytest.approx([0.2 * 0.2, 0.0])


def test_another_seed_is_worth_most_where_two_cannot_be_told_apart_and_nothing_where_a_front_stays():
    worth = measured().again(noise=0.05)
    assert worth.argmax() in (1, 2)
    assert worth[3] < 1e-6 < worth[2]
    assert measured(sd=1e-6).again(noise=0.05) == pytest.approx(np.zeros(4), abs=1e-9)
    assert (measured().again(noise=5.0) < worth).all(), "a score that says little is worth little"


def test_a_score_moves_what_is_expected_by_less_than_it_is_unsure():
    assert step_of(np.array([0.1, 0.1, 0.0]), 0.0) == pytest.approx([0.1, 0.1, 0.0])
    assert step_of(np.array([0.1]), 0.1) == pytest.approx([0.1 / np.sqrt(2)])
