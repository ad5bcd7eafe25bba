"""The clips of a drawn data set: who shows what, and the frames of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from drawing.action_units import EXPRESSIONS, NEUTRAL
from drawing.sequence import DIFFICULTIES, draw_clip, sample_subject

Progress = Callable[[int, int], None]

# The place of an expression seeds its clips, so it never changes.
_PLACES = {name: place for place, name in enumerate((*EXPRESSIONS, NEUTRAL))}


@dataclass(frozen=True, kw_only=True)
class Shot:
    """One clip to draw: subject number `subject`, from 0, shows `expression` for the `take`-th time, also from 0."""

    subject: int
    expression: str
    take: int = 0
    num_frames: int


def everyone(num_subjects: int, expressions: Sequence[str], num_frames: int, *, takes: int = 1) -> list[Shot]:
    """Everyone shows every expression `takes` times."""
    return [
        Shot(subject=subject, expression=expression, take=take, num_frames=num_frames)
        for subject in range(num_subjects)
        for expression in expressions
        for take in range(takes)
    ]


def draw_shots(
    shots: Sequence[Shot], *, difficulty: str, size: int, seed: int, on_progress: Progress | None = None
) -> Iterator[tuple[Shot, np.ndarray]]:
    """Each shot with its frames, RGB uint8 `(T, size, size, 3)`; `on_progress(done, total)` once a shot is dealt with.

    A clip depends on seed, person, expression, take and number of frames alone, whatever else is drawn.
    """
    world = DIFFICULTIES[difficulty]
    for done, shot in enumerate(shots, 1):
        subject = sample_subject(np.random.default_rng([seed, shot.subject]), world)
        rng = np.random.default_rng([seed, shot.subject, _PLACES[shot.expression], shot.take])
        yield shot, draw_clip(rng, subject, shot.expression, world, num_frames=shot.num_frames, size=size).frames
        if on_progress is not None:
            on_progress(done, len(shots))


def widened(frames: np.ndarray, ratio: float) -> np.ndarray:
    """Frames `(T, H, W, 3)` with the wall continued on both sides to `ratio` (width over height); the width is even."""
    height, width = frames.shape[1:3]
    missing = max(2 * round(ratio * height / 2) - width, 0)
    left = missing // 2
    return np.stack([cv2.copyMakeBorder(f, 0, 0, left, missing - left, cv2.BORDER_REPLICATE) for f in frames])


def middle(frames: np.ndarray, side: int) -> np.ndarray:
    """The middle `(T, side, side, 3)` of larger frames, where the face is."""
    top, left = ((length - side) // 2 for length in frames.shape[1:3])
    return frames[:, top : top + side, left : left + side]


def grey(frames: np.ndarray) -> np.ndarray:
    """Frames without colour, `(T, H, W)`."""
    return np.stack([cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for frame in frames])
