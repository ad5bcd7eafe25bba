"""How far clusters are from people, counted by pairs."""

import numpy as np
import pytest

from benchmarks.face_clusters import CHANGES, error_of


def test_pairs_that_are_split_and_joined_are_counted_apart():
    people = ["anna", "anna", "anna", "ben", "ben"]
    right = error_of(people, [1, 1, 1, 2, 2])
    assert (right.split, right.joined, right.adjusted_rand, right.num_clusters) == (0, 0, 1, 2)
    one = error_of(people, [1] * 5)
    assert (one.split, one.joined, one.largest) == (0, 1, 5)
    torn = error_of(people, [1, 1, 2, 2, 3])
    assert (torn.split, torn.joined) == (pytest.approx(3 / 4), pytest.approx(1 / 6))


@pytest.mark.parametrize("change", CHANGES.values(), ids=list(CHANGES))
def test_changed_clips_are_clips_and_alike_for_a_seed(change):
    clip = np.random.default_rng(1).integers(0, 255, (2, 64, 64, 3), np.uint8)
    first, again = (change(clip, np.random.default_rng(0)) for _ in range(2))
    assert (first.dtype, first.ndim, len(first)) == (np.uint8, 4, 2)
    assert (first == again).all()
