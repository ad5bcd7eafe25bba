"""Drawn faces in the layout of DFEW (Jiang et al., ACM Multimedia 2020).

One clip in up to four forms: `Clip/original/1.mp4`, `Clip/clip_224x224/00001/00001_00001.jpg`,
`Clip/clip_224x224_16f/00001/1.jpg` (16 frames, numbers unpadded) and `Clip/clip_224x224_avi/00001.avi`; all but the first
are cropped to the face. `EmoLabel_DataSplit/{train,test}(single-labeled)/set_1.csv` to `set_5.csv` hold
`video_name,label` with the name unpadded, and `Annotation/annotation.xlsx` the votes of ten annotators on every clip.
1 happy, 2 sad, 3 neutral, 4 angry, 5 surprise, 6 disgust, 7 fear. The owners name no people, so a person drawn here is
in several folds: a clip is the unit, as it is there.

The chosen form is drawn in full; of the other three only the first two clips, as half-copied downloads leave them.
Traps: clips that ten annotators did not agree on (label 0 in the annotation, in no set: 4,675 of 16,372), brackets in
folder names and, in forms that are folders of frames, a `.DS_Store`, the `._` twins of one clip, and a labelled clip whose
folder is empty.
"""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import numpy as np

from drawing.action_units import NEUTRAL
from drawing.media import save_image, save_video
from drawing.shots import Progress, Shot, draw_shots, everyone, middle, widened
from drawing.traps import add_ds_store, add_twin
from drawing.tree import check_at_least, check_choice, write_tree

EXPRESSIONS = ("happiness", "sadness", NEUTRAL, "anger", "surprise", "disgust", "fear")  # labels 1 to 7
COLUMNS = ("1happy", "2sad", "3neutral", "4angry", "5surprise", "6disgust", "7fear", "order", "label")
FOLDER_FORMS = ("clip_224x224", "clip_224x224_16f")
NUM_SETS, NUM_UNCLEAR, NUM_REMNANTS = 5, 2, 2
FACE_SHARE = 0.72  # of the frame's side that is left when cropping


def write(
    root: Path,
    *,
    difficulty: str = "medium",
    num_subjects: int = 6,
    num_frames: int = 8,
    size: int = 112,
    seed: int = 0,
    form: str = "clip_224x224",
    traps: bool = True,
    on_progress: Progress | None = None,
) -> None:
    """Draws `num_subjects` people with a clip per class of `num_frames` frames, cropped to `size` px in place of 224.

    Raises `ValueError` for settings too small, an unknown form, and for a `root` that holds anything else.
    """
    check_choice("form of DFEW", form, tuple(FORMS))
    check_at_least(num_subjects=(num_subjects, 2), num_frames=(num_frames, 2), size=(size, 32))

    def draw(folder: Path) -> None:
        shots = everyone(num_subjects, EXPRESSIONS, num_frames)
        if traps:
            shots += [Shot(subject=n, expression=NEUTRAL, take=1, num_frames=num_frames) for n in range(NUM_UNCLEAR)]
        shots = [shots[index] for index in np.random.default_rng([seed, len(shots)]).permutation(len(shots))]
        side = 2 * round(size / 2)
        drawn_size = 2 * round(side / FACE_SHARE / 2)
        drawn = draw_shots(shots, difficulty=difficulty, size=drawn_size, seed=seed, on_progress=on_progress)
        for number, (_, frames) in enumerate(drawn, 1):
            for name, save in FORMS.items():
                if name == form or number <= NUM_REMNANTS:
                    save(folder / "Clip" / name, number, frames, side)
        labels = [0 if shot.take else EXPRESSIONS.index(shot.expression) + 1 for shot in shots]
        # Everyone's clips go to different sets, so that each set has every class once there are five people.
        sets = [(shot.subject + EXPRESSIONS.index(shot.expression)) % NUM_SETS + 1 for shot in shots]
        if traps and form in FOLDER_FORMS:
            labels, sets = [*labels, 1], [*sets, 1]
            _set_traps(folder / "Clip" / form, f"{len(labels):05d}")
        _save_sets(folder / "EmoLabel_DataSplit", labels, sets)
        _save_annotation(folder / "Annotation" / "annotation.xlsx", labels, seed)

    write_tree(
        root,
        "dfew",
        draw,
        difficulty=difficulty,
        num_subjects=num_subjects,
        num_frames=num_frames,
        size=size,
        seed=seed,
        form=form,
        traps=traps,
    )


def _original(folder: Path, number: int, frames: np.ndarray, side: int) -> None:
    save_video(folder / f"{number}.mp4", widened(frames, 16 / 9))


def _images(folder: Path, number: int, frames: np.ndarray, side: int) -> None:
    for index, frame in enumerate(middle(frames, side), 1):
        save_image(folder / f"{number:05d}" / f"{number:05d}_{index:05d}.jpg", frame)


def _sixteen_images(folder: Path, number: int, frames: np.ndarray, side: int) -> None:
    chosen = np.linspace(0, len(frames) - 1, 16).round().astype(int)
    for index, frame in enumerate(middle(frames[chosen], side), 1):
        save_image(folder / f"{number:05d}" / f"{index}.jpg", frame)


def _video(folder: Path, number: int, frames: np.ndarray, side: int) -> None:
    save_video(folder / f"{number:05d}.avi", middle(frames, side))


FORMS: dict[str, Callable[[Path, int, np.ndarray, int], None]] = {
    "clip_224x224": _images,
    "clip_224x224_16f": _sixteen_images,
    "clip_224x224_avi": _video,
    "original": _original,
}


def _save_sets(folder: Path, labels: list[int], sets: list[int]) -> None:
    """Clip n, from 1, is tested in set `sets[n - 1]` and trained on in the others; label 0 is in none."""
    for number in range(1, NUM_SETS + 1):
        for part in ("train", "test"):
            rows = [
                (clip, label)
                for clip, (label, own) in enumerate(zip(labels, sets, strict=True), 1)
                if label and (own == number) == (part == "test")
            ]
            path = folder / f"{part}(single-labeled)" / f"set_{number}.csv"
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("w", newline="", encoding="utf-8") as file:
                csv.writer(file).writerows([("video_name", "label"), *rows])


def _save_annotation(path: Path, labels: list[int], seed: int) -> None:
    """The votes of ten annotators on each clip: seven or more for its label; without a label five to five."""
    from openpyxl import Workbook  # here: slow to import

    rng = np.random.default_rng([seed, 10])
    book = Workbook()
    book.active.append(COLUMNS)
    for number, label in enumerate(labels, 1):
        votes = np.zeros(7, int)
        if label:
            sure = int(rng.integers(7, 11))
            votes[label - 1] = sure
            votes[(label + int(rng.integers(6))) % 7] += 10 - sure
        else:
            votes[rng.permutation(7)[:2]] = 5
        book.active.append([*votes.tolist(), number, label])
    path.parent.mkdir(parents=True)
    book.save(path)


def _set_traps(clips: Path, lost: str) -> None:
    (clips / lost).mkdir()
    add_ds_store(clips)
    for path in list((clips / "00003").iterdir()):
        add_twin(path)
