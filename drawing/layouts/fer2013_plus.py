"""Drawn faces in the layout of FER+ (Barsoum et al., ICMI 2016): `fer2013.csv` with `fer2013new.csv` beside it.

The second table holds ten votes on each row of the first, in the same order: `Usage,Image name`, then neutral,
happiness, surprise, sadness, anger, disgust, fear, contempt, unknown and NF (not a face). Contempt, which FER2013 has no
class for, stands there as neutral. For the rest see the layout `fer2013`.

Traps: the black image of FER2013, without a name and with ten votes for NF, and a second copy of one image (the
real set has many), on which the votes are split.
"""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np

from drawing.layouts.fer2013 import CLASSES, NUM_DRAWN, Still, draw_stills, save_csv
from drawing.shots import Progress, everyone
from drawing.tree import check_at_least, write_tree

VOTED = (
    "neutral", "happiness", "surprise", "sadness", "anger", "disgust", "fear", "contempt", "unknown", "NF",
)  # fmt: skip


def write(
    root: Path,
    *,
    difficulty: str = "medium",
    num_subjects: int = 8,
    stills_per_class: int = 2,
    size: int = 48,
    seed: int = 0,
    traps: bool = True,
    on_progress: Progress | None = None,
) -> None:
    """Draws `num_subjects` people, at least three, with `stills_per_class` stills of `size` px for each of eight classes.

    Raises `ValueError` for settings too small, and for a `root` that holds another drawing or anything else.
    """
    check_at_least(num_subjects=(num_subjects, 3), stills_per_class=(stills_per_class, 1), size=(size, 24))

    def draw(folder: Path) -> None:
        stills = draw_stills(
            everyone(num_subjects, (*CLASSES, "contempt"), NUM_DRAWN, takes=stills_per_class),
            num_subjects=num_subjects,
            difficulty=difficulty,
            size=size,
            seed=seed,
            traps=traps,
            on_progress=on_progress,
        )
        votes = _votes(stills, seed)
        if traps:
            stills.append(stills[-1])
            votes.append(dict.fromkeys(VOTED, 0) | {"fear": 5, "surprise": 5})
        save_csv(folder, stills)
        _save_votes(folder / "fer2013new.csv", stills, votes)

    write_tree(
        root,
        "fer2013_plus",
        draw,
        difficulty=difficulty,
        num_subjects=num_subjects,
        stills_per_class=stills_per_class,
        size=size,
        seed=seed,
        traps=traps,
    )


def _votes(stills: list[Still], seed: int) -> list[dict[str, int]]:
    """Seven to ten of ten votes for what is drawn, the others for contempt or unknown; all for NF on a black image."""
    rng = np.random.default_rng([seed, 10])
    votes = []
    for still in stills:
        seen = dict.fromkeys(VOTED, 0)
        sure = int(rng.integers(7, 11)) if still.picture.any() else 10
        seen[still.expression if still.picture.any() else "NF"] = sure
        seen[("contempt", "unknown")[int(rng.integers(2))]] += 10 - sure
        votes.append(seen)
    return votes


def _save_votes(path: Path, stills: list[Still], votes: list[dict[str, int]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("Usage", "Image name", *VOTED))
        for number, (still, seen) in enumerate(zip(stills, votes, strict=True)):
            writer.writerow((still.usage, f"fer{number:07d}.png" if still.picture.any() else "", *seen.values()))
