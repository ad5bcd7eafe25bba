"""Where one shot of a clip ends and another begins: the picture changes at once, and stays changed."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import cv2
import numpy as np

SIDE = 24  # px, of the small pictures that are compared: what moves in them is a small part
# How much neighbouring pictures differ (1 less their correlation) from which they may be of two shots, and how many times as
# much that has to be as what differs nearby: of its median where nearly all of the picture is another, and of its largest
# where little is, as when two people sit before the same wall. On 80 clips of real heads the largest change was 0.005; where
# two of other people are joined, all of 400 changes were above 0.045.
ALL, OF_MEDIAN = 0.5, 3.0
SOME, OF_LARGEST = 0.03, 5.0
NEARBY = 5  # frames on each side


def first_frames(frames: Sequence[np.ndarray]) -> list[int]:
    """The index of the first frame of each shot, from 0, of RGB uint8 frames `(H, W, 3)` in time order.

    A cut is a change that stands out among those nearby, and stays: a hand that waves at the camera changes many frames in
    turn, a flash two.
    """
    small = [cv2.resize(frame, (SIDE, SIDE), interpolation=cv2.INTER_AREA).astype(np.float32) for frame in frames]
    change = np.array([0.0, *(1 - _likeness(a, b) for a, b in pairwise(small))])
    cuts = []
    for index in np.flatnonzero(change > SOME).tolist():
        nearby = np.delete(change[max(index - NEARBY, 1) : index + NEARBY + 1], min(NEARBY, index - 1))
        is_flash = any(1 - _likeness(a, b) < change[index] / 2 for a, b in _across(small, index))
        if not is_flash and _stands_out(change[index], nearby):
            cuts.append(index)
    return [0, *cuts]


def _stands_out(change: float, nearby: np.ndarray) -> bool:
    if not len(nearby):
        return bool(change > ALL)
    return bool((change > ALL and change > OF_MEDIAN * np.median(nearby)) or change > OF_LARGEST * nearby.max())


def _across(small: Sequence[np.ndarray], index: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """The pictures about `index` that are alike where it is, or follows, a single strange one."""
    pairs = [(index - 1, index + 1), (index - 2, index)]
    return [(small[a], small[b]) for a, b in pairs if a >= 0 and b < len(small)]


def _likeness(a: np.ndarray, b: np.ndarray) -> float:
    """The correlation of two pictures; of two flat ones, whether their colours are the same."""
    a_less, b_less = a - a.mean((0, 1)), b - b.mean((0, 1))
    product = float(np.linalg.norm(a_less) * np.linalg.norm(b_less))
    if product < SIDE**2:  # noise is all that is in them
        return float(np.abs(a.mean((0, 1)) - b.mean((0, 1))).max() < 16)
    return float((a_less * b_less).sum()) / product
