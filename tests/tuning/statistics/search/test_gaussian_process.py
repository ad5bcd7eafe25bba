"""The model of quality: what it learns of numbers, choices and what does not exist, and how sure it says that it is."""

import itertools

import numpy as np
import pytest
from scipy import optimize

from tuning.statistics.search import gaussian_process
from tuning.statistics.search.gaussian_process import GaussianProcess, Scores, kept_rows, pooled

GRID = np.array(list(itertools.product([0, 1 / 3, 2 / 3, 1], [0, 1, 2])))
IS_NUMBER = np.array([True, False])


def truth(points):
    return 0.5 + 0.2 * points[:, 0] + np.array([0.0, 0.1, -0.1])[points[:, 1].astype(int)]


def test_it_learns_a_number_and_a_choice_and_tells_how_sure_it_is():
    rng = np.random.default_rng(0)
    rows = rng.permutation(np.repeat(np.arange(12), 4))[:30]
    model = GaussianProcess.fit(pooled(GRID[rows], truth(GRID)[rows] + rng.normal(0, 0.02, 30), IS_NUMBER))
    mean, sd = model.predict(GRID)
    assert np.abs(mean - truth(GRID)).max() < 0.04
    assert 0.01 < model.noise < 0.04
    assert (np.abs(mean - truth(GRID)) < 3 * sd).all()
    assert sd.max() < 0.04


def test_what_was_not_measured_is_less_sure():
    model = GaussianProcess.fit(pooled(GRID[:6], truth(GRID)[:6], IS_NUMBER))
    _, sd = model.predict(GRID)
    assert sd[:6].max() < sd[6:].min()


def test_numbers_are_ordered_and_choices_are_not():
    scores = pooled(np.array([[0.0, 0.0], [1.0, 0.0]]), np.array([0.2, 0.8]), IS_NUMBER)
    model = GaussianProcess.fit(scores)
    low, middle, high = model.predict(np.array([[0.1, 0.0], [0.5, 0.0], [0.9, 0.0]]))[0]
    assert low < middle < high
    choices = GaussianProcess.fit(pooled(np.array([[0.0, 0.0], [0.0, 2.0]]), np.array([0.2, 0.8]), IS_NUMBER))
    assert choices.predict(np.array([[0.0, 1.0]]))[0] == pytest.approx([0.5])


def test_a_parameter_that_does_not_exist_has_a_value_of_its_own():
    points = np.array([[0.0, np.nan], [1.0, np.nan], [0.0, 0.0], [1.0, 1.0], [0.0, 1.0]])
    scores = np.array([0.2, 0.2, 0.8, 0.8, 0.8])
    mean, _ = GaussianProcess.fit(pooled(points, scores, IS_NUMBER)).predict(np.array([[0.5, np.nan], [0.5, 0.0]]))
    assert mean[0] < 0.4 < 0.6 < mean[1]


def test_scores_of_one_point_are_pooled_with_their_number_and_their_spread():
    points = np.array([[1.0, 0.0], [0.0, np.nan], [1.0, 0.0], [0.0, np.nan], [0.5, 2.0]])
    found = pooled(points, np.array([0.4, 0.1, 0.6, 0.1, 0.9]), IS_NUMBER)
    np.testing.assert_array_equal(found.points, points[[0, 1, 4]])
    assert found.means == pytest.approx([0.5, 0.1, 0.9])
    assert found.counts.tolist() == [2, 2, 1]
    assert found.within == pytest.approx(0.02)


def test_more_scores_of_a_point_make_it_surer():
    rng = np.random.default_rng(1)
    rows = np.array([*range(12), *[3] * 8])
    model = GaussianProcess.fit(pooled(GRID[rows], rng.normal(0.5, 0.1, len(rows)), IS_NUMBER))
    _, sd = model.predict(GRID)
    assert sd[3] == sd.min()


@pytest.mark.parametrize("scores", [[0.5], [0.5, 0.5, 0.5], [0.0, 1.0]])
def test_few_scores_and_equal_ones_are_answered(scores):
    mean, sd = GaussianProcess.fit(pooled(GRID[: len(scores)], np.array(scores), IS_NUMBER)).predict(GRID)
    assert np.isfinite(mean).all()
    assert (sd > 0).all()


def test_without_a_score_there_is_no_model():
    with pytest.raises(ValueError, match="one score at least"):
        GaussianProcess.fit(pooled(np.zeros((0, 2)), np.zeros(0), IS_NUMBER))


def test_what_is_being_measured_changes_no_expectation_and_is_less_worth_measuring():
    model = GaussianProcess.fit(pooled(GRID[::3], truth(GRID)[::3], IS_NUMBER))
    before, after = model.predict(GRID), model.believing(GRID[[1, 7]]).predict(GRID)
    np.testing.assert_allclose(after[0], before[0], atol=1e-6)
    assert (after[1][[1, 7]] < before[1][[1, 7]]).all()
    assert model.believing(GRID[:0]) is model


def test_the_slope_that_the_fit_follows_is_that_of_what_it_minimises(monkeypatch):
    """By differences, at settings beside those that are believed, with repeated scores and a missing parameter."""
    asked = []
    monkeypatch.setattr(optimize, "minimize", lambda f, start, **_: asked.append((f, start)) or _Found(start))
    rows = [0, 0, 1, 4, 5, 9, 9, 9, 11]
    points = GRID[rows].copy()
    points[3, 1] = np.nan
    GaussianProcess.fit(pooled(points, np.random.default_rng(2).normal(size=len(rows)), IS_NUMBER))
    (unlikely, start), step = asked[0], 1e-5
    at = start + 0.3
    for column in range(len(at)):
        by = np.eye(len(at))[column] * step
        slope = (unlikely(at + by)[0] - unlikely(at - by)[0]) / (2 * step)
        assert unlikely(at)[1][column] == pytest.approx(slope, rel=1e-4, abs=1e-6)


class _Found:
    def __init__(self, x):
        self.x = x


def test_of_very_many_points_the_best_the_last_and_those_to_keep_stay():
    number = 50
    scores = Scores(
        points=np.arange(number)[:, np.newaxis] / number,
        means=np.where(np.arange(number) < 10, 1.0, 0.0),
        counts=np.ones(number),
        is_number=np.array([True]),
    )
    keep = np.arange(number) == 20
    assert kept_rows(scores, 11, keep).tolist() == [0, 1, 2, 3, 4, 20, 45, 46, 47, 48, 49]
    assert kept_rows(scores, number).tolist() == list(range(number))


def test_with_very_many_points_it_is_conditioned_on_some(monkeypatch):
    monkeypatch.setattr(gaussian_process, "MOST_POINTS", 40)
    monkeypatch.setattr(gaussian_process, "_MOST_FITTED", 20)
    points = np.random.default_rng(3).uniform(size=(300, 1))
    model = GaussianProcess.fit(pooled(points, np.sin(3 * points[:, 0]), np.array([True])))
    assert len(model.scores.means) == 40
    mean, _ = model.predict(np.array([[0.2], [0.9]]))
    assert mean == pytest.approx(np.sin([0.6, 2.7]), abs=0.1)
