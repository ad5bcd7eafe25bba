"""The clips that a baseline sees."""

import numpy as np
import pytest

from trainables.core.baselines.clips import MOST_CLIPS, affordable, in_memory, sampled
from trainables.core.prepared.batches import Clips


@pytest.mark.parametrize(
    ("seconds", "clips"), [(0.0, MOST_CLIPS), (0.01, 1000), (1000.0, 16)], ids=["quick", "in time", "at least"]
)
def test_as_many_clips_as_there_is_time_for(seconds, clips):
    assert affordable(seconds, 10.0, 16) == clips


def test_all_or_some_at_random_in_their_order():
    assert sampled((5, 3, 4), 3, seed=0) == (5, 3, 4)
    some = sampled(range(1000), 10, seed=0)
    assert len(set(some)) == 10
    assert list(some) == sorted(some)
    assert some == sampled(range(1000), 10, seed=0) != sampled(range(1000), 10, seed=1)


def test_clips_in_memory_are_what_a_trial_reads_and_nothing_is_left_behind(prepared):
    chosen = (7, 2, 11)
    before = sorted(prepared.folder.iterdir())
    small = Clips(in_memory(prepared, chosen, num_frames=4, image_size=24), num_frames=4, image_size=24)
    assert sorted(prepared.folder.iterdir()) == before
    whole = Clips(prepared, num_frames=4, image_size=24)
    for ours, theirs in zip(small.batch((0, 1, 2)), whole.batch(chosen), strict=True):
        assert np.array_equal(ours, theirs)
    assert small.labels.tolist() == whole.labels[list(chosen)].tolist()
    assert small.people == [whole.people[index] for index in chosen]
