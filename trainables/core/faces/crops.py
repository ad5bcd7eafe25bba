"""The pixels of frames on their way to a face's crops: bounded in number and size, resized, bordered, cut out, turned."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

MARGIN = 0.125  # of the face's side, on each side; the network is shown the middle, the rest is for rotation and shift
MAX_FRAMES = 256  # a longer clip is thinned out evenly, so that memory and cache stay bounded
MAX_SIDE = 1280  # px; larger frames are shrunk as they are read


@dataclass(frozen=True)
class Bounded:
    """The frames of a clip, few and small enough to hold: frame i is the `every * i`-th that was read.

    A px of theirs is `scale` px of the first frame as it was read.
    """

    frames: list[np.ndarray]
    every: int = 1
    scale: float = 1.0


def bounded(frames: Iterable[np.ndarray]) -> Bounded:
    """The frames at the first one's size, proportions kept; every second one dropped as often as `MAX_FRAMES` is passed."""
    kept: list[np.ndarray] = []
    every, scale = 1, 1.0
    for index, frame in enumerate(frames):
        if index % every:
            continue
        if kept and frame.shape != kept[0].shape:
            frame = _fitted(frame, kept[0].shape[1::-1])
        elif max(frame.shape[:2]) > MAX_SIDE:
            scale = max(frame.shape[:2]) / MAX_SIDE
            frame = resized(frame, tuple(max(round(side / scale), 1) for side in frame.shape[1::-1]))
        kept.append(frame)
        if len(kept) > MAX_FRAMES:
            kept = kept[::2]
            every *= 2
    return Bounded(kept, every, scale)


def square_crops(frames: Sequence[np.ndarray], centres: np.ndarray, sides: np.ndarray, size: int) -> np.ndarray:
    """The square of `sides[i]` px about `centres[i]` of each frame at `size` px, `(T, size, size, 3)`; edges are replicated."""
    crops = np.empty((len(frames), size, size, 3), np.uint8)
    for crop, frame, centre, side in zip(crops, frames, centres, sides, strict=True):
        crop[:] = resized(square_part(frame, *square(centre, side)), (size, size))
    return crops


def cut_out(
    frames: Sequence[np.ndarray], centres: np.ndarray, sides: np.ndarray, size: int, roll_deg: float
) -> np.ndarray:
    """As `square_crops`, but what lies turned clockwise by `roll_deg` stands upright in the crop."""
    if not roll_deg:
        return square_crops(frames, centres, sides, size)
    turn = np.radians(roll_deg)
    wider = abs(np.cos(turn)) + abs(np.sin(turn))  # the upright square that holds the turned one
    size_px = max(round(size * wider), size)
    whole = square_crops(frames, centres, sides * wider, size_px)
    matrix = cv2.getRotationMatrix2D(((size_px - 1) / 2, (size_px - 1) / 2), roll_deg, 1.0)
    matrix = matrix - [[0, 0, (size_px - size) / 2]] * 2
    shape = (size, size)
    return np.stack([cv2.warpAffine(crop, matrix, shape, borderMode=cv2.BORDER_REPLICATE) for crop in whole])


def square(centre: np.ndarray, side: float) -> tuple[int, int, int]:
    """Left, top and side, in whole px, of the square of `side` px about `centre`."""
    left, top = (round(float(c) - side / 2) for c in centre)
    return left, top, max(round(side), 1)


def square_part(frame: np.ndarray, left: int, top: int, side: int) -> np.ndarray:
    """A square of the frame; where it lies outside, the edges are replicated."""
    height, width = frame.shape[:2]
    # A square that lies wholly outside repeats the nearest edge.
    rows = slice(min(max(top, 0), height - 1), max(min(top + side, height), 1))
    columns = slice(min(max(left, 0), width - 1), max(min(left + side, width), 1))
    borders = (
        max(rows.start - top, 0),
        max(top + side - rows.stop, 0),
        max(columns.start - left, 0),
        max(left + side - columns.stop, 0),
    )
    part = frame[rows, columns]
    return cv2.copyMakeBorder(part, *borders, cv2.BORDER_REPLICATE) if any(borders) else part


def resized(image: np.ndarray, shape: Sequence[int]) -> np.ndarray:
    """The image at `shape` (width, height)."""
    if (image.shape[1], image.shape[0]) == tuple(shape):
        return image
    shrinking = shape[0] * shape[1] < image.shape[0] * image.shape[1]
    return cv2.resize(image, tuple(shape), interpolation=cv2.INTER_AREA if shrinking else cv2.INTER_LINEAR)


def with_border(image: np.ndarray, border: int) -> np.ndarray:
    """The image with its edges replicated `border` px outwards."""
    return cv2.copyMakeBorder(image, border, border, border, border, cv2.BORDER_REPLICATE) if border else image


def _fitted(image: np.ndarray, shape: Sequence[int]) -> np.ndarray:
    """The image in the middle of one of `shape` (width, height), as large as it can be; its edges are replicated."""
    scale = min(shape[0] / image.shape[1], shape[1] / image.shape[0])
    width, height = (max(round(side * scale), 1) for side in image.shape[1::-1])
    left, top = (shape[0] - width) // 2, (shape[1] - height) // 2
    borders = top, shape[1] - height - top, left, shape[0] - width - left
    fitted = resized(image, (width, height))
    return cv2.copyMakeBorder(fitted, *borders, cv2.BORDER_REPLICATE) if any(borders) else fitted
