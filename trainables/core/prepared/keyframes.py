"""Keyframes: the frames of a clip that repeat least of what was shown before them.

Liu et al. (Journal of XPU 2024) choose keyframes by redundancy coefficients; no formula is public. Not specified by the
source; chosen because it is the plainest reading: the coefficient of a frame is its normalised correlation with the
last frame kept, on small grey images, and a frame is kept while it does not pass a threshold.
"""

from __future__ import annotations

import numpy as np

GREY_SIZE = 16  # px, the side of the grey images: expressions show, noise and pores do not


def redundancy(frames: np.ndarray, offsets: np.ndarray, threshold: float) -> np.ndarray:
    """The redundancy coefficient of every frame, float64 `(num_frames,)`: -1 (a negative) to 1 (the same again).

    Clip i is `frames[offsets[i]:offsets[i + 1]]`, uint8 RGB `(num_frames, S, S, 3)`, of which the central `GREY_SIZE`
    px count. A frame is compared with the last frame before it whose coefficient is at most `threshold`; the first of
    a clip stands above comparison, at minus infinity. The clips advance together, one frame at a time, and sums are
    exact, so that a clip has the same coefficients alone and among others.
    """
    coefficients = np.full(len(frames), -np.inf)
    starts, lengths = offsets[:-1], np.diff(offsets)
    kept, kept_norms = _centred(frames, starts)
    for step in range(1, int(lengths.max(initial=0))):
        clips = np.flatnonzero(lengths > step)
        grey, norms = _centred(frames, starts[clips] + step)
        product = norms * kept_norms[clips]
        correlation = np.einsum("np,np->n", grey, kept[clips]) / np.where(product > 0, product, 1)
        # a plain grey frame repeats a plain grey frame, and nothing else
        correlation[(norms == 0) & (kept_norms[clips] == 0)] = 1
        coefficients[starts[clips] + step] = correlation
        new = correlation <= threshold
        kept[clips[new]], kept_norms[clips[new]] = grey[new], norms[new]
    return coefficients


def keyframes(coefficients: np.ndarray, num_frames: int) -> np.ndarray:
    """The `num_frames` least redundant frames of one clip in time order, int64; all of a clip that has fewer.

    Kept frames come before dropped ones, since their coefficients are smaller; where dropped ones must fill up, the
    least redundant do. The earlier frame wins a tie.
    """
    return np.sort(np.argsort(coefficients, kind="stable")[:num_frames])


def _centred(frames: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Grey pixels less their mean, times their number, (N, P), and their norms, (N,): whole numbers up to the root."""
    edge = max(0, (frames.shape[1] - GREY_SIZE) // 2)
    middle = slice(edge, frames.shape[1] - edge)
    grey = frames[rows][:, middle, middle].sum(-1, dtype=np.int64).reshape(len(rows), -1)
    centred = (grey * grey.shape[1] - grey.sum(1, keepdims=True)).astype(np.float64)
    return centred, np.sqrt(np.einsum("np,np->n", centred, centred))
