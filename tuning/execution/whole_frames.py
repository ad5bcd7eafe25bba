"""A few frames of clips as they are, small and whole: for a person who asks why these clips were dropped."""

from __future__ import annotations

import dataclasses
from collections.abc import Generator, Iterable, Sequence
from typing import Any

import numpy as np

from trainables.core.faces.clip import CroppedClip
from trainables.core.faces.crops import bounded, resized
from trainables.core.prepared.batches import frame_positions
from trainables.core.prepared.cropping import cropped_clips
from trainables.core.prepared.stored import Dropped
from trainables.data.core.dataset import DataError, Dataset, Sample


def whole_frames(dataset: Dataset, samples: Sequence[Sample], num_frames: int, side: int) -> Generator[np.ndarray]:
    """Up to `num_frames` evenly spaced frames of each of `samples`, RGB uint8 `(T, H, W, 3)`, the longer side `side` px.

    Of a clip that cannot be read there are none, `(0, side, side, 3)`. Clips are read as they were for cropping: one that
    ends the process that reads it ends nothing else.
    """
    read_again = dataclasses.replace(dataset, samples=list(samples), folds=[])
    for outcome in cropped_clips(read_again, _Whole(num_frames), side):
        nothing = isinstance(outcome, Dropped)
        yield np.empty((0, side, side, 3), np.uint8) if nothing else outcome.frames


@dataclasses.dataclass(frozen=True)
class _Whole:
    """Takes whole frames where a finder takes faces."""

    num_frames: int

    @property
    def settings(self) -> dict[str, Any]:
        return {"detector": "none"}

    def crop_clip(self, frames: Iterable[np.ndarray], size: int) -> CroppedClip:
        """Some of `frames` with `size` px where they are longest. Raises `DataError` where there is no frame."""
        kept = bounded(_shrunk(frame, size) for frame in frames).frames
        if not kept:
            raise DataError("The clip has no frames.")
        chosen = np.stack([kept[place] for place in frame_positions(len(kept), self.num_frames)])
        return CroppedClip(chosen, len(chosen), score=0.0)


def _shrunk(frame: np.ndarray, size: int) -> np.ndarray:
    scale = size / max(frame.shape[:2])
    return resized(frame, (max(round(frame.shape[1] * scale), 1), max(round(frame.shape[0] * scale), 1)))
