"""The skin of the head: its modelling by soft light and shade, its flush and stubble, and the creases of expression."""

from __future__ import annotations

from collections.abc import Mapping

import cv2
import numpy as np

from drawing import shape
from drawing.canvas import Canvas, ribbon
from drawing.identity import Identity
from drawing.shape import EYE_X, MOUTH_Y, Pose

COARSE = 4  # light and shade are smooth: worked out on every fourth pixel

Fold = tuple[list[tuple[float, float]], float, float]  # line, width, strength


def paint_head(canvas: Canvas, who: Identity, au: Mapping[int, float], pose: Pose, light_side: float) -> None:
    """Paints the head with light falling from `light_side` (-1 left, 1 right)."""
    outline = shape.head(who, au)
    rows, columns = canvas.box(outline)
    patch = canvas.pixels[rows, columns]
    tone = np.array(who.skin, np.float32) * _modelling(canvas, who, au, pose, light_side)
    tone = cv2.resize(tone, (canvas.side, canvas.side), interpolation=cv2.INTER_LINEAR)[rows, columns]
    tone *= _creases(canvas, who, au, pose)[rows, columns, None]
    coverage = canvas.mask(outline)[rows, columns, None].astype(np.float32) / 255.0
    patch[:] = np.clip(patch + coverage * (tone - patch), 0, 255).astype(np.uint8)


def _modelling(canvas: Canvas, who: Identity, au: Mapping[int, float], pose: Pose, light_side: float) -> np.ndarray:
    """Factors on the skin's colour, `(side / COARSE, side / COARSE, 3)` float32."""
    jaw = 0.15 * au[26]
    lip = MOUTH_Y + who.mouth_offset + 0.8 * (0.085 * au[25] + 0.27 * au[26])
    smile = 0.5 * au[12] + 0.5 * au[6]
    middle = [  # x, y, spread in x and y, brightness
        (0.0, 0.10, 0.045, 0.22, 0.09), (0.0, 0.31 - 0.03 * au[9], 0.06, 0.05, 0.12), (0.0, 0.445, 0.11, 0.03, -0.12),
        (0.0, lip + 0.165, 0.13, 0.035, -0.14), (0.0, 0.88 + jaw, 0.13, 0.08, 0.05), (0.0, -0.52, 0.34, 0.17, 0.06),
        (0.0, 1.06 + jaw, 0.45, 0.12, -0.20), (0.0, -0.20, 0.10, 0.07, -0.12 * au[4]),
        (0.0, -0.02, 0.10, 0.06, -0.14 * au[9]),
        (0.0, 0.83, 0.18, 0.09, -0.08 * au[15]),
    ]  # fmt: skip
    paired = [
        (EYE_X, -0.07, 0.17, 0.075, -0.13), (0.16, -0.07, 0.06, 0.09, -0.11), (0.115, 0.20, 0.045, 0.16, -0.09),
        (0.43, 0.24 - 0.05 * smile, 0.15, 0.11, 0.06 + 0.07 * smile), (EYE_X, 0.13, 0.14, 0.03, -0.06 - 0.07 * au[6]),
        (0.80, 0.10, 0.16, 0.60, -0.20), (0.60, 0.80 + jaw, 0.20, 0.20, -0.12),
        (0.30, 0.46, 0.05, 0.10, -0.11 * max(au[12], 0.9 * au[9])),
        (0.38, -0.40, 0.20, 0.06, 0.05 * au[2]),
    ]  # fmt: skip
    blobs = np.array(middle + [(side * x, y, sx, sy, b) for x, y, sx, sy, b in paired for side in (-1, 1)])
    shade = 1.0 + _sum_of_blobs(canvas, blobs, pose)
    across = np.linspace(-1.0, 1.0, shade.shape[1], dtype=np.float32) / (2.0 * 0.29)
    shade *= 1.0 + 0.10 * light_side * across
    flush = np.array(
        [(side * 0.43, 0.27 - 0.04 * smile, 0.15, 0.11, 0.05 + 0.02 * smile) for side in (-1, 1)]
        + [(0.0, 0.33, 0.09, 0.07, 0.035)]
    )
    redness = _sum_of_blobs(canvas, flush, pose)
    factors = np.stack([shade * (1 + 0.4 * redness), shade * (1 - redness), shade * (1 - 0.8 * redness)], axis=-1)
    if who.stubble:
        beard = np.array(
            [
                (0.0, 0.90 + jaw, 0.36, 0.16, 0.30),
                (-0.50, 0.66, 0.15, 0.20, 0.22),
                (0.50, 0.66, 0.15, 0.20, 0.22),
                (0.0, 0.50, 0.16, 0.035, 0.20),
            ]
        )
        factors *= 1.0 - who.stubble * _sum_of_blobs(canvas, beard, pose)[..., None] * np.array(
            [1.0, 0.92, 0.84], np.float32
        )
    return factors


