"""Hair in six styles: what hangs behind the head, and what falls over it."""

from __future__ import annotations

import numpy as np

from drawing import shape
from drawing.canvas import Canvas, ribbon
from drawing.identity import Identity
from drawing.shape import Pose


def draw_behind(canvas: Canvas, who: Identity) -> None:
    """The mass of hair behind the head."""
    w = shape.HALF_WIDTH * who.head_width
    dark = _tone(who, 0.78)
    if who.hair_style == "long":
        half = [(0.62, -1.08), (1.12, -0.72), (1.24, -0.1), (1.26, 0.6), (1.22, 1.15), (0.92, 1.42), (0.5, 1.3)]
        canvas.fill(shape.curve(_mirrored([(0.0, -1.17), *half], w), closed=True), dark)
    elif who.hair_style == "bun":
        angle = np.linspace(0.0, 2.0 * np.pi, 12, endpoint=False)
        canvas.fill(shape.curve(np.stack([0.30 * np.cos(angle), -1.22 + 0.24 * np.sin(angle)], 1), closed=True), dark)
        canvas.fill(
            shape.curve(np.stack([-0.03 + 0.21 * np.cos(angle), -1.26 + 0.16 * np.sin(angle)], 1), closed=True),
            _tone(who, 1.0),
        )
    elif who.hair_style == "curly":
        angle = np.linspace(-np.pi, np.pi, 44, endpoint=False)
        radius = 1.0 + 0.045 * np.cos(np.arange(44) * np.pi)
        reach = np.where(np.sin(angle) < 0, 1.0, 0.72)
        ring = np.stack([1.24 * w * radius * np.cos(angle), -0.28 + 1.0 * reach * radius * np.sin(angle)], 1)
        canvas.fill(shape.curve(ring, closed=True, steps=4), dark)


def draw_before(canvas: Canvas, who: Identity, pose: Pose) -> None:
    """The hair that frames the forehead, with a sheen."""
    w = shape.HALF_WIDTH * who.head_width
    line = who.hairline
    lift = {"short": 0.17, "parted": 0.13, "long": 0.13, "bun": 0.08, "curly": 0.12, "cropped": 0.05}[who.hair_style]
    down = {"short": -0.10, "parted": 0.02, "long": 0.55, "bun": -0.08, "curly": 0.02, "cropped": -0.22}[who.hair_style]
    crown = np.array(
        [
            (1.03, down),
            (1.045 + 0.3 * lift, -0.30),
            (0.92 + 0.4 * lift, -0.72 - 0.4 * lift),
            (0.52 + 0.3 * lift, -0.99 - 0.8 * lift),
        ]
    )
    inner = _fringe(who.hair_style, line, down)
    outer = np.concatenate([crown, [(0.0, -1.04 - lift)], (crown * (-1.0, 1.0))[::-1]]) * (w, 1.0)
    inner = inner * (w, 1.0) + (0.10 * pose.yaw, 0.0)
    edge, brim = shape.curve(outer), shape.curve(inner)
    canvas.fill(np.concatenate([edge, brim]), _tone(who, 0.96))
    if who.hair_style == "curly":
        _curls(canvas, who, edge, brim)
        return
    for share, tone in ((0.30, 1.14), (0.52, 0.84), (0.70, 1.09)):  # strands run between the crown and the brim
        back = brim[::-1][np.linspace(0, len(brim) - 1, len(edge)).astype(int)]
        strand = edge + share * (back - edge)
        part = strand[int(0.22 * len(strand)) : int(0.72 * len(strand))]
        canvas.fill(ribbon(part, 0.035 * np.sin(np.linspace(0.0, np.pi, len(part)))), _tone(who, tone))


def _curls(canvas: Canvas, who: Identity, edge: np.ndarray, brim: np.ndarray) -> None:
    """Small round curls in three rows between the crown and the brim."""
    angle = np.linspace(0.0, 2.0 * np.pi, 14, endpoint=False)
    curl = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    for row, share in enumerate((0.05, 0.42, 0.80)):
        for index, along in enumerate(np.linspace(0.10, 0.90, 13 - 2 * row)):
            crown = edge[round(along * (len(edge) - 1))]
            front = brim[round((1.0 - along) * (len(brim) - 1))]
            centre = crown + share * (front - crown)
            radius = 0.088 - 0.008 * ((index + row) % 3)
            tone = (0.90, 1.05, 0.97)[(index + 2 * row) % 3]
            canvas.fill(centre + radius * curl, _tone(who, tone))
            canvas.fill(centre + (-0.2 * radius, -0.25 * radius) + 0.55 * radius * curl, _tone(who, tone * 1.09))


def _fringe(style: str, line: float, down: float) -> np.ndarray:
    """The brim of the hair from the left temple to the right, in head widths and half head heights."""
    if style == "parted":
        return np.array([
            (-0.97, down), (-0.93, -0.32), (-0.80, -0.52), (-0.42, line - 0.10), (-0.30, line - 0.20),
            (0.10, line + 0.02), (0.62, -0.46), (0.90, -0.26), (0.97, down),
        ])  # fmt: skip
    if style == "short":
        return np.array([
            (-0.99, down), (-0.95, -0.34), (-0.82, -0.50), (-0.62, line + 0.10), (-0.44, line - 0.04),
            (-0.22, line + 0.09), (0.02, line - 0.05), (0.26, line + 0.06), (0.46, line - 0.06), (0.66, line + 0.04),
            (0.84, -0.50), (0.95, -0.34), (0.99, down),
        ])  # fmt: skip
    to_the_middle = {
        "long": [(-1.02, down), (-0.93, 0.0), (-0.82, -0.38), (-0.42, line - 0.02), (0.0, line - 0.22)],
        "bun": [(-1.0, down), (-0.93, -0.40), (-0.70, line - 0.02), (-0.32, line - 0.14), (0.0, line - 0.17)],
    }
    low_and_round = [(-1.0, down), (-0.95, -0.40), (-0.78, -0.62), (-0.40, line - 0.09), (0.0, line - 0.12)]
    left = np.array(to_the_middle.get(style, low_and_round))  # curly, cropped
    return np.concatenate([left, (left * (-1.0, 1.0))[-2::-1]])


def _mirrored(half: list[tuple[float, float]], width: float) -> np.ndarray:
    """A closed outline from its right half; x is given in head widths."""
    right = np.array(half) * (width, 1.0)
    return np.concatenate([right, (right * (-1.0, 1.0))[::-1]])


def _tone(who: Identity, factor: float) -> tuple[float, float, float]:
    red, green, blue = (min(255.0, factor * value + 6.0 * (factor > 1.0)) for value in who.hair)
    return red, green, blue
