"""Drawn faces in the layout of the extended Cohn-Kanade set (CK+, Lucey et al., CVPR Workshops 2010).

`cohn-kanade-images/S005/001/S005_001_00000001.png`... from neutral to apex, and for a labelled sequence
`Emotion/S005/001/S005_001_00000008_emotion.txt`, one float, named after the last frame. As there, most people are filmed
in grey at 640:490 and some in colour at 640:480, sequences differ in length, and their numbers do not tell the class.
Unlike there, everyone shows all seven classes.

Traps, all met in the real set: frames without a label (of 593 sequences 327 have one; the others have an empty folder
in `Emotion`), a label without frames, `.DS_Store`, and `._` twins in one sequence and beside its label.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from drawing.media import save_image
from drawing.shots import Progress, Shot, draw_shots, everyone, grey, widened
from drawing.traps import add_ds_store, add_twin
from drawing.tree import check_at_least, write_tree

CLASSES = ("anger", "contempt", "disgust", "fear", "happiness", "sadness", "surprise")  # codes 1 to 7
IMAGES, LABELS = "cohn-kanade-images", "Emotion"


def write(
    root: Path,
    *,
    difficulty: str = "medium",
    num_subjects: int = 6,
    num_frames: int = 8,
    size: int = 120,
    seed: int = 0,
    traps: bool = True,
    on_progress: Progress | None = None,
) -> None:
    """Draws `num_subjects` people with a sequence per class, two thirds of `num_frames` up to all, `size` px high.

    Raises `ValueError` for settings too small, and for a `root` that holds another drawing or anything else.
    """
    check_at_least(num_subjects=(num_subjects, 1), num_frames=(num_frames, 3), size=(size, 32))

    def draw(folder: Path) -> None:
        shots = _shots(num_subjects, num_frames, traps)
        for shot, square in draw_shots(shots, difficulty=difficulty, size=size, seed=seed, on_progress=on_progress):
            colour = shot.subject % 4 == 3
            frames = widened(square, 640 / 480) if colour else grey(widened(square, 640 / 490))
            stem = Path(subject_id(shot.subject), f"{_number(shot):03d}")
            name = "_".join(stem.parts)
            for index, frame in enumerate(frames, 1):
                save_image(folder / IMAGES / stem / f"{name}_{index:08d}.png", frame)
            (folder / LABELS / stem).mkdir(parents=True)
            if shot.take == 0:
                _label(folder / LABELS / stem / f"{name}_{len(frames):08d}_emotion.txt", shot.expression)
        if traps:
            _set_traps(folder)

    write_tree(
        root,
        "ck_plus",
        draw,
        difficulty=difficulty,
        num_subjects=num_subjects,
        num_frames=num_frames,
        size=size,
        seed=seed,
        traps=traps,
    )


def subject_id(subject: int) -> str:
    """`S005`, `S010`, ...: with gaps, as in the real set."""
    return f"S{5 * subject + 5:03d}"


def _shots(num_subjects: int, num_frames: int, traps: bool) -> list[Shot]:
    """A sequence per person and class; the second take of every other person stays without a label."""
    spread = num_frames // 3 + 1
    lengths = [num_frames - (3 * subject + code) % spread for subject in range(num_subjects) for code in range(7)]
    regular = everyone(num_subjects, CLASSES, num_frames)
    shots = [replace(shot, num_frames=length) for shot, length in zip(regular, lengths, strict=True)]
    if traps:
        shots += [Shot(subject=p, expression="anger", take=1, num_frames=num_frames) for p in range(0, num_subjects, 2)]
    return shots


def _number(shot: Shot) -> int:
    return 8 if shot.take else (CLASSES.index(shot.expression) + shot.subject) % 7 + 1


def _label(path: Path, expression: str) -> None:
    path.write_text(f"   {CLASSES.index(expression) + 1:.7e}\n")


def _set_traps(folder: Path) -> None:
    first = Path(subject_id(0), "001")
    for path in [*(folder / IMAGES / first).iterdir(), *(folder / LABELS / first).iterdir()]:
        add_twin(path)
    add_ds_store(folder / IMAGES)
    add_ds_store(folder / IMAGES / subject_id(0))
    add_ds_store(folder / LABELS)
    lost = folder / LABELS / subject_id(0) / "009"
    lost.mkdir()
    _label(lost / f"{subject_id(0)}_009_00000012_emotion.txt", "surprise")
