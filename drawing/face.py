"""One drawn face: identity, action units, pose and light to an RGB picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from drawing import hair, shape, skin
from drawing.canvas import Canvas, ribbon
from drawing.identity import Colour, Identity
from drawing.shape import Pose


@dataclass(frozen=True, kw_only=True)
class Light:
    """`side` from -1 (left) to 1 (right), `strength` of the gradient, `brightness` a factor, `warmth` from -1 to 1."""

    side: float = 0.4
    strength: float = 0.12
    brightness: float = 1.0
    warmth: float = 0.0


def draw_face(
    who: Identity,
    action_units: Mapping[int, float],
    *,
    pose: Pose | None = None,
    light: Light | None = None,
    blink: float = 0.0,
    size: int = 160,
) -> np.ndarray:
    """The head and shoulders of `who` as RGB uint8 `(size, size, 3)`.

    `action_units` needs every unit of `drawing.action_units.ACTION_UNITS`, with intensities from 0 to about 1.
    """
    pose, light = pose or Pose(), light or Light()
    canvas = Canvas(size)
    _background(canvas, who)
    hair.draw_behind(canvas, who)
    _body(canvas, who)
    skin.paint_head(canvas, who, action_units, pose, light.side)
    _nose(canvas, who, action_units, pose)
    _mouth(canvas, who, action_units, pose)
    for side in (-1, 1):
        _eye(canvas, who, action_units, pose, side, blink)
        line, thickness = shape.brow(who, action_units, side)
        line = shape.turn(line, pose)
        canvas.fill(ribbon(line, thickness), _mix(who.hair, who.skin, 0.16))
        canvas.fill(ribbon(np.add(line, (0.0, 0.006)), 0.55 * thickness), _mix(who.hair, (20, 16, 14), 0.15))
    hair.draw_before(canvas, who, pose)
    return _expose(canvas.place(pose), light)


def _background(canvas: Canvas, who: Identity) -> None:
    """A plain wall that is a little brighter behind the head."""
    rows = np.linspace(-1.0, 1.0, 24, dtype=np.float32)
    glow = 0.93 + 0.10 * np.exp(-1.1 * (rows[:, None] ** 2 + rows[None, :] ** 2))
    wall = np.clip(glow[..., None] * np.array(who.background), 0, 255).astype(np.uint8)
    cv2.resize(wall, (canvas.side, canvas.side), dst=canvas.pixels, interpolation=cv2.INTER_LINEAR)


def _body(canvas: Canvas, who: Identity) -> None:
    """Shoulders in clothes, the neck with the shadow of the chin, and the ears."""
    w = shape.HALF_WIDTH * who.head_width
    half = np.array([(0.34, 1.18), (0.62, 1.28), (1.10, 1.42), (1.42, 1.72), (1.56, 2.6)])
    shoulders = np.concatenate([half, (half * (-1.0, 1.0))[::-1]])
    canvas.fill(shape.curve(shoulders, closed=True), who.clothes)
    canvas.fill(
        shape.curve(shoulders * (0.93, 1.0) + (-0.04, 0.10), closed=True), _mix(who.clothes, (255, 255, 255), 0.05)
    )
    half = np.array([(0.345, 0.5), (0.345, 1.10), (0.42, 1.27), (0.20, 1.42)])
    neck = np.concatenate([half, (half * (-1.0, 1.0))[::-1]])
    canvas.fill(shape.curve(neck, closed=True), _scale(who.skin, 0.86))
    with canvas.clipped(shape.curve(neck, closed=True)) as throat:
        for depth, tone in ((1.20, 0.82), (1.17, 0.78), (1.14, 0.74)):  # the soft edge of the chin's shadow
            throat.fill(
                shape.curve([(-0.5, 0.6), (0.5, 0.6), (0.42, depth - 0.10), (0.0, depth), (-0.42, depth - 0.10)]),
                _scale(who.skin, tone),
            )
    for side in (-1, 1):
        ear = np.array([(0.95, -0.10), (1.09, -0.13), (1.13, 0.02), (1.08, 0.22), (0.98, 0.30), (0.92, 0.10)]) * (
            side * w,
            1.0,
        )
        canvas.fill(shape.curve(ear, closed=True), _scale(who.skin, 0.90))
        inner = np.array([(1.02, -0.05), (1.08, -0.04), (1.08, 0.06), (1.04, 0.18), (1.02, 0.06)]) * (side * w, 1.0)
        canvas.fill(shape.curve(inner, closed=True), _scale(who.skin, 0.76))


def _nose(canvas: Canvas, who: Identity, au: Mapping[int, float], pose: Pose) -> None:
    """Nostrils and wings; their shading belongs to the skin."""
    lift, flare = -0.045 * au[9], 1.0 + 0.14 * au[9] + 0.06 * au[12]
    base = 0.385 * who.nose_length + lift
    for side in (-1, 1):
        x = side * who.nose_width * flare
        wing = shape.curve(
            [(0.118 * x, base - 0.085), (0.152 * x, base - 0.035), (0.130 * x, base + 0.010), (0.090 * x, base + 0.008)]
        )
        canvas.fill(
            ribbon(shape.turn(wing, pose, 0.08), 0.017 * np.sin(np.linspace(0.5, 2.9, len(wing)))),
            _scale(who.skin, 0.70),
        )
        nostril = shape.curve(
            [
                (0.030 * x, base + 0.012),
                (0.062 * x, base - 0.012),
                (0.096 * x, base + 0.004),
                (0.066 * x, base + 0.020),
            ],
            closed=True,
        )
        canvas.fill(shape.turn(nostril, pose, 0.12), _scale(who.skin, 0.42))


def _mouth(canvas: Canvas, who: Identity, au: Mapping[int, float], pose: Pose) -> None:
    """Lips, and where they part the teeth and the dark behind them."""
    mouth = shape.mouth(who, au)
    outer, opening = shape.turn(mouth.outer, pose, 0.03), shape.turn(mouth.opening, pose, 0.02)
    canvas.fill(outer, who.lips)
    seam = shape.turn(mouth.seam, pose, 0.03)
    lower = np.concatenate([seam, outer[len(outer) // 2 :]])
    canvas.fill(lower, _mix(who.lips, (255, 226, 220), 0.12))
    if mouth.gap > 0.012:
        centre_x = float(opening[:, 0].mean())
        top, bottom = float(opening[:, 1].min()), float(opening[:, 1].max())
        with canvas.clipped(opening) as hole:
            hole.fill(opening, (64, 22, 26))
            tongue = _oval(centre_x, bottom + 0.02, 0.14, 0.35 * (bottom - top))
            hole.fill(tongue, (168, 84, 86))
            depth = min(0.075, 0.85 * mouth.gap) * (1.0 - 0.45 * au[26])
            upper_edge = opening[: len(opening) // 2 + 1]
            teeth = np.concatenate(
                [upper_edge - (0.0, 0.03), (upper_edge * (0.94, 1.0) + (0.06 * centre_x, depth))[::-1]]
            )
            hole.fill(teeth, (240, 236, 226))
    else:
        width = 0.016 * np.sin(np.linspace(0.15, np.pi - 0.15, len(seam))) + 0.004
        canvas.fill(ribbon(seam, width), _scale(who.lips, 0.52))
    for side, corner in zip((-1, 1), shape.turn(mouth.corners, pose, 0.02), strict=True):
        strength = 0.016 + 0.012 * au[12] + 0.012 * au[15] + (0.014 * au[14] if side == 1 else 0.0)
        canvas.fill(_oval(corner[0], corner[1], strength, 0.8 * strength), _scale(who.skin, 0.55))


def _eye(canvas: Canvas, who: Identity, au: Mapping[int, float], pose: Pose, side: int, blink: float) -> None:
    """White, iris, pupil, catch light, lashes and the fold of the lid."""
    eye = shape.eye(who, au, side, blink)
    upper, lower, crease = (shape.turn(line, pose) for line in (eye.upper, eye.lower, eye.crease))
    canvas.fill(ribbon(crease, 0.015 * np.sin(np.linspace(0.3, np.pi - 0.1, len(crease)))), _scale(who.skin, 0.68))
    cx, cy = shape.turn(eye.centre, pose)[0]
    radius = eye.iris_radius
    opening = np.concatenate([upper, lower[::-1]])
    if blink < 0.85:
        with canvas.clipped(opening) as white:
            white.fill(opening, (244, 240, 236))
            white.fill(np.concatenate([upper, np.add(upper, (0.0, 0.032))[::-1]]), (206, 198, 194))
            white.fill(_oval(cx, cy, radius, radius), _scale(who.iris, 0.55))
            white.fill(_oval(cx, cy + 0.004, 0.84 * radius, 0.84 * radius), who.iris)
            white.fill(_oval(cx, cy + 0.03, 0.55 * radius, 0.42 * radius), _mix(who.iris, (255, 255, 255), 0.22))
            white.fill(_oval(cx, cy, 0.44 * radius, 0.44 * radius), (18, 14, 14))
            white.fill(_oval(cx + 0.026, cy - 0.026, 0.20 * radius, 0.20 * radius), (255, 255, 255))
    lashes = 0.012 + 0.018 * np.sin(np.linspace(0.2, 2.6, len(upper)))
    canvas.fill(ribbon(upper, lashes), _mix((34, 24, 22), who.skin, 0.05))
    canvas.fill(ribbon(lower, np.full(len(lower), 0.009)), _scale(who.skin, 0.58))


def _expose(picture: np.ndarray, light: Light) -> np.ndarray:
    """`picture` under a light that falls off to one side, brighter or darker, warmer or cooler."""
    across = np.linspace(-1.0, 1.0, picture.shape[1], dtype=np.float32)
    down = np.linspace(0.4, -0.4, picture.shape[0], dtype=np.float32)
    gain = light.brightness * (1.0 + light.strength * (light.side * across[None, :] + down[:, None]))
    tint = np.array([1.0 + 0.05 * light.warmth, 1.0, 1.0 - 0.06 * light.warmth], np.float32)
    return np.clip(picture * (gain[..., None] * tint), 0, 255).astype(np.uint8)


def _oval(x: float, y: float, half_width: float, half_height: float) -> np.ndarray:
    angle = np.linspace(0.0, 2.0 * np.pi, 20, endpoint=False)
    return np.stack([x + half_width * np.cos(angle), y + half_height * np.sin(angle)], axis=1)


def _mix(first: Sequence[float], second: Sequence[float], share: float) -> Colour:
    """`share` of the second colour in the first."""
    red, green, blue = ((1.0 - share) * a + share * b for a, b in zip(first, second, strict=True))
    return red, green, blue


def _scale(colour: Sequence[float], factor: float) -> Colour:
    red, green, blue = (factor * value for value in colour)
    return red, green, blue
