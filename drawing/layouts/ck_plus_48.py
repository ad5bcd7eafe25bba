"""Drawn faces in the layout of CK+48, the copy of CK+ that circulates: `CK+48/<class>/S010_004_00000017.png`.

Cropped grey faces of 48 px, the three peak frames of each sequence, in one folder per class; person and sequence are to
be read off the names, the number is that of the frame in the sequence it was taken from. Here everyone shows all seven
classes, once.

Traps: a `.DS_Store`, and the `._` twins of one sequence.
"""

from __future__ import annotations

from pathlib import Path

from drawing.action_units import EXPRESSIONS
from drawing.media import save_image
from drawing.shots import Progress, draw_shots, everyone, grey, middle
from drawing.traps import add_ds_store, add_twin
from drawing.tree import check_at_least, write_tree

FOLDERS = {name: name for name in EXPRESSIONS} | {"happiness": "happy"}  # the set says happy where others say happiness
NUM_DRAWN, NUM_KEPT = 8, 3
FACE_SHARE = 0.58  # of a drawn frame


def write(
    root: Path,
    *,
    difficulty: str = "medium",
    num_subjects: int = 8,
    size: int = 48,
    seed: int = 0,
    traps: bool = True,
    on_progress: Progress | None = None,
) -> None:
    """Draws `num_subjects` people with three frames of `size` px per class.

    Raises `ValueError` for settings too small, and for a `root` that holds another drawing or anything else.
    """
    check_at_least(num_subjects=(num_subjects, 1), size=(size, 24))

    def draw(folder: Path) -> None:
        shots = everyone(num_subjects, tuple(FOLDERS), NUM_DRAWN)
        drawn_size = 2 * round(size / FACE_SHARE / 2)
        for shot, frames in draw_shots(
            shots, difficulty=difficulty, size=drawn_size, seed=seed, on_progress=on_progress
        ):
            place = list(FOLDERS).index(shot.expression)
            sequence = f"S{5 * shot.subject + 5:03d}_{(place + shot.subject) % 7 + 1:03d}"
            last = 10 + (5 * shot.subject + 3 * place) % 14
            for index, frame in enumerate(grey(middle(frames[-NUM_KEPT:], size)), last - NUM_KEPT + 1):
                path = folder / "CK+48" / FOLDERS[shot.expression] / f"{sequence}_{index:08d}.png"
                save_image(path, frame)
                if traps and shot.subject == 0 and place == 0:
                    add_twin(path)
        if traps:
            add_ds_store(folder / "CK+48")

    write_tree(
        root, "ck_plus_48", draw, difficulty=difficulty, num_subjects=num_subjects, size=size, seed=seed, traps=traps
    )
