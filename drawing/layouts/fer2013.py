"""Drawn faces in the layout of FER2013 (Goodfellow et al., ICONIP 2013): grey stills of 48 px, cropped to the face.

`fer2013.csv` with the columns `emotion,pixels,Usage`, 0 angry 1 disgust 2 fear 3 happy 4 sad 5 surprise 6 neutral, Usage
`Training`, then `PublicTest`, then `PrivateTest`. Form `folders` is the other copy that circulates,
`{train,test}/<class>/<Usage>_<number>.png`, whose `test` merges the last two.

The owners name no people. Here everyone is in one Usage alone: the last tenth in `PrivateTest`, the tenth before in
`PublicTest`. A still is the apex of an expression.

Traps: one image is black, as a dozen are in the real set.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from drawing.action_units import NEUTRAL
from drawing.media import save_image
from drawing.shots import Progress, Shot, draw_shots, everyone, grey, middle
from drawing.tree import check_at_least, check_choice, write_tree

CLASSES = {  # by code
    "anger": "angry",
    "disgust": "disgust",
    "fear": "fear",
    "happiness": "happy",
    "sadness": "sad",
    "surprise": "surprise",
    NEUTRAL: "neutral",
}
USAGES = ("Training", "PublicTest", "PrivateTest")
FORMS = ("csv", "folders")
FACE_SHARE = 0.58  # of a drawn frame
NUM_DRAWN = 2  # frames: at rest, and at the apex


def write(
    root: Path,
    *,
    difficulty: str = "medium",
    num_subjects: int = 8,
    stills_per_class: int = 2,
    size: int = 48,
    seed: int = 0,
    form: str = "csv",
    traps: bool = True,
    on_progress: Progress | None = None,
) -> None:
    """Draws `num_subjects` people, at least three, with `stills_per_class` stills of `size` px per class.

    Raises `ValueError` for settings too small, an unknown form, and for a `root` that holds anything else.
    """
    check_choice("form of FER2013", form, FORMS)
    check_at_least(num_subjects=(num_subjects, 3), stills_per_class=(stills_per_class, 1), size=(size, 24))

    def draw(folder: Path) -> None:
        stills = draw_stills(
            everyone(num_subjects, tuple(CLASSES), NUM_DRAWN, takes=stills_per_class),
            num_subjects=num_subjects,
            difficulty=difficulty,
            size=size,
            seed=seed,
            traps=traps,
            on_progress=on_progress,
        )
        {"csv": save_csv, "folders": _save_folders}[form](folder, stills)

    write_tree(
        root,
        "fer2013",
        draw,
        difficulty=difficulty,
        num_subjects=num_subjects,
        stills_per_class=stills_per_class,
        size=size,
        seed=seed,
        form=form,
        traps=traps,
    )


@dataclass(frozen=True)
class Still:
    """A grey picture `(H, W)` of an expression, in one of `USAGES`."""

    expression: str
    picture: np.ndarray
    usage: str


def draw_stills(
    shots: list[Shot],
    *,
    num_subjects: int,
    difficulty: str,
    size: int,
    seed: int,
    traps: bool,
    on_progress: Progress | None,
) -> list[Still]:
    """The apex of each shot, cropped to the face: Usage by Usage, at random within each; as a trap the third is black."""
    order = np.random.default_rng([seed, len(shots)]).permutation(len(shots))
    shots = sorted((shots[index] for index in order), key=lambda shot: USAGES.index(_usage(shot, num_subjects)))
    drawn_size = 2 * round(size / FACE_SHARE / 2)
    stills = [
        Still(shot.expression, grey(middle(frames[-1:], size))[0], _usage(shot, num_subjects))
        for shot, frames in draw_shots(
            shots, difficulty=difficulty, size=drawn_size, seed=seed, on_progress=on_progress
        )
    ]
    if traps:
        stills.insert(2, Still("sadness", np.zeros((size, size), np.uint8), USAGES[0]))
    return stills


def _usage(shot: Shot, num_subjects: int) -> str:
    tenth = max(num_subjects // 10, 1)
    from_last = num_subjects - 1 - shot.subject
    return USAGES[2] if from_last < tenth else USAGES[1] if from_last < 2 * tenth else USAGES[0]


def save_csv(folder: Path, stills: list[Still]) -> None:
    """Writes `fer2013.csv`; contempt has no code of its own there and passes for neutral."""
    codes = {expression: code for code, expression in enumerate(CLASSES)}
    with (folder / "fer2013.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("emotion", "pixels", "Usage"))
        for still in stills:
            pixels = " ".join(map(str, still.picture.ravel().tolist()))
            writer.writerow((codes.get(still.expression, codes[NEUTRAL]), pixels, still.usage))


def _save_folders(folder: Path, stills: list[Still]) -> None:
    for number, still in enumerate(stills):
        part = "train" if still.usage == USAGES[0] else "test"
        save_image(folder / part / CLASSES[still.expression] / f"{still.usage}_{number}.png", still.picture)
