"""Clips whose frames are face crops already: nothing is searched for, the crop becomes the middle of the stored square."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import cv2
import numpy as np

from trainables.core.faces.clip import CroppedClip, NoFace
from trainables.core.faces.crops import MARGIN, MAX_FRAMES, bounded, resized
from trainables.core.faces.finder import FaceFinder
from trainables.core.faces.looking import evenly
from trainables.core.faces.mtcnn import LENIENT, Detector, one_thread
from trainables.core.wording import counted
from trainables.data.core.dataset import DataError

NUM_JUDGED = 8  # frames, evenly spaced


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
        kept = _read(frames)
        return CroppedClip(_squares(kept, size), len(kept), score=1.0)

    def crop_shown(self, frames: Iterable[np.ndarray], size: int) -> CroppedClip:
        """As `crop_clip`, with the score of a detector. Raises `NoFace` where it sees a face in none of a few frames."""
        kept = _read(frames)
        judged = [kept[index] for index in evenly(len(kept), NUM_JUDGED)]
        with one_thread():
            found = Detector().detect(judged, LENIENT)
        scores = [max(face.probability for face in faces) for faces in found if faces]
        if not scores:
            raise NoFace(
                f"no face in any of {counted(len(judged), 'frame')} looked at; the model was trained on crops of faces"
            )
        share = len(scores) / len(judged)
        return CroppedClip(_squares(kept, size), len(scores), score=float(np.mean(scores)), face_share=share)

    def crop_everyone(self, frames: Iterable[np.ndarray], size: int) -> list[CroppedClip]:
        """The faces that show in the frames: whoever asks for all of them gives no crops."""
        return FaceFinder().crop_everyone(frames, size)


def _read(frames: Iterable[np.ndarray]) -> list[np.ndarray]:
    kept = bounded(frames).frames
    if not kept:
        raise DataError("The clip has no frames.")
    return kept


def _squares(frames: Sequence[np.ndarray], size: int) -> np.ndarray:
    return np.stack([_squared(frame, size) for frame in frames])


def _squared(frame: np.ndarray, size: int) -> np.ndarray:
    """The frame in the middle of a square of `size` px, as large as the network's view; edges are replicated."""
    height, width = frame.shape[:2]
    scale = round(size / (1 + 2 * MARGIN)) / max(height, width)
    shape = max(round(width * scale), 1), max(round(height * scale), 1)
    left, top = (size - shape[0]) // 2, (size - shape[1]) // 2
    borders = top, size - shape[1] - top, left, size - shape[0] - left
    return cv2.copyMakeBorder(resized(frame, shape), *borders, cv2.BORDER_REPLICATE)