def _sum_of_blobs(canvas: Canvas, blobs: np.ndarray, pose: Pose) -> np.ndarray:
    """The sum of Gaussians with rows x, y, spread in x, spread in y, amplitude; separable, so one matrix product."""
    centres = shape.turn(blobs[:, :2], pose)
    pixels = (np.arange(canvas.side // COARSE) + 0.5) * COARSE
    x = ((pixels - canvas.origin[0]) / canvas.unit - centres[:, :1]) / blobs[:, 2:3]
    y = ((pixels - canvas.origin[1]) / canvas.unit - centres[:, 1:]) / blobs[:, 3:4]
    return ((blobs[:, 4:] * np.exp(-0.5 * y**2)).T @ np.exp(-0.5 * x**2)).astype(np.float32)


def _creases(canvas: Canvas, who: Identity, au: Mapping[int, float], pose: Pose) -> np.ndarray:
    """Factors below 1 where the skin folds, `(side, side)` float32."""
    mask = np.zeros((canvas.side, canvas.side), np.uint8)
    for line, width, strength in sorted(_folds(who, au), key=lambda fold: fold[2]):
        if strength > 0.03:
            path = shape.turn(shape.curve(line), pose)
            taper = width * np.sin(np.linspace(0.1, np.pi - 0.1, len(path)))
            cv2.fillPoly(mask, [canvas.fixed(ribbon(path, taper))], 255 * min(strength, 1.0), cv2.LINE_AA, 4)
    return 1.0 - (0.48 / 255.0) * cv2.GaussianBlur(mask, (0, 0), 0.0045 * canvas.side).astype(np.float32)


def _folds(who: Identity, au: Mapping[int, float]) -> list[Fold]:
    """The folds in the order they are painted; age leaves faint ones at rest."""
    folds: list[Fold] = []

    def fold(width: float, strength: float, *line: tuple[float, float]) -> None:
        folds.append((list(line), width, strength))

    age, x = who.age, 0.245 * who.mouth_width * (1.0 + 0.26 * au[12] + 0.30 * au[20] - 0.20 * au[23] - 0.22 * au[26])
    y = MOUTH_Y + who.mouth_offset - 0.115 * au[12] + 0.10 * au[15]  # x and y of the corner of the mouth
    smile = max(au[12], 0.85 * au[9])
    out, nose_top = x + 0.085 + 0.02 * smile, 0.33 - 0.04 * au[9]
    for s in (-1, 1):
        fold(0.030, 0.10 + 0.18 * age + 0.55 * smile, (s * 0.165, nose_top), (s * 0.27, 0.42), (s * out, y - 0.02))
        for step in (-1.0, 0.0, 1.0):  # crow's feet
            inner, middle = (s * 0.56, 0.03 * step), (s * 0.625, 0.05 * step - 0.005)
            fold(0.016, 0.10 * age + 0.50 * au[6], inner, middle, (s * 0.68, 0.085 * step))
        below_eye = 0.12 * age + 0.5 * au[6] + 0.35 * au[7]
        fold(0.020, below_eye, (s * 0.20, 0.10), (s * 0.33, 0.135), (s * 0.46, 0.10))
        fold(0.026, 0.06 * age + 0.75 * au[4], (s * 0.055, -0.30), (s * 0.062, -0.22), (s * 0.05, -0.14))
        fold(0.022, 0.62 * au[9], (s * 0.10, 0.02 + 0.03), (s * 0.055, 0.03), (s * 0.0, 0.04))
        fold(0.022, 0.62 * au[9], (s * 0.105, 0.13), (s * 0.06, 0.09), (s * 0.0, 0.105))
        down = (s * (x + 0.01), y + 0.03), (s * (x + 0.055), y + 0.09), (s * (x + 0.06), y + 0.16)
        fold(0.026, 0.06 * age + 0.50 * au[15], *down)
        fold(0.022, 0.45 * au[20], (s * (x + 0.07), y - 0.06), (s * (x + 0.095), y), (s * (x + 0.07), y + 0.06))
        for level in (0.0, 0.075):  # outer forehead
            brow = (s * 0.22, -0.435 - level), (s * 0.36, -0.455 - level), (s * 0.50, -0.41 - level)
            fold(0.018, 0.05 * age + 0.38 * au[2], *brow)
    for level in (0.0, 0.075):  # middle of the forehead
        fold(0.018, 0.05 * age + 0.42 * au[1], (-0.24, -0.43 - level), (0.0, -0.415 - level), (0.24, -0.43 - level))
    fold(0.036, 0.62 * au[14], (x + 0.075, y - 0.15), (x + 0.125, y - 0.07), (x + 0.10, y + 0.02))
    return folds
