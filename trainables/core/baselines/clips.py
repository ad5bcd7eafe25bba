"""The clips that a baseline sees: few frames of each, no more clips than there is time for, and no file left behind."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np

from trainables.core.prepared.batches import frame_positions
from trainables.core.prepared.stored import Prepared, margin_size

MOST_CLIPS = 3000


def affordable(seconds_per_clip: float, budget_s: float, fewest: int) -> int:
    """How many clips there is time for: at most `MOST_CLIPS`, and `fewest` at least, however long they take."""
    return max(fewest, min(MOST_CLIPS, int(budget_s / max(seconds_per_clip, 1e-9))))


def sampled(indices: Sequence[int], most: int, seed: int) -> tuple[int, ...]:
    """All of `indices`, or `most` of them at random, in their order."""
    if len(indices) <= most:
        return tuple(indices)
    chosen = np.random.default_rng(seed).choice(len(indices), most, replace=False)
    return tuple(indices[place] for place in np.sort(chosen))


def frames_of(prepared: Prepared, index: int, num_frames: int) -> np.ndarray:
    """Up to `num_frames` stored frames of a clip, evenly spaced with both ends, uint8 `(T, H, W, 3)`."""
    start, stop = int(prepared.offsets[index]), int(prepared.offsets[index + 1])
    return prepared.frames[start + frame_positions(stop - start, num_frames)]


def in_memory(prepared: Prepared, indices: Sequence[int], *, num_frames: int, image_size: int) -> Prepared:
    """The clips at `indices` alone, up to `num_frames` frames of each, as large as networks of `image_size` px read them.

    A trial would have all frames of the data set resized, and kept.
    """
    size = min(margin_size(image_size), prepared.crop_size)
    clips = [
        [cv2.resize(frame, (size, size), interpolation=cv2.INTER_AREA) for frame in frames_of(prepared, i, num_frames)]
        for i in indices
    ]
    chosen: dict[str, Any] = {
        key: type(values)(values[i] for i in indices) if len(values := getattr(prepared, key)) else values
        for key in ("clip_ids", "subjects", "weights", "votes")
    }
    return dataclasses.replace(
        prepared,
        **chosen,
        labels=prepared.labels[list(indices)],
        offsets=np.cumsum([0, *map(len, clips)]),
        frames=np.stack([frame for clip in clips for frame in clip]),
    )
