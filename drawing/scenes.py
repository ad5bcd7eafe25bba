"""Drawn people who do not sit in the middle: they walk, change places, come late, lie, and a cut leads from one to another."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from drawing.action_units import SIX_EXPRESSIONS
from drawing.media import save_video
from drawing.sequence import DIFFICULTIES, draw_clip, sample_subject
from drawing.tree import write_tree

FACE = np.array([0.5, 0.53, 0.5])  # of a drawn picture: the face's middle, across and down, and its width
WIDE = 16 / 9
_WORLD = dataclasses.replace(DIFFICULTIES["easy"], noise=0.0)

# Where somebody is at a time from 0 to 1: the middle of the picture drawn of them, as a share of the scene's width, and the
# picture's side as a share of its height; None where they are not there. They stand on the lower edge.
Course = Callable[[float], tuple[float, float] | None]


@dataclass(frozen=True, kw_only=True)
class Scene:
    """`frames` `(T, H, W, 3)` RGB uint8, and the `faces` behind them, `(people, T, 3)`: middle x, y and width in px, or NaN."""

    frames: np.ndarray
    faces: np.ndarray


def stays(at: float, side: float = 0.8) -> Course:
    """Somebody who stays at a place."""
    return lambda time: (at, side)


def walks(start: float, end: float, side: float = 0.8) -> Course:
    """Somebody who walks from one place to another."""
    return lambda time: (start + (end - start) * time, side)


def between(course: Course, begin: float, end: float) -> Course:
    """Somebody who is there from one time to another."""
    return lambda time: course(time) if begin <= time <= end else None


SCENES: dict[str, tuple[Course, ...]] = {
    "stands": (stays(0.5),),
    "walks": (walks(0.15, 0.85, 0.6),),
    "approaches": (lambda time: (0.5, 0.4 + 0.6 * time),),
    "comes late": (between(stays(0.6), 0.35, 1.0),),
    "two people": (stays(0.28, 0.9), stays(0.75, 0.7)),
    "change places": (walks(0.25, 0.75), walks(0.75, 0.25, 0.7)),
    "after a cut": (between(stays(0.3), 0.0, 0.65), between(stays(0.7), 0.65, 1.0)),
    "mostly away": (between(stays(0.5), 0.0, 0.3),),
    "lies": (stays(0.5, 0.95),),
}


def draw_scene(name: str, *, seed: int = 0, num_frames: int = 24, height: int = 240, noise: float = 3.0) -> Scene:
    """The scene of that `name` (`SCENES`), `height` px high and 16:9; `seed` chooses the people. `noise` is in grey levels."""
    given = [seed, list(SCENES).index(name)]
    scene = draw_people(
        SCENES[name], seed=given, num_frames=num_frames, height=height, noise=noise, cut=name == "after a cut"
    )
    if name != "lies":
        return scene
    width = scene.frames.shape[2]
    faces = np.stack([scene.faces[..., 1], width - scene.faces[..., 0], scene.faces[..., 2]], axis=-1)
    return Scene(frames=np.ascontiguousarray(np.rot90(scene.frames, axes=(1, 2))), faces=faces)


def draw_people(
    courses: Sequence[Course],
    *,
    seed: Sequence[int] = (0,),
    num_frames: int = 24,
    height: int = 240,
    noise: float = 3.0,
    cut: bool = False,
) -> Scene:
    """A person for each of `courses`, in a picture `height` px high and 16:9; with a `cut` all but the first elsewhere."""
    width = 2 * round(WIDE * height / 2)
    rng = np.random.default_rng(seed)
    frames = np.stack([_wall(rng, height, width)] * num_frames).astype(np.float32)
    faces = np.full((len(courses), num_frames, 3), np.nan)
    for number, course in enumerate(courses):
        places = [course(index / max(num_frames - 1, 1)) for index in range(num_frames)]
        if cut and number:
            frames[[index for index, place in enumerate(places) if place]] = _wall(rng, height, width)
        pictures, opacities = _cut_out([*seed, number], num_frames, height)
        for index, place in enumerate(places):
            if place is not None:
                side = place[1] * height
                left, top = place[0] * width - side / 2, height - side
                _paste(frames[index], pictures[index], opacities[index], left, top, side)
                faces[number, index] = np.array([left, top, 0]) + FACE * side
    grain = noise * rng.standard_normal((*frames.shape[:3], 1), np.float32)
    return Scene(frames=np.clip(frames + grain + 0.5, 0, 255).astype(np.uint8), faces=faces)


def write_scenes(root: Path, *, seed: int = 0, num_frames: int = 24, height: int = 240) -> None:
    """Write every scene as a video in class folders, as `clip_folder` reads them: `<class>/D001_walks.mp4`, with `DRAWN.json`.

    Raises `ValueError` where `root` holds anything else.
    """

    def draw(folder: Path) -> None:
        for number, name in enumerate(SCENES):
            where = folder / SIX_EXPRESSIONS[number % 2]
            scene = draw_scene(name, seed=seed, num_frames=num_frames, height=height)
            save_video(where / f"D{number + 1:03d}_{name}.mp4", scene.frames)

    write_tree(
        root, "scenes", draw, difficulty="easy", num_subjects=len(SCENES), num_frames=num_frames, size=height, seed=seed
    )


def _cut_out(person: list[int], num_frames: int, size: int) -> tuple[np.ndarray, np.ndarray]:
    """A clip of a person, `(T, size, size, 3)`, and how opaque each pixel is, `(T, size, size, 1)`.

    It is drawn before a black wall and before a white one: where they differ, the wall shows.
    """
    subject = sample_subject(np.random.default_rng(person), _WORLD)
    clips = []
    for grey in (0, 255):
        identity = dataclasses.replace(subject.identity, background=(grey, grey, grey))
        before_it = dataclasses.replace(subject, identity=identity)
        rng = np.random.default_rng([*person, 1])
        clip = draw_clip(rng, before_it, "happiness", _WORLD, num_frames=num_frames, size=size)
        clips.append(clip.frames.astype(np.float32))
    black, white = clips
    wall = (white - black).mean(axis=-1, keepdims=True) / (white - black).max()
    return black, np.clip(1.1 - 1.2 * wall, 0, 1)


def _paste(frame: np.ndarray, picture: np.ndarray, opacity: np.ndarray, left: float, top: float, side: float) -> None:
    """Put the picture, `side` px large, into the float32 `frame`, with its corner at `left`, `top`; all to a part of a px."""
    matrix = np.array([[side / picture.shape[1], 0, left], [0, side / picture.shape[0], top]])
    shape = frame.shape[1::-1]
    shown = cv2.warpAffine(picture * opacity, matrix, shape, flags=cv2.INTER_AREA)
    seen = cv2.warpAffine(opacity, matrix, shape, flags=cv2.INTER_AREA)[..., None]
    frame[:] = frame * (1 - seen) + shown


def _wall(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    """A room out of focus, `(height, width, 3)`."""
    coarse = rng.uniform(110, 190) + rng.normal(0, 12, 3) + rng.normal(0, 16, (3, 6, 1)) + rng.normal(0, 6, (3, 6, 3))
    return cv2.resize(coarse.astype(np.float32), (width, height), interpolation=cv2.INTER_CUBIC)
