"""Drawn faces in one folder per person, as `trainables/data/person_folders.py` reads them: `person 1/happy_1.avi`."""

from __future__ import annotations

from pathlib import Path

from drawing.media import save_video
from drawing.shots import Progress, draw_shots, everyone
from drawing.tree import check_at_least, write_tree

SHOWN = {"happiness": "happy", "sadness": "sad"}


def write(
    root: Path,
    *,
    difficulty: str = "medium",
    num_subjects: int = 6,
    num_frames: int = 8,
    size: int = 96,
    seed: int = 0,
    on_progress: Progress | None = None,
) -> None:
    """Draws `num_subjects` people with two videos of `num_frames` frames, `size` x `size` px, into `root`.

    Raises `ValueError` for settings too small, and for a `root` that holds anything else.
    """
    check_at_least(num_subjects=(num_subjects, 1), num_frames=(num_frames, 2), size=(size, 32))

    def draw(folder: Path) -> None:
        shots = everyone(num_subjects, list(SHOWN), num_frames)
        for shot, frames in draw_shots(shots, difficulty=difficulty, size=size, seed=seed, on_progress=on_progress):
            save_video(folder / f"person {shot.subject + 1}" / f"{SHOWN[shot.expression]}_1.avi", frames)

    settings = {"num_subjects": num_subjects, "num_frames": num_frames, "size": size, "seed": seed}
    write_tree(root, "person_folders", draw, difficulty=difficulty, **settings)
