"""Finding faces in frames with MTCNN, and confirming one where it is expected with the last of its three networks alone.

MTCNN: Zhang et al., IEEE Signal Processing Letters 2016, as packaged by facenet-pytorch. The whole detector takes some 14 ms a
frame on one core; its last network, shown one square, takes half a millisecond, and finds the face again where the square is
off by up to a third of it.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from trainables.core.faces.crops import resized, square_part, with_border

BATCH = 8  # frames that are searched at once, which bounds the memory of the pyramid
SQUARES = 64  # that are confirmed at once, likewise
CONFIRMED = 0.7  # probability, as the detector's own last threshold
_INPUT = 48  # px, of the last network


@dataclass(frozen=True)
class Look:
    """How frames are shown to the detector: scaled to `side` px, with a border, down to faces of `min_face` px.

    `thresholds` are the probabilities from which each of its three networks passes a candidate on.
    """

    side: int
    border: float
    min_face: int
    thresholds: tuple[float, float, float] = (0.6, 0.7, 0.7)  # as published


# The quick look finds faces from a tenth of the frame on, and costs less than half of the close look, which is for
# clips where it finds none: smaller faces, and faces cut off by the frame.
QUICK = Look(side=320, border=0.0, min_face=32)
CLOSE = Look(side=480, border=0.25, min_face=20)
FILLING = Look(side=96, border=0.2, min_face=32)  # for crops, which a face fills
# For crops that are to be judged: it sees a face in 97 to 100 % of crops of 48 px that are blurred, noisy, turned by 45
# degrees or half covered, where the published thresholds see 95 %; of 400 patches of a cup and a cat, in one.
LENIENT = Look(side=96, border=0.2, min_face=32, thresholds=(0.4, 0.4, 0.3))


@dataclass(frozen=True, eq=False)
class Face:
    """A face in one frame: `box` x1, y1, x2, y2 in px, and `points` `(5, 2)`: the eyes, the nose, the corners of the mouth."""

    box: np.ndarray
    probability: float
    points: np.ndarray

    @property
    def centre(self) -> np.ndarray:
        return (self.box[:2] + self.box[2:]) / 2

    @property
    def side(self) -> float:
        """The longer side of its box in px."""
        return float((self.box[2:] - self.box[:2]).max())

    @property
    def weight(self) -> float:
        """Its area times its probability."""
        return float(np.prod(self.box[2:] - self.box[:2]) * self.probability)

    @property
    def roll_deg(self) -> float:
        """By how much the line through the eyes is turned clockwise; the detector tells none beyond 90 degrees."""
        across, down = self.points[1] - self.points[0]
        return float(np.degrees(np.arctan2(down, across)))


class Detector:
    """MTCNN, built at the first use, and once per process."""

    def __init__(self, device: str = "cpu") -> None:
        self.device = device

    def detect(self, frames: Sequence[np.ndarray], look: Look) -> list[list[Face]]:
        """The faces in each of `frames`, RGB uint8 `(H, W, 3)` of one size."""
        faces: list[list[Face]] = []
        for start in range(0, len(frames), BATCH):
            faces.extend(self._detect_batch(frames[start : start + BATCH], look))
        return faces

    def confirm(self, frames: Sequence[np.ndarray], boxes: Sequence[np.ndarray]) -> list[Face | None]:
        """For each of `frames`, the face that was expected about the box `(4,)` beside it; `None` where it shows none."""
        faces: list[Face | None] = []
        for start in range(0, len(frames), SQUARES):
            part = slice(start, start + SQUARES)
            faces.extend(self._confirm_batch(frames[part], [_square_about(box) for box in boxes[part]]))
        return faces

    def _confirm_batch(
        self, frames: Sequence[np.ndarray], squares: Sequence[tuple[int, int, int]]
    ) -> Iterator[Face | None]:
        import torch

        parts = [square_part(frame, *square) for frame, square in zip(frames, squares, strict=True)]
        inputs = np.stack([resized(part, (_INPUT, _INPUT)) for part in parts])
        shown = torch.from_numpy(inputs).to(self.device).permute(0, 3, 1, 2).float().sub_(127.5).mul_(1 / 128)
        with torch.inference_mode():
            moved, points, probabilities = (out.cpu().double().numpy() for out in self._mtcnn(QUICK).onet(shown))
        for (x, y, side), corners, at, probability in zip(squares, moved, points, probabilities[:, 1], strict=True):
            box = np.array([x, y, x + side, y + side]) + corners * side
            found = np.column_stack([x + at[:5] * side, y + at[5:] * side])
            yield Face(box, float(probability), found) if probability >= CONFIRMED else None

    def _detect_batch(self, frames: Sequence[np.ndarray], look: Look) -> list[list[Face]]:
        height, width = frames[0].shape[:2]
        scale = look.side / max(height, width)
        # A strip thinner than the smallest face would leave the detector without a single scale.
        shape = (max(round(width * scale), look.min_face), max(round(height * scale), look.min_face))
        border = round(look.border * look.side)
        shown = np.stack([with_border(resized(frame, shape), border) for frame in frames])
        try:
            found = self._mtcnn(look).detect(shown, landmarks=True)
        except (RuntimeError, IndexError):
            # facenet-pytorch fails on a candidate that lies outside the image; frame by frame, the others count.
            if len(frames) == 1:
                return [[]]
            return [faces for frame in frames for faces in self._detect_batch([frame], look)]
        per_px = np.array([width / shape[0], height / shape[1]])
        return [_faces(*of_frame, border, per_px) for of_frame in zip(*found, strict=True)]

    def _mtcnn(self, look: Look) -> Any:
        return _built(look.min_face, look.thresholds, self.device)


@functools.cache
def _built(min_face: int, thresholds: tuple[float, ...], device: str) -> Any:
    # Imported here: it takes seconds, which opening a prepared data set does not owe.
    import torch
    from facenet_pytorch import MTCNN

    detector = MTCNN(min_face_size=min_face, thresholds=list(thresholds), keep_all=True, device=device)
    # Same boxes, a third less time: the pooling of torch is vectorised in this layout only.
    return detector.to(memory_format=torch.channels_last)


@contextlib.contextmanager
def one_thread() -> Generator[None]:
    """On such small inputs more threads gain nothing, and processes beside each other would fight for the cores."""
    import torch  # here for the reason given in `_built`

    num_torch, num_cv2 = torch.get_num_threads(), cv2.getNumThreads()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    try:
        yield
    finally:
        torch.set_num_threads(num_torch)
        cv2.setNumThreads(num_cv2)


def _faces(boxes: Any, probabilities: Any, points: Any, border: int, per_px: np.ndarray) -> list[Face]:
    """What the detector found in one frame that was shown with a `border`, `per_px` of the frame as it is."""
    if boxes is None:
        return []
    boxes = (np.asarray(boxes, float).reshape(-1, 4) - border) * np.tile(per_px, 2)
    points = (np.asarray(points, float).reshape(-1, 5, 2) - border) * per_px
    probabilities = np.asarray(probabilities, float).ravel().tolist()
    return [Face(*face) for face in zip(boxes, probabilities, points, strict=True)]


def _square_about(box: np.ndarray) -> tuple[int, int, int]:
    """Left, top and side in whole px."""
    side = max(round(float((box[2:] - box[:2]).max())), 1)
    left, top = (round(float(centre - side / 2)) for centre in (box[:2] + box[2:]) / 2)
    return left, top, side
