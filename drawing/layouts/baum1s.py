"""Drawn faces in the layout of BAUM-1s (Zhalehpour et al., IEEE Transactions on Affective Computing 2017).

`BAUM1s_MP4 - All/s001/S001_001.mp4`, clips of a person numbered in no order of class, 854:480, and a table
`Annotations_BAUM1s.xlsx` (or `.csv`) with the person in column B, the clip in D, the emotion's name in E and its code in
F, as public loaders read them. The six emotions are codes 1, 6, 7, 8, 10 and 11; the other codes are bored, thinking and
the like, and in the real set more clips have those than not.

Traps: the owners' blanks in the folder's name, `s001` in small letters around `S001_001` in capitals, clips of other
codes (9 neutral, 12 thinking), a row whose name and code disagree (S015_007 of the real table: happiness or neutral?),
a `.DS_Store` and the `._` twin of a video.
"""

from __future__ import annotations

import csv
from pathlib import Path

from drawing.action_units import NEUTRAL
from drawing.media import save_video
from drawing.shots import Progress, Shot, draw_shots, everyone, widened
from drawing.traps import add_ds_store, add_twin
from drawing.tree import check_at_least, check_choice, write_tree

CODES = {"anger": 1, "disgust": 6, "fear": 7, "happiness": 8, "sadness": 10, "surprise": 11}
NAMES = {code: name.capitalize() for name, code in CODES.items()} | {9: "Neutral", 12: "Thinking"}
HEADER = ("No", "Subject No", "Clip No", "Clip Name", "Emotion", "Emotion Code", "Gender")
VIDEOS, TABLE = "BAUM1s_MP4 - All", "Annotations_BAUM1s"
TABLES = ("xlsx", "csv")


def write(
    root: Path,
    *,
    difficulty: str = "medium",
    num_subjects: int = 6,
    clips_per_class: int = 1,
    num_frames: int = 8,
    size: int = 120,
    seed: int = 0,
    table: str = "xlsx",
    traps: bool = True,
    on_progress: Progress | None = None,
) -> None:
    """Draws `num_subjects` people with `clips_per_class` videos of `num_frames` frames, `size` px high.

    Raises `ValueError` for settings too small, an unknown kind of table, and for a `root` that holds anything else.
    """
    check_choice("kind of table", table, TABLES)
    check_at_least(num_subjects=(num_subjects, 1), clips_per_class=(clips_per_class, 1))
    check_at_least(num_frames=(num_frames, 2), size=(size, 32))

    def draw(folder: Path) -> None:
        shots = everyone(num_subjects, tuple(CODES), num_frames, takes=clips_per_class)
        if traps:
            shots += everyone(num_subjects, (NEUTRAL,), num_frames, takes=2)
        clips_so_far = [0] * num_subjects
        rows = []
        even = 2 * round(size / 2)
        drawn = draw_shots(_shuffled(shots), difficulty=difficulty, size=even, seed=seed, on_progress=on_progress)
        for shot, square in drawn:
            clips_so_far[shot.subject] += 1
            number = clips_so_far[shot.subject]
            subject = f"{shot.subject + 1:03d}"
            path = folder / VIDEOS / f"s{subject}" / f"S{subject}_{number:03d}.mp4"
            save_video(path, widened(square, 854 / 480))
            code = CODES.get(shot.expression, (9, 12)[shot.take % 2])
            rows.append((shot.subject + 1, number, path.stem, NAMES[code], code, "FM"[shot.subject % 2]))
            if traps and number == 1 and shot.subject == 0:
                add_twin(path)
        rows.sort()
        if traps:
            doubtful = next(index for index, row in enumerate(rows) if row[4] == 9)
            rows[doubtful] = (*rows[doubtful][:3], NAMES[8], *rows[doubtful][4:])
        _save_table(folder / f"{TABLE}.{table}", [HEADER, *((n, *row) for n, row in enumerate(rows, 1))])
        if traps:
            add_ds_store(folder / VIDEOS)

    write_tree(
        root,
        "baum1s",
        draw,
        difficulty=difficulty,
        num_subjects=num_subjects,
        clips_per_class=clips_per_class,
        num_frames=num_frames,
        size=size,
        seed=seed,
        table=table,
        traps=traps,
    )


def _shuffled(shots: list[Shot]) -> list[Shot]:
    """Another order of classes for each person."""
    places = {name: place for place, name in enumerate((*CODES, NEUTRAL))}
    return sorted(shots, key=lambda shot: (shot.take, (places[shot.expression] + 3 * shot.subject) % len(places)))


def _save_table(path: Path, rows: list[tuple]) -> None:
    if path.suffix == ".csv":
        with path.open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows(rows)
        return
    from openpyxl import Workbook  # here: slow to import, and the other table does without

    book = Workbook()
    for row in rows:
        book.active.append(row)
    book.save(path)
