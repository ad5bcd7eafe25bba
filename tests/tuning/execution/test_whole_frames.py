"""Frames of dropped clips: small and whole, evenly spaced; none of what cannot be read."""

import numpy as np

from tests.support import trees
from trainables.core.prepared import cropping
from trainables.data.core.dataset import DataError, Dataset, Sample
from trainables.data.core.frames import read_frames
from tuning.execution.whole_frames import whole_frames


def dataset_of(clips, read):
    samples = [Sample(clip_id=clip, label=0, subject=None, paths=()) for clip in clips]
    return Dataset(name="stub", classes=("a", "b"), samples=samples, folds=[], read=read)


def grey(shade, height=60, width=90):
    return np.full((height, width, 3), shade, np.uint8)


def test_frames_are_whole_small_and_evenly_spaced():
    clips = {"long": [grey(shade) for shade in range(200)], "short": [grey(7, 90, 30), grey(9, 90, 30)]}
    dataset = dataset_of(clips, lambda sample: iter(clips[sample.clip_id]))
    long, short = whole_frames(dataset, dataset.samples, 5, 30)
    assert long.shape == (5, 20, 30, 3)
    assert long[:, 0, 0, 0].tolist() == [0, 50, 100, 149, 199]
    assert short.shape == (2, 30, 10, 3)
    assert [len(found) for found in whole_frames(dataset, dataset.samples[1:], 5, 30)] == [2]


def test_memory_is_bounded_however_long_a_clip_is():
    dataset = dataset_of(["hours"], lambda sample: (grey(index // 40) for index in range(10_000)))
    (frames,) = whole_frames(dataset, dataset.samples, 5, 30)
    assert {*np.diff(frames[:, 0, 0, 0].astype(int)).tolist()} == {62, 63}


def test_of_a_clip_that_cannot_be_read_there_are_none():
    def read(sample):
        if sample.clip_id == "damaged":
            raise DataError("not a readable video")
        yield from [] if sample.clip_id == "empty" else [grey(3)]

    dataset = dataset_of(["damaged", "empty", "whole"], read)
    assert [len(found) for found in whole_frames(dataset, dataset.samples, 5, 30)] == [0, 0, 1]


def test_a_video_is_read_in_a_process_of_its_own(tmp_path, monkeypatch):
    """As for cropping: what kills the process that reads it kills no command."""
    asked = []

    def in_processes(remembered, samples, num_processes):
        asked.append((len(samples), num_processes))
        yield from []

    monkeypatch.setattr(cropping, "_in_processes", in_processes)
    path = trees.write_video(tmp_path / "a.avi")
    sample = Sample(clip_id="a", label=0, subject=None, paths=(path,))
    dataset = Dataset(name="stub", classes=("a", "b"), samples=[sample], folds=[], read=read_frames)
    assert list(whole_frames(dataset, dataset.samples, 5, 30)) == []
    assert asked == [(1, 1)]
