"""The hypervolume that a point is expected to add: against the volumes of moocore, and against draws."""

import moocore
import numpy as np
import pytest
from scipy import stats

from tuning.statistics.search import expected_gain
from tuning.statistics.search.expected_gain import Ceilings, members, partial_expectation


def volume(quality, costs, floor, corner):
    """moocore's, of what is above the floor and below the corner."""
    inside = (quality > floor) & (costs < corner).all(axis=1)
    table = np.column_stack([-quality, costs])[inside]
    return moocore.hypervolume(table, ref=np.array([-floor, *corner])) if inside.any() else 0.0


def world(num_costs, num_members=9, num_points=12, seed=0):
    rng = np.random.default_rng(seed)
    front = rng.uniform(0, 1, num_members), rng.uniform(0, 1.2, (num_members, num_costs))
    return (
        front,
        rng.uniform(0.1, 1.0, num_points),
        rng.uniform(0, 1.2, (num_points, num_costs)),
        np.full(num_costs, 1.1),
    )


@pytest.mark.parametrize("num_costs", [1, 2, 3])
def test_what_a_point_of_known_quality_adds_is_the_difference_of_two_hypervolumes(num_costs):
    (quality, costs), points, at, corner = world(num_costs)
    ceilings = Ceilings.of(quality, costs, floor=0.2, corner=corner)
    found = ceilings.expected_gain(points, np.zeros(len(points)), at)
    before = volume(quality, costs, 0.2, corner)
    after = [
        volume(np.append(quality, one), np.vstack([costs, place]), 0.2, corner)
        for one, place in zip(points, at, strict=True)
    ]
    np.testing.assert_allclose(found, np.array(after) - before, atol=1e-12)
    assert (found > 0).any()
    assert (found == 0).any()


@pytest.mark.parametrize("num_costs", [1, 2])
def test_what_a_point_of_uncertain_quality_adds_is_the_mean_over_draws(num_costs):
    (quality, costs), points, at, corner = world(num_costs, seed=1)
    found = Ceilings.of(quality, costs, floor=0.2, corner=corner).expected_gain(points, np.full(len(points), 0.15), at)
    before, draws = volume(quality, costs, 0.2, corner), np.random.default_rng(2).normal(0, 0.15, 3000)
    for row, (one, place) in enumerate(zip(points, at, strict=True)):
        added = [volume(np.append(quality, one + by), np.vstack([costs, place]), 0.2, corner) - before for by in draws]
        assert found[row] == pytest.approx(np.mean(added), abs=4 * np.std(added) / np.sqrt(len(draws)) + 1e-6)


def test_without_costs_it_is_the_expected_improvement():
    found = Ceilings.of(np.array([0.4, 0.6]), np.zeros((2, 0)), floor=0.0, corner=np.zeros(0)).expected_gain(
        np.array([0.5, 0.7]), np.array([0.1, 0.2]), np.zeros((2, 0))
    )
    for value, mean, sd in zip(found, (0.5, 0.7), (0.1, 0.2), strict=True):
        scaled = (mean - 0.6) / sd
        assert value == pytest.approx((mean - 0.6) * stats.norm.cdf(scaled) + sd * stats.norm.pdf(scaled))


def test_where_nothing_is_there_yet_all_counts_above_the_floor():
    found = Ceilings.of(np.zeros(0), np.zeros((0, 2)), floor=0.5, corner=np.ones(2)).expected_gain(
        np.array([0.7, 0.4]), np.zeros(2), np.array([[0.5, 0.0], [0.5, 0.0]])
    )
    assert found == pytest.approx([0.1, 0.0])


def test_of_a_large_front_those_stay_that_add_most(monkeypatch):
    monkeypatch.setattr(expected_gain, "MOST_MEMBERS", 3)
    quality, costs = np.array([0.1, 0.5, 0.50001, 0.9, 0.2]), np.array([[0.0], [0.3], [0.30001], [0.8], [0.9]])
    assert members(quality, costs, floor=0.0, corner=np.ones(1)).tolist() == [0, 2, 3]


def test_points_are_answered_alike_in_one_go_and_in_parts(monkeypatch):
    (quality, costs), points, at, corner = world(2)
    ceilings = Ceilings.of(quality, costs, floor=0.0, corner=corner)
    whole = ceilings.expected_gain(points, np.full(len(points), 0.1), at)
    monkeypatch.setattr(expected_gain, "_MOST_AT_ONCE", 1)
    assert ceilings.expected_gain(points, np.full(len(points), 0.1), at).tolist() == pytest.approx(whole.tolist())


def test_what_is_far_below_adds_nothing_and_what_is_far_above_all_of_it():
    assert partial_expectation(np.array([-9.0, 9.0, 0.0]), np.array([0.1, 0.1, 1.0])) == pytest.approx(
        [0.0, 9.0, 1 / np.sqrt(2 * np.pi)]
    )
