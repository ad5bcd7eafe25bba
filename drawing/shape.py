"""Where everything in the face lies: control points and curves as a function of identity, action units and pose.

Face coordinates: origin between the eyes, x to the viewer's right, y down, unit = half the height of the head, so the
crown is at y = -1 and the chin at y = +1. `side` is -1 for the left of the picture, +1 for the right.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from drawing.identity import Identity

HALF_WIDTH = 0.76
EYE_X = 0.335
MOUTH_Y = 0.60


@dataclass(frozen=True, kw_only=True)
class Pose:
    """Small rotations in radians, shift in frame heights, scale as a factor."""

    yaw: float = 0.0
    pitch: float = 0.0
    roll: float = 0.0
    shift_x: float = 0.0
    shift_y: float = 0.0
    scale: float = 1.0


def curve(points: Sequence | np.ndarray, closed: bool = False, steps: int = 6) -> np.ndarray:
    """A smooth (Catmull-Rom) curve through `points` `(n, 2)`, `steps` points a span."""
    points = np.asarray(points, float)
    return _spline(len(points), closed, steps) @ points


def turn(points: np.ndarray, pose: Pose, relief: float = 0.0) -> np.ndarray:
    """Points on the head `(n, 2)` after yaw and pitch; the head is an ellipsoid and `relief` stands out from it."""
    x, y = points[:, 0], points[:, 1]
    depth = 0.75 * np.sqrt(np.clip(1.0 - (x / 0.85) ** 2 - (y / 1.15) ** 2, 0.0, 1.0)) + relief
    return np.stack([x * np.cos(pose.yaw) + depth * np.sin(pose.yaw), y - depth * np.sin(pose.pitch)], axis=1)


def head(who: Identity, au: Mapping[int, float]) -> np.ndarray:
    """The outline of the skull and jaw, closed."""
    w = HALF_WIDTH * who.head_width
    right = np.array(
        [
            (0.50, -0.95), (0.86, -0.66), (0.99, -0.22), (0.965, 0.18), (0.87 * who.jaw, 0.52), (0.62 * who.jaw, 0.82),
            (0.29 * who.jaw, 0.985),
        ]
    )  # fmt: skip
    right = right * (w, 1.0)
    outline = np.concatenate([[(0.0, -1.03)], right, [(0.0, 1.02)], (right * (-1.0, 1.0))[::-1]])
    return curve(drop_jaw(outline, au), closed=True)


def drop_jaw(points: np.ndarray, au: Mapping[int, float]) -> np.ndarray:
    """Lowers what lies below the nose by action unit 26."""
    lowered = points.copy()
    lowered[:, 1] += (0.15 * au[26] + 0.01 * au[25]) * np.clip((points[:, 1] - 0.35) / 0.6, 0.0, 1.0)
    return lowered


def brow(who: Identity, au: Mapping[int, float], side: int) -> tuple[np.ndarray, np.ndarray]:
    """The middle line of a brow, inner to outer end, and its thickness along it."""
    x = np.array([0.135, 0.235, 0.345, 0.455, 0.555]) + EYE_X * (who.eye_spacing - 1.0)
    y = np.array([-0.225, -0.255, -0.285, -0.28, -0.225]) + who.brow_offset
    y[1:4] -= 0.025 * (who.brow_arch - 1.0)
    y += who.brow_tilt * np.array([1.0, 0.5, 0.0, -0.5, -1.0])
    y -= 0.125 * au[1] * np.array([1.0, 0.72, 0.3, 0.04, 0.0])
    y -= 0.12 * au[2] * np.array([0.05, 0.3, 0.8, 1.0, 0.85])
    y += 0.085 * au[4] * np.array([1.0, 0.85, 0.55, 0.22, 0.05]) * (1.0 - 0.75 * min(au[1], 1.0))
    y += 0.055 * au[1] * au[4] * (1.0 - 0.6 * min(au[2], 1.0)) * np.array([-0.3, 0.0, 0.5, 0.9, 1.0])  # oblique brows
    y += 0.035 * au[9] * np.array([1.0, 0.7, 0.3, 0.0, 0.0])
    x -= 0.05 * au[4] * np.array([1.0, 0.8, 0.5, 0.2, 0.0])
    line = curve(np.stack([side * x, y], axis=1))
    along = np.linspace(0.0, 1.0, len(line))
    thickness = 0.058 * who.brow_thickness * (0.78 + 0.5 * along - 0.98 * along**2)
    return line, thickness


@dataclass(frozen=True, kw_only=True)
class Eye:
    """One eye: lid lines from inner to outer corner, the crease above, the centre and radius of the iris."""

    upper: np.ndarray
    lower: np.ndarray
    crease: np.ndarray
    centre: np.ndarray
    iris_radius: float


def eye(who: Identity, au: Mapping[int, float], side: int, blink: float) -> Eye:
    """An eye with the lids where the action units and a blink (0 open, 1 shut) put them."""
    cx, half = EYE_X * who.eye_spacing, 0.158 * who.eye_width
    narrowing = 0.30 * au[7] + 0.14 * au[6] + 0.12 * au[9] + 0.08 * au[4]
    up = 0.088 * who.eye_height * max(0.25, 1.0 + 0.62 * au[5] - narrowing)
    low = 0.058 * who.eye_height * max(0.12, 1.0 + 0.1 * au[5] - 0.55 * au[7] - 0.72 * au[6] - 0.3 * au[9])
    up = (1.0 - blink) * up - 0.75 * blink * low  # the upper lid comes down to the lower one
    t = np.array([-1.0, -0.62, 0.0, 0.6, 1.0])
    tilt = -who.eye_tilt * t + np.array([0.012, 0.0, 0.0, 0.0, -0.006])
    shape_up, shape_low = np.array([0.0, 0.80, 1.0, 0.74, 0.0]), np.array([0.0, 0.66, 1.0, 0.85, 0.0])
    x = side * (cx + half * t)
    return Eye(
        upper=curve(np.stack([x, tilt - up * shape_up], axis=1)),
        lower=curve(np.stack([x, tilt + low * shape_low], axis=1)),
        crease=curve(np.stack([x * 1.02, tilt - (max(up, 0.02) + 0.028) * (0.28 + 0.72 * shape_up)], axis=1)),
        centre=np.array([[side * cx, -0.012]]),
        iris_radius=0.079 * (0.5 + 0.5 * who.eye_height),
    )


@dataclass(frozen=True, kw_only=True)
class Mouth:
    """Closed outlines of the lips and of the opening between them, and the line where closed lips meet."""

    outer: np.ndarray
    opening: np.ndarray
    seam: np.ndarray
    gap: float
    corners: np.ndarray


def mouth(who: Identity, au: Mapping[int, float]) -> Mouth:
    """The mouth; the jaw's share of its opening is included."""
    half = 0.245 * who.mouth_width
    widen = 0.26 * au[12] + 0.30 * au[20] - 0.20 * au[23] + 0.05 * au[15] - 0.22 * au[26]
    left, right = -half * (1.0 + widen), half * (1.0 + widen + 0.17 * au[14])
    pull = -0.115 * au[12] + 0.10 * au[15] + 0.03 * au[20]
    left_y, right_y = pull, pull - 0.085 * au[14]
    thick = who.lip_thickness * (1.0 - 0.55 * min(au[23], 1.2) - 0.12 * au[12] - 0.12 * au[20])
    gap = 0.085 * au[25] + 0.27 * au[26]
    top = MOUTH_Y + who.mouth_offset - 0.05 * au[9] - 0.02 * au[25] - 0.015 * au[12]
    # The middle of a smile sags below its corners; with corners down it arches.
    sag = -0.16 * pull
    s = np.array([-1.0, -0.62, -0.20, 0.0, 0.20, 0.62, 1.0])
    x = np.where(s < 0, -s * left, s * right)
    corner_y = np.where(s < 0, left_y, right_y) * np.abs(s) ** 1.8
    rim = np.array([0.0, 0.72, 1.0, 0.98, 1.0, 0.72, 0.0])
    open_shape = np.sqrt(np.clip(1.0 - s**2, 0.0, 1.0))
    bow = np.array([0.0, 0.56, 1.0, 0.80, 1.0, 0.56, 0.0])
    inner_top = top + corner_y + sag - 0.22 * gap * open_shape
    inner_low = top + corner_y + sag + 0.78 * gap * open_shape
    outer_top = inner_top - 0.062 * thick * bow - 0.006
    outer_low = inner_low + 0.090 * thick * rim + 0.006
    inside = slice(1, -1)
    line = np.concatenate([np.stack([x, outer_top], 1), np.stack([x, outer_low], 1)[inside][::-1]])
    hole = np.concatenate([np.stack([x * 0.93, inner_top], 1), np.stack([x * 0.93, inner_low], 1)[inside][::-1]])
    return Mouth(
        outer=curve(line, closed=True),
        opening=curve(hole, closed=True),
        seam=curve(np.stack([x * 1.02, 0.5 * (inner_top + inner_low)], axis=1)),
        gap=gap,
        corners=np.array([[x[0], inner_top[0]], [x[-1], inner_top[-1]]]),
    )


@lru_cache(maxsize=64)
def _spline(num_points: int, closed: bool, steps: int) -> np.ndarray:
    """The matrix that takes `num_points` control points to the points of the curve."""
    spans = num_points if closed else num_points - 1
    t = np.arange(steps) / steps
    weights = 0.5 * np.stack([-t + 2 * t**2 - t**3, 2 - 5 * t**2 + 3 * t**3, t + 4 * t**2 - 3 * t**3, -(t**2) + t**3])
    rows = np.zeros((spans * steps + (not closed), num_points))
    for span in range(spans):
        for tap in range(4):
            index = span + tap - 1
            index = index % num_points if closed else min(max(index, 0), num_points - 1)
            rows[span * steps : (span + 1) * steps, index] += weights[tap]
    if not closed:
        rows[-1, -1] = 1.0
    return rows
