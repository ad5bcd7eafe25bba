"""FER+: the images and the split of FER2013 with labels by ten raters, in eight classes.

Barsoum et al., "Training Deep Networks for Facial Expression Recognition with Crowd-Sourced Label Distribution", ICMI
2016. `fer2013new.csv` has a row of votes for each row of `fer2013.csv`, in the same order. The label is that of the
authors' majority vote: a class that one rater alone chose does not count, the winner needs more than half of what is
left, and images without a winner, of unknown expression or without a face are left out. Of the others the votes that count
are kept, for networks that learn from `soft_labels`.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from trainables.core.wording import counted
from trainables.data.core.dataset import DataError, Dataset
from trainables.data.core.finding import entries
from trainables.data.core.layout import find_parts, require_folder
from trainables.data.core.spreadsheets import read_rows, whole_number
from trainables.data.fer2013 import locate, of_table, open_table

LAYOUT = "fer2013.csv, and the votes in fer2013new.csv beside it or in a folder there"
CLASSES = ("neutral", "happiness", "surprise", "sadness", "anger", "disgust", "fear", "contempt")
COLUMNS = (*CLASSES, "unknown", "nf")
VOTES = "fer2013new.csv"


def load(root: Path) -> Dataset:
    """FER2013 under `root` with the labels of FER+.

    Raises `DataError` where the table of images or that of votes is missing, and where their rows are not as many.
    """
    root = Path(root)
    require_folder(root, LAYOUT)
    folder, has_table, notes = locate(root)
    if not has_table:
        raise DataError(f"{folder}: the votes belong to the rows of fer2013.csv, not to images in folders.")
    found = find_parts(root, _parts_at, ("votes",), LAYOUT)
    table = open_table(folder)
    votes, unread = _read_votes(found["votes"][0] / VOTES)
    if len(votes) != len(table):
        raise DataError(
            f"{found['votes'][0] / VOTES}: {len(votes)} rows of votes, but {table.path} has {len(table)} images; "
            "the same number is needed, in the same order."
        )
    counted_votes = np.where(votes > 1, votes, 0)
    labels = _majority(counted_votes)
    of_classes = [tuple(map(float, row)) for row in counted_votes[:, : len(CLASSES)].tolist()]
    undecided = sum(label is None for label in labels)
    notes += (f"{undecided} of {len(labels)} images have no majority for one of the {len(CLASSES)} classes",)
    if unread:
        notes += (f"{counted(unread, 'row')} of {VOTES} with cells that are no votes, counted as none",)
    return of_table("fer2013_plus", CLASSES, table, labels, None, notes, of_classes)


def _parts_at(folder: Path) -> tuple[str, ...]:
    return ("votes",) if any(entry.name == VOTES for entry in entries(folder)) else ()


def _read_votes(path: Path) -> tuple[np.ndarray, int]:
    """The votes `(N, 10)` for `COLUMNS`, and how many rows have a cell that is neither a number nor empty."""
    rows = read_rows(path)
    header = [cell.lower() for cell in rows[0]] if rows else []
    missing = [column for column in COLUMNS if column not in header]
    if missing:
        raise DataError(
            f"{path}: the header has no {', '.join(missing)}; it says {','.join(header)[:80]!r}. "
            f"Expected: Usage,Image name,{','.join(COLUMNS)}."
        )
    places = [header.index(column) for column in COLUMNS]
    cells = [[row[at] if at < len(row) else "" for at in places] for row in rows[1:] if any(row)]
    unread = sum(any(cell and whole_number(cell) is None for cell in row) for row in cells)
    votes = [[whole_number(cell) or 0 for cell in row] for row in cells]
    return np.array(votes, dtype=np.int64).reshape(-1, len(COLUMNS)), unread


def _majority(votes: np.ndarray) -> list[int | None]:
    """The class of each row, `None` where there is no winner or it is no class."""
    winners = votes.argmax(axis=1)
    decided = (2 * votes.max(axis=1) > votes.sum(axis=1)) & (winners < len(CLASSES))
    return [int(winner) if sure else None for winner, sure in zip(winners, decided, strict=True)]
