"""The drawn world as clips in class folders: `<root>/<class>/<subject>_<nn>.mp4`, with subjects `D001`, `D002`, ...

Everyone shows every expression, so folds are cut by subject. Difficulty as measured by a linear model on people it has
not seen (`python -m benchmarks.drawn_difficulty`, 60 subjects, six classes, one clip each, three folds), accuracy in %,
seed 0 (on which the settings were tuned), then seed 1:

| | pixels of the apex frame | its true action units | their change from rest |
|---|---|---|---|
| easy | 99.7, 99.4 | 100.0, 100.0 | 100.0, 100.0 |
| medium | 60.8, 62.5 | 91.1, 86.1 | 99.4, 98.6 |
| hard | 31.7, 36.7 | 50.6, 50.3 | 94.4, 93.9 |

It says nothing about accuracy on real data.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from drawing.action_units import SIX_EXPRESSIONS, check_expressions
from drawing.media import NoEncoder, save_image, save_video
from drawing.shots import Progress, draw_shots, everyone
from drawing.tree import check_at_least, write_tree


def write(
    root: Path,
    *,
    difficulty: str = "medium",
    num_subjects: int = 24,
    clips_per_class: int = 1,
    num_frames: int = 16,
    size: int = 160,
    seed: int = 0,
    classes: Sequence[str] = SIX_EXPRESSIONS,
    on_progress: Progress | None = None,
) -> None:
    """Draws `num_subjects` people with `clips_per_class` clips of `num_frames` frames, `size` x `size` px, into `root`.

    `on_progress(clips_done, clips_in_all)` is called after each clip. A `root` that already holds the same drawing is
    left as it is; it appears at once when all is drawn (`drawing.tree`).

    Raises `ValueError` for unknown settings, and for a `root` that holds another drawing or anything else.
    """
    check_expressions(classes)
    check_at_least(
        num_subjects=(num_subjects, 1),
        clips_per_class=(clips_per_class, 1),
        num_frames=(num_frames, 2),
        size=(size, 32),
    )
    if size % 2:
        raise ValueError(f"size is {size}; video frames need an even one.")

    def draw(folder: Path) -> None:
        for name in classes:
            (folder / name).mkdir()
        shots = everyone(num_subjects, classes, num_frames, takes=clips_per_class)
        drawn = draw_shots(shots, difficulty=difficulty, size=size, seed=seed, on_progress=on_progress)
        for shot, frames in drawn:
            _save_clip(folder / shot.expression / f"D{shot.subject + 1:03d}_{shot.take:02d}.mp4", frames)

    write_tree(
        root,
        "drawn_faces",
        draw,
        difficulty=difficulty,
        num_subjects=num_subjects,
        clips_per_class=clips_per_class,
        num_frames=num_frames,
        size=size,
        seed=seed,
        classes=tuple(classes),
    )


def _save_clip(path: Path, frames: np.ndarray) -> None:
    """Writes a video; without an encoder, a folder of PNG files named as the video."""
    try:
        save_video(path, frames)
    except NoEncoder:
        for index, frame in enumerate(frames):
            save_image(path.with_suffix("") / f"{index:03d}.png", frame)
