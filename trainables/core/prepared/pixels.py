"""Pixels of frames on their way to a face's crops: bounded in number and size, resized, bordered, cut out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import cv2
import numpy as np

MARGIN = 0.125  # of the face's side, on each side; the network is shown the middle, the rest is for rotation and shift
MAX_FRAMES = 256  # a longer clip is thinned out evenly, so that memory and cache stay bounded
MAX_SIDE = 1280  # px; larger frames are shrunk as they are read


def bounded(frames: Iterable[np.ndarray]) -> list[np.ndarray]:
    """The frames at the first one's size, proportions kept; every second one dropped as often as `MAX_FRAMES` is passed."""
    kept: list[np.ndarray] = []
    stride = 1
    for index, frame in enumerate(frames):
        if index % stride:
            continue
        if kept and frame.shape != kept[0].shape:
            frame = _fitted(frame, kept[0].shape[1::-1])
        elif max(frame.shape[:2]) > MAX_SIDE:
            scale = MAX_SIDE / max(frame.shape[:2])
            frame = resized(frame, (max(round(frame.shape[1] * scale), 1), max(round(frame.shape[0] * scale), 1)))
        kept.append(frame)
        if len(kept) > MAX_FRAMES:
            kept = kept[::2]
            stride *= 2
    return kept


def square_crops(frames: list[np.ndarray], boxes: np.ndarray, size: int) -> np.ndarray:
    """The square around the median of `boxes` `(N, 4)` with its margin, `(T, size, size, 3)`; edges are replicated."""
    centre = np.median((boxes[:, :2] + boxes[:, 2:]) / 2, axis=0)
    side = float(np.median((boxes[:, 2:] - boxes[:, :2]).max(axis=1))) * (1 + 2 * MARGIN)
    side_px = max(round(side), 1)
    x, y = (round(float(c) - side / 2) for c in centre)
    crops = np.empty((len(frames), size, size, 3), np.uint8)
    for crop, frame in zip(crops, frames, strict=True):
        height, width = frame.shape[:2]
        left, top, right, bottom = max(x, 0), max(y, 0), min(x + side_px, width), min(y + side_px, height)
        part = frame[top:bottom, left:right]
        borders = (top - y, y + side_px - bottom, left - x, x + side_px - right)
        if any(borders):
            part = cv2.copyMakeBorder(part, *borders, cv2.BORDER_REPLICATE)
        crop[:] = resized(part, (size, size))
    return crops


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
