"""The path of a crop: still as long as the head is near, and then the shortest way."""

import numpy as np
import pytest

from trainables.core.faces.path import GROWTH, POSITION, smooth, taut


def shortest(values: np.ndarray, tolerance: float) -> float:
    """The length of the shortest path through the tube over the steps of 1, by many small corrections."""
    path = np.clip(np.full_like(values, values.mean()), values - tolerance, values + tolerance)
    for _ in range(4000):
        for odd in (0, 1):
            middle = (path[:-2] + path[2:]) / 2
            path[1:-1][odd::2] = np.clip(middle, values[1:-1] - tolerance, values[1:-1] + tolerance)[odd::2]
        path[0] = np.clip(path[1], values[0] - tolerance, values[0] + tolerance)
        path[-1] = np.clip(path[-2], values[-1] - tolerance, values[-1] + tolerance)
    return float(np.hypot(1, np.diff(path)).sum())


@pytest.mark.parametrize("seed", range(8))
def test_the_string_stays_within_the_tolerance_and_is_the_shortest_that_does(seed):
    values = np.cumsum(np.random.default_rng(seed).normal(0, 2, 30))
    string = taut(values.copy(), 1.5)
    assert np.abs(string - values).max() <= 1.5 + 1e-9
    assert np.hypot(1, np.diff(string)).sum() == pytest.approx(shortest(values, 1.5), rel=1e-4)


def test_a_head_that_stays_near_has_a_crop_that_stands_still():
    rng = np.random.default_rng(0)
    centres = np.array([100.0, 80.0]) + rng.uniform(-2, 2, (40, 2))
    path, sides = smooth(centres, 60 * np.exp(rng.uniform(-0.05, 0.05, 40)))
    assert np.ptp(path, axis=0).tolist() == [0, 0]
    assert np.ptp(sides) == 0
    assert path[0] == pytest.approx([100, 80], abs=2)


def test_a_head_that_walks_and_comes_nearer_is_followed_without_a_detour():
    steps = np.linspace(0, 1, 50)
    centres = np.stack([50 + 400 * steps, np.full(50, 90.0)], axis=1) + np.random.default_rng(0).normal(0, 1, (50, 2))
    sides = 50 + 70 * steps
    path, smoothed = smooth(centres, sides)
    assert np.abs(path - centres).max() <= POSITION * np.median(sides) + 5
    assert np.abs(np.log(smoothed / sides)).max() <= GROWTH + 1e-2
    assert (np.diff(path[:, 0]) >= -1e-9).all()
    assert np.ptp(path[:, 1]) == 0


def test_one_box_that_is_off_is_not_followed():
    centres = np.full((9, 2), 50.0)
    centres[4] = 90
    assert np.ptp(smooth(centres, np.full(9, 40.0))[0]) == 0


@pytest.mark.parametrize("num_frames", [1, 2])
def test_a_clip_of_a_frame_or_two_has_a_path_too(num_frames):
    path, sides = smooth(np.arange(2 * num_frames, dtype=float).reshape(num_frames, 2), np.full(num_frames, 30.0))
    assert (path.shape, sides.tolist()) == ((num_frames, 2), pytest.approx([30.0] * num_frames))
