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


# long: one shape after another, in the order they are painted
def _folds(who: Identity, au: Mapping[int, float]) -> list[tuple[list[tuple[float, float]], float, float]]:
    """Lines, widths and strengths of the folds; age leaves faint ones at rest."""
    folds = []
    corner_x = 0.245 * who.mouth_width * (1.0 + 0.26 * au[12] + 0.30 * au[20] - 0.20 * au[23] - 0.22 * au[26])
    corner_y = MOUTH_Y + who.mouth_offset - 0.115 * au[12] + 0.10 * au[15]
    smile = max(au[12], 0.85 * au[9])
    for side in (-1, 1):
        out = corner_x + 0.085 + 0.02 * smile
        nose_top = 0.33 - 0.04 * au[9]
        folds.append(
            (
                [(side * 0.165, nose_top), (side * 0.27, 0.42), (side * out, corner_y - 0.02)],
                0.030,
                0.10 + 0.18 * who.age + 0.55 * smile,
            )
        )
        for step in (-1.0, 0.0, 1.0):  # crow's feet
            folds.append(
                (
                    [(side * 0.56, 0.03 * step), (side * 0.625, 0.05 * step - 0.005), (side * 0.68, 0.085 * step)],
                    0.016,
                    0.10 * who.age + 0.50 * au[6],
                )
            )
        folds.append(
            (
                [(side * 0.20, 0.10), (side * 0.33, 0.135), (side * 0.46, 0.10)],
                0.020,
                0.12 * who.age + 0.5 * au[6] + 0.35 * au[7],
            )
        )
        folds.append(
            ([(side * 0.055, -0.30), (side * 0.062, -0.22), (side * 0.05, -0.14)], 0.026, 0.06 * who.age + 0.75 * au[4])
        )
        folds.append(([(side * 0.10, 0.02 + 0.03), (side * 0.055, 0.03), (side * 0.0, 0.04)], 0.022, 0.62 * au[9]))
        folds.append(([(side * 0.105, 0.13), (side * 0.06, 0.09), (side * 0.0, 0.105)], 0.022, 0.62 * au[9]))
        folds.append(
            (
                [
                    (side * (corner_x + 0.01), corner_y + 0.03),
                    (side * (corner_x + 0.055), corner_y + 0.09),
                    (side * (corner_x + 0.06), corner_y + 0.16),
                ],
                0.026,
                0.06 * who.age + 0.50 * au[15],
            )
        )
        folds.append(
            (
                [
                    (side * (corner_x + 0.07), corner_y - 0.06),
                    (side * (corner_x + 0.095), corner_y),
                    (side * (corner_x + 0.07), corner_y + 0.06),
                ],
                0.022,
                0.45 * au[20],
            )
        )
        for level in (0.0, 0.075):  # outer forehead
            folds.append(
                (
                    [(side * 0.22, -0.435 - level), (side * 0.36, -0.455 - level), (side * 0.50, -0.41 - level)],
                    0.018,
                    0.05 * who.age + 0.38 * au[2],
                )
            )
    for level in (0.0, 0.075):  # middle of the forehead
        folds.append(
            (
                [(-0.24, -0.43 - level), (0.0, -0.415 - level), (0.24, -0.43 - level)],
                0.018,
                0.05 * who.age + 0.42 * au[1],
            )
        )
    folds.append(
        (
            [
                (corner_x + 0.075, corner_y - 0.15),
                (corner_x + 0.125, corner_y - 0.07),
                (corner_x + 0.10, corner_y + 0.02),
            ],
            0.036,
            0.62 * au[14],
        )
    )
    return folds
