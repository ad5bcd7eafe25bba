"""Clips whose frames are face crops already: nothing is searched for, the crop becomes the middle of the stored square."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import cv2
import numpy as np

from trainables.core.prepared.faces import CroppedClip, FaceFinder
from trainables.core.prepared.pixels import MARGIN, MAX_FRAMES, bounded, resized
from trainables.data.core.dataset import DataError, Faces


class GivenFaces:
    """Takes every frame for a face crop, as `FaceFinder` takes the square that it found."""

    @property
    def settings(self) -> dict[str, Any]:
        """What decides the crops, for the fingerprint of a cache."""
        return {"detector": "given", "margin": MARGIN, "max_frames": MAX_FRAMES}

    def crop_clip(self, frames: Iterable[np.ndarray], size: int) -> CroppedClip:
        """The `frames` (RGB uint8 `(H, W, 3)`, in time order) as squares of `size` px.

        A frame fills the middle, `size / (1 + 2 * MARGIN)` px, which is what a network is shown; around it its border is
        repeated, for rotation and shift. A frame that is not square keeps its proportions.
        Raises `DataError` where there is no frame.
        """
        kept = bounded(frames)
        if not kept:
            raise DataError("The clip has no frames.")
        crops = np.stack([_squared(frame, size) for frame in kept])
        return CroppedClip(crops, len(crops), num_faces=1, score=1.0)


def finder_for(faces: Faces) -> FaceFinder | GivenFaces:
    """What makes crops of a clip where its faces are to be found, or are given."""
    return GivenFaces() if faces == "given" else FaceFinder()


def _squared(frame: np.ndarray, size: int) -> np.ndarray:
    """The frame in the middle of a square of `size` px, as large as the network's view; edges are replicated."""
    height, width = frame.shape[:2]
    scale = round(size / (1 + 2 * MARGIN)) / max(height, width)
    shape = max(round(width * scale), 1), max(round(height * scale), 1)
    left, top = (size - shape[0]) // 2, (size - shape[1]) // 2
    borders = top, size - shape[1] - top, left, size - shape[0] - left
    return cv2.copyMakeBorder(resized(frame, shape), *borders, cv2.BORDER_REPLICATE)
