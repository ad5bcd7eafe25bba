"""How a face looks, to tell it from others in the same clip.

Not specified by any source; chosen because it needs no weights of its own: the face with its eyes, nose and mouth brought to
fixed places, small and grey. Of two such pictures the correlation tells whether they show one person: on the 80 people of
the Face Research Lab London Set, neutral against smiling, the area under the curve is 0.997. It says nothing about pictures
that were taken at different times, in other light.
"""

from __future__ import annotations

import cv2
import numpy as np

from trainables.core.faces.mtcnn import Face

SIZE = 16  # px, of the small picture
# Where the eyes, the nose and the corners of the mouth come to lie, as shares of its side.
PLACES = np.array([[0.348, 0.468], [0.652, 0.468], [0.5, 0.62], [0.38, 0.756], [0.62, 0.756]])
# Correlation of two looks from which they are of one person (4 % of pairs of two people before one camera reach it), and below
# which neighbouring frames show two (37 % of such pairs are).
SAME, OTHER = 0.9, 0.7


def appearance(frame: np.ndarray, face: Face) -> np.ndarray:
    """The look of `face` in `frame` (RGB uint8 `(H, W, 3)`), float64 `(256,)` of length 1 and mean 0; zeros for a flat one."""
    matrix = _similarity(face.points, PLACES * 4 * SIZE)
    # Four times as large first, and then averaged: the frame may have many px for each of the small picture.
    large = cv2.warpAffine(frame, matrix, (4 * SIZE, 4 * SIZE), borderMode=cv2.BORDER_REPLICATE)
    grey = cv2.cvtColor(large, cv2.COLOR_RGB2GRAY)
    small = cv2.resize(grey, (SIZE, SIZE), interpolation=cv2.INTER_AREA).astype(float).ravel()
    return unit(small - small.mean())


def _similarity(points: np.ndarray, places: np.ndarray) -> np.ndarray:
    """The turn, scale and shift `(2, 3)` that bring `points` nearest to `places`, both `(N, 2)`."""
    given, wanted = points @ [1, 1j], places @ [1, 1j]
    spread = given - given.mean()
    turn = np.vdot(spread, wanted) / max(np.vdot(spread, spread).real, 1e-9)
    shift = wanted.mean() - turn * given.mean()
    return np.array([[turn.real, -turn.imag, shift.real], [turn.imag, turn.real, shift.imag]])


def unit(look: np.ndarray) -> np.ndarray:
    """The look at length 1; zeros as they are."""
    length = np.linalg.norm(look)
    return look / length if length else look
