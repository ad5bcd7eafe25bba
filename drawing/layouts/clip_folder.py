"""Drawn faces as someone's own clips, in all the shapes that `clip_folder` takes: `<class>/<person>_<anything>`.

By turns a person's clips are videos (`P01_00.mp4`), folders of PNG with unpadded numbers (`P02_00/1.png` to `10.png`;
grey, RGB, palette and RGBA, another in each class) and folders of JPEG with upper-case endings and with a blank and
brackets in their names (`P03_take [00]/001.JPG`). `DRAWN.json` beside the class folders says that nobody real is shown,
so this is for exercising readers and tools; to train on drawn faces, draw `drawn_faces`.

Traps, each in one more clip of the first person: a video that stops early, a clip whose frames differ in size, a
truncated image, an empty folder. Besides them `._` twins, a `.DS_Store` and a `Thumbs.db`.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from drawing.action_units import SIX_EXPRESSIONS, check_expressions
from drawing.media import save_image, save_palette_image, save_video
from drawing.shots import Progress, Shot, draw_shots, everyone, grey
from drawing.traps import add_ds_store, add_thumbs_db, add_twin, cut_short
from drawing.tree import check_at_least, write_tree

BROKEN = ("stops early.avi", "two sizes", "truncated image")


def write(
    root: Path,
    *,
    difficulty: str = "medium",
    num_subjects: int = 6,
    clips_per_class: int = 1,
    num_frames: int = 10,
    size: int = 128,
    seed: int = 0,
    classes: Sequence[str] = SIX_EXPRESSIONS,
    traps: bool = True,
    on_progress: Progress | None = None,
) -> None:
    """Draws `num_subjects` people with `clips_per_class` clips of `num_frames` frames, `size` x `size` px.

    Raises `ValueError` for unknown classes, settings too small, and for a `root` that holds anything else.
    """
    check_expressions(classes)
    check_at_least(num_subjects=(num_subjects, 1), clips_per_class=(clips_per_class, 1))
    check_at_least(num_frames=(num_frames, 2), size=(size, 32))

    def draw(folder: Path) -> None:
        shots = everyone(num_subjects, classes, num_frames, takes=clips_per_class)
        broken = [
            Shot(subject=0, expression=classes[0], take=clips_per_class + n, num_frames=num_frames)
            for n in range(len(BROKEN) if traps else 0)
        ]
        drawn_size = 2 * round(size / 2)
        drawn = draw_shots(
            [*shots, *broken], difficulty=difficulty, size=drawn_size, seed=seed, on_progress=on_progress
        )
        for shot, frames in drawn:
            where = folder / shot.expression
            where.mkdir(exist_ok=True)
            if shot in broken:
                _save_broken(where, BROKEN[broken.index(shot)], frames)
            else:
                _save(where, shot, classes.index(shot.expression), frames)
        if traps:
            (folder / classes[0] / "P01_empty").mkdir()
            add_ds_store(folder)
            add_ds_store(folder / classes[0])
            add_thumbs_db(folder / classes[-1])

    write_tree(
        root,
        "clip_folder",
        draw,
        difficulty=difficulty,
        num_subjects=num_subjects,
        clips_per_class=clips_per_class,
        num_frames=num_frames,
        size=size,
        seed=seed,
        classes=tuple(classes),
        traps=traps,
    )


def _save(where: Path, shot: Shot, place: int, frames: np.ndarray) -> None:
    subject = f"P{shot.subject + 1:02d}"
    if shot.subject % 3 == 0:
        save_video(where / f"{subject}_{shot.take:02d}.mp4", frames)
    elif shot.subject % 3 == 1:
        for index, frame in enumerate(frames, 1):
            _save_png(where / f"{subject}_{shot.take:02d}" / f"{index}.png", frame, place % 4)
    else:
        for index, frame in enumerate(frames, 1):
            save_image(where / f"{subject}_take [{shot.take:02d}]" / f"{index:03d}.JPG", frame)


def _save_png(path: Path, frame: np.ndarray, mode: int) -> None:
    """The frame without colour, in colour, with a palette, or with an opaque fourth channel."""
    if mode == 2:
        save_palette_image(path, frame)
    else:
        save_image(path, {0: grey(frame[None])[0], 1: frame, 3: cv2.cvtColor(frame, cv2.COLOR_RGB2RGBA)}[mode])


def _save_broken(where: Path, what: str, frames: np.ndarray) -> None:
    clip = where / f"P01_{what}"
    if clip.suffix:
        save_video(clip, frames)
        cut_short(clip)
        add_twin(clip)
        return
    for index, frame in enumerate(frames, 1):
        smaller = what == "two sizes" and index > len(frames) // 2
        save_image(clip / f"{index}.jpg", frame[::2, ::2] if smaller else frame)
        add_twin(clip / f"{index}.jpg")
    if what == "truncated image":
        cut_short(clip / f"{len(frames)}.jpg")
