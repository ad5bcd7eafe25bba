"""A clip of a drawn face: a subject with a resting face of its own goes from rest to the apex of an expression.

What makes it informative: a subject's resting face already leans towards some action units, as strongly as the
difficulty says, so one frame is ambiguous and only the change from rest tells the expression.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from drawing.action_units import ACTION_UNITS, EXPRESSIONS, by_number, pattern
from drawing.face import Light, draw_face
from drawing.identity import Identity, sample_identity
from drawing.shape import Pose


@dataclass(frozen=True, kw_only=True)
class Difficulty:
    """How a drawn world is made hard. Action units are on a scale from 0 to 1.

    `rest` is the scale of the resting face; `apex` bounds the intensity of the expression; `stray` is the deviation of
    movements that do not belong to it; `identity` scales the spread of proportions, `pose` head movement (1: about 6
    degrees of yaw), `light` its changes; `noise` is the deviation of pixels, in grey levels.
    """

    rest: float
    apex: tuple[float, float]
    stray: float
    identity: float
    pose: float
    light: float
    noise: float


DIFFICULTIES = {
    "easy": Difficulty(rest=0.10, apex=(0.75, 1.00), stray=0.02, identity=0.5, pose=0.25, light=0.5, noise=2.0),
    "medium": Difficulty(rest=0.65, apex=(0.45, 0.75), stray=0.20, identity=0.7, pose=0.4, light=1.0, noise=3.0),
    "hard": Difficulty(rest=0.95, apex=(0.25, 0.50), stray=0.16, identity=1.0, pose=0.6, light=1.3, noise=4.0),
}


@dataclass(frozen=True, kw_only=True)
class Subject:
    """A person: a face, and the action units at rest `(14,)`."""

    identity: Identity
    rest: np.ndarray


@dataclass(frozen=True, kw_only=True)
class Clip:
    """`frames` `(T, size, size, 3)` RGB uint8, and the `action_units` behind each, `(T, 14)`."""

    frames: np.ndarray
    action_units: np.ndarray


def sample_subject(rng: np.random.Generator, difficulty: Difficulty) -> Subject:
    """A random person; the resting face mixes a leaning towards one expression with single action units."""
    identity = sample_identity(rng, difficulty.identity)
    leaning = pattern(list(EXPRESSIONS)[int(rng.integers(len(EXPRESSIONS)))]) * rng.uniform(0.3, 0.9)
    single = rng.uniform(0.0, 1.0, len(ACTION_UNITS)) * (rng.random(len(ACTION_UNITS)) < 0.5)
    rest = difficulty.rest * np.clip(np.maximum(leaning, single), 0.0, 1.0)
    # A mouth that hangs open at rest is no resting face.
    return Subject(identity=identity, rest=rest * np.where(np.isin(ACTION_UNITS, (25, 26)), 0.6, 1.0))


def draw_clip(
    rng: np.random.Generator,
    subject: Subject,
    expression: str,
    difficulty: Difficulty,
    *,
    num_frames: int = 16,
    size: int = 160,
) -> Clip:
    """One clip from rest to the apex of `expression`, `num_frames` frames of `size` x `size` px."""
    action_units = _movement(rng, subject, expression, difficulty, num_frames)
    poses = _head_movement(rng, difficulty, num_frames)
    light = Light(
        side=float(rng.uniform(-1, 1)),
        strength=float(0.14 * difficulty.light * rng.random()),
        brightness=float(1.0 + 0.12 * difficulty.light * rng.uniform(-1, 0.6)),
        warmth=float(difficulty.light * rng.uniform(-1, 1)),
    )
    blinks = _blinks(rng, num_frames)
    frames = np.empty((num_frames, size, size, 3), np.uint8)
    for index, (units, pose, blink) in enumerate(zip(action_units, poses, blinks, strict=True)):
        picture = draw_face(subject.identity, by_number(units), pose=pose, light=light, blink=blink, size=size)
        grain = difficulty.noise * rng.standard_normal((*picture.shape[:2], 1), np.float32)
        frames[index] = np.clip(picture + grain + 0.5, 0, 255)
    return Clip(frames=frames, action_units=action_units)


def _movement(
    rng: np.random.Generator, subject: Subject, expression: str, difficulty: Difficulty, num_frames: int
) -> np.ndarray:
    """Action units over time `(T, 14)`: the first frame is at rest, the last at the apex."""
    units = len(ACTION_UNITS)
    strength = rng.uniform(*difficulty.apex)
    change = pattern(expression) * strength * rng.uniform(0.75, 1.15, units) + difficulty.stray * rng.normal(size=units)
    apex = np.clip(subject.rest + change, 0.0, 1.15)
    # Units of one expression start within a few frames of one another and all reach the apex by the last frame.
    start = rng.uniform(0.05, 0.40) + rng.uniform(0.0, 0.08, units)
    length = rng.uniform(0.20, 0.45) * rng.uniform(0.85, 1.15, units)
    time = np.linspace(0.0, 1.0, num_frames)[:, None]
    course = np.clip((time - start) / length, 0.0, 1.0)
    course = course**2 * (3.0 - 2.0 * course)
    return subject.rest + course * (apex - subject.rest)


def _head_movement(rng: np.random.Generator, difficulty: Difficulty, num_frames: int) -> list[Pose]:
    """A slow drift from one small pose to another."""
    limits = difficulty.pose * np.array([0.10, 0.05, 0.06, 0.03, 0.02, 0.06])
    first, last = limits * rng.uniform(-1, 1, 6), limits * rng.uniform(-1, 1, 6)
    ease = 0.5 - 0.5 * np.cos(np.pi * np.linspace(0.0, 1.0, num_frames))
    return [
        Pose(yaw=yaw, pitch=pitch, roll=roll, shift_x=right, shift_y=down, scale=1.0 + growth)
        for yaw, pitch, roll, right, down, growth in (first + ease[:, None] * 0.6 * (last - first)).tolist()
    ]


def _blinks(rng: np.random.Generator, num_frames: int) -> list[float]:
    """How far the eyes are shut in each frame: in every third clip one blink, never in the last two frames."""
    shut = [0.0] * num_frames
    if rng.random() < 0.35 and num_frames >= 6:
        middle = int(rng.integers(1, num_frames - 3))
        shut[middle - 1 : middle + 2] = [0.55, 1.0, 0.45]
    return shut
