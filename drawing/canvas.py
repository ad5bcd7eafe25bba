"""A picture in face coordinates: anti-aliased polygons on a canvas of twice the size of the frame."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import contextmanager

import cv2
import numpy as np

from drawing.shape import Pose

OVERSAMPLING = 2
HALF_HEAD = 0.29  # frame heights: crown to chin fills 58 % of the frame
CENTRE = (0.5, 0.50)
_SUBPIXEL_BITS = 4


class Canvas:
    """RGB uint8 `pixels` `(side, side, 3)` on which face coordinates are drawn upright; `place` gives the frame."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.side = OVERSAMPLING * size
        self.unit = HALF_HEAD * self.side
        self.origin = np.array(CENTRE) * self.side
        self.pixels = np.zeros((self.side, self.side, 3), np.uint8)

    def fill(self, points: np.ndarray, colour: Sequence[float]) -> None:
        """Fills the polygon `points` `(n, 2)`, given in face coordinates."""
        cv2.fillPoly(self.pixels, [self.fixed(points)], tuple(colour), cv2.LINE_AA, _SUBPIXEL_BITS)

    def mask(self, points: np.ndarray) -> np.ndarray:
        """The polygon as uint8 coverage `(side, side)`."""
        coverage = np.zeros((self.side, self.side), np.uint8)
        cv2.fillPoly(coverage, [self.fixed(points)], 255, cv2.LINE_AA, _SUBPIXEL_BITS)
        return coverage

    def fixed(self, points: np.ndarray) -> np.ndarray:
        """Face coordinates as the fixed-point pixels that OpenCV fills with sub-pixel accuracy."""
        return np.rint((points * self.unit + self.origin - 0.5) * 2**_SUBPIXEL_BITS).astype(np.int32)

    def box(self, points: np.ndarray) -> tuple[slice, slice]:
        """Rows and columns around `points` with a margin of 3 px, within the canvas."""
        low = np.floor((points * self.unit + self.origin).min(axis=0)).astype(int) - 3
        high = np.ceil((points * self.unit + self.origin).max(axis=0)).astype(int) + 3
        (left, top), (right, bottom) = np.clip([low, high], 0, self.side)
        return slice(int(top), int(bottom)), slice(int(left), int(right))

    @contextmanager
    def clipped(self, points: np.ndarray) -> Generator[Canvas]:
        """What is drawn inside this block shows only within the polygon `points`."""
        before = self.pixels.copy()
        yield self
        rows, columns = self.box(points)
        coverage = self.mask(points)[rows, columns, None].astype(np.uint16)
        blend = coverage * self.pixels[rows, columns] + (255 - coverage) * before[rows, columns]
        before[rows, columns] = (blend // 255).astype(np.uint8)
        self.pixels = before

    def place(self, pose: Pose) -> np.ndarray:
        """The frame `(size, size, 3)`: the canvas rolled, scaled, shifted, and reduced."""
        centre = (float(self.origin[0]), float(self.origin[1]))
        to_frame = cv2.getRotationMatrix2D(centre, np.degrees(pose.roll), pose.scale)
        to_frame[:, 2] += np.array([pose.shift_x, pose.shift_y]) * self.side
        if pose.roll or pose.shift_x or pose.shift_y or pose.scale != 1.0:
            turned = cv2.warpAffine(
                self.pixels, to_frame, (self.side, self.side), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
            )
        else:
            turned = self.pixels
        return cv2.resize(turned, (self.size, self.size), interpolation=cv2.INTER_AREA)


def ribbon(line: np.ndarray, thickness: np.ndarray) -> np.ndarray:
    """The polygon around `line` `(n, 2)` whose width follows `thickness` `(n,)`."""
    step = np.diff(line, axis=0)
    along = np.concatenate([step[:1], step[1:] + step[:-1], step[-1:]])
    half = 0.5 * thickness / np.maximum(np.hypot(along[:, 0], along[:, 1]), 1e-9)
    across = along[:, ::-1] * (-1.0, 1.0) * half[:, None]
    return np.concatenate([line + across, (line - across)[::-1]])
