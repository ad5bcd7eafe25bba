"""Your own clips as one table: `path`, `label`, `subject`, and maybe `fold`, `group`, `weight` or `votes`, `votes:<class>`.

The root is the table (.csv, .tsv, .xlsx, .xls) or the folder that holds it. A path is that of a video, an image or a folder of
frames, relative to the table and not out of its folder, or absolute. `fold` holds numbers, each tested in turn and
validating the one before it, or the words train, validation and test; without it folds are cut by subject, as in
`clip_folder`. People who share a `group` count as one subject, so that no group lies on both sides of a split. `weight`, or
`votes` for the label, is by how much a clip counts in training: a number above 0, 1 where the cell is empty. Columns
such as `votes:happy` hold how many annotators saw each class, for networks that learn from `soft_labels`. Columns that are not
read are told. With `--cluster-by` clips may lack a `subject`, and so may the table.
"""

from __future__ import annotations

import math
import os
import unicodedata
from collections.abc import Sequence
from pathlib import Path

from trainables.core.wording import counted
from trainables.data.core.dataset import DataError, Dataset, Fold, Sample, require_disjoint
from trainables.data.core.finding import entries, list_images
from trainables.data.core.folds import folds_by_people
from trainables.data.core.frames import read_frames
from trainables.data.core.kinds import is_image, is_video
from trainables.data.core.layout import listed, require_folder
from trainables.data.core.spelling import JOINED, merged, same
from trainables.data.core.spreadsheets import TABLE_SUFFIXES, read_rows, whole_number
from trainables.data.core.votes import PREFIX, votes_of

NEEDED, OPTIONAL = ("path", "label", "subject"), ("fold", "group", "weight", "votes")
LAYOUT = "a table with the columns path,label,subject and, where there are such, fold, group and weight or votes"
PARTS = ("train", "validation", "test")
EXAMPLE = {
    "clips.csv": "path,label,subject\n"
    + "".join(f"clips/{n}.png,{('happy', 'sad')[n % 2]},anna{n // 2}\n" for n in range(8)),
    **{f"clips/{n}.png": "" for n in range(8)},
}


def load(root: Path, *, keep_spelling: bool = False, nameless: bool = False, column: str = "") -> Dataset:
    """The clips of the table `root`, or of the one in that folder; rows whose file is missing are left out and told.

    With `keep_spelling` several spellings of a label or a subject are several. Clips that may be `nameless` need no subject,
    and have what `column` says for their cluster; but for those given there are no folds of them yet. Raises `DataError` for a
    table that lacks a column, a cell that cannot be used, with its row, and folds that share a person.
    """
    without = [name for name in NEEDED if name != "subject"]
    needed = [*without, *([column] if column and column not in without else [])] if nameless else NEEDED
    table = _table(Path(root), needed)
    rows, notes = _rows(table, needed)
    rows, missing = _with_files(table, rows)
    notes += missing
    labels, of_classes = merged([row["label"] for row in rows], keep=keep_spelling)
    subjects, of_people = merged([row["subject"] for row in rows], keep=keep_spelling)
    subjects, of_groups = _joined(subjects, [row["group"] for row in rows])
    classes = tuple(sorted(set(labels)))
    if len(classes) < 2:
        raise DataError(f"{table}: only one class ({classes[0]}); at least two are needed.")
    votes, of_votes = votes_of(table, rows, classes)
    samples = [
        Sample(
            clip_id=row["path"],
            label=classes.index(label),
            subject=subject or None,
            cluster=None if subject or not column else row[column],
            paths=_paths(table, row["path"]),
            weight=_weight(table, row),
            votes=seen,
        )
        for row, label, subject, seen in zip(rows, labels, subjects, votes, strict=True)
    ]
    given = any(row["fold"] for row in rows)
    try:
        folds = _folds_given(rows, [sample.subject or sample.clip_id for sample in samples]) if given else []
        folds = folds or (folds_by_people(samples, classes) if all(subjects) else [])
    except DataError as error:
        raise DataError(f"{table}: {error}") from error
    notes += (
        *(f"classes: {note}" for note in of_classes),
        *(f"people: {note}" for note in of_people),
        *of_groups,
        *of_votes,
    )
    return Dataset(
        name="clips_csv",
        classes=classes,
        samples=samples,
        folds=folds,
        read=read_frames,
        notes=notes,
        cut_by_subject=not given,
    )


def _table(root: Path, needed: Sequence[str]) -> Path:
    """The table that `root` is, or the only one in that folder that has the columns."""
    if root.is_file():
        return root
    require_folder(root, LAYOUT)
    names = [entry.name for entry in entries(root) if Path(entry.name).suffix.lower() in TABLE_SUFFIXES]
    tables = [root / name for name in sorted(names) if not name.startswith((".", "~$"))]
    lacks = {table: _lacking(_header(read_rows(table)), needed) for table in tables} if len(tables) > 1 else {}
    fitting = [table for table in tables if not lacks.get(table)]
    if len(fitting) != 1:
        found = (
            f"{counted(len(tables), 'table')} in here ({listed([path.name for path in tables])})"
            if tables
            else "no table"
        )
        raise DataError(f"{root}: {found}, {len(fitting)} with the columns; give the one. Expected: {LAYOUT}.")
    return fitting[0]


def _header(rows: Sequence[Sequence[str]]) -> list[str]:
    return [cell.strip().lower() for cell in rows[0]] if rows else []


def _lacking(header: Sequence[str], needed: Sequence[str]) -> list[str]:
    return [name for name in needed if name not in header]


def _rows(table: Path, needed: Sequence[str]) -> tuple[list[dict[str, str]], tuple[str, ...]]:
    """The rows by column, with their number in the table as `row`, and a note on columns that are not read."""
    cells = read_rows(table)
    header = _header(cells)
    if lacking := _lacking(header, needed):
        raise DataError(
            f"{table}: this is a file without the {'column' if len(lacking) == 1 else 'columns'} {', '.join(lacking)}; its "
            f"first row is {','.join(header)[:80]!r}. Expected: {LAYOUT}."
        )
    read = tuple(dict.fromkeys((*NEEDED, *OPTIONAL, *needed)))
    voted = {place: cells[0][place].strip() for place, name in enumerate(header) if name.startswith(PREFIX)}
    if twice := [name for name in (*read, *map(str.lower, voted.values())) if header.count(name) > 1]:
        raise DataError(f"{table}: the column {twice[0]} is there {header.count(twice[0])} times; one is needed.")
    rows, first = [], {}
    for number, row in enumerate(cells[1:], 2):
        if not any(row):
            continue
        if any(row[len(header) :]):
            raise DataError(
                f"{table}: row {number} has more cells than the header ({','.join(row)[:80]!r}); a comma within a cell needs "
                "quotes around the cell."
            )
        padded = [*row, *[""] * (len(header) - len(row))]
        found = {name: padded[header.index(name)].strip() if name in header else "" for name in read}
        if empty := [name for name in NEEDED if name in needed and not found[name]]:
            raise DataError(f"{table}: row {number} has no {empty[0]} ({','.join(row)[:80]!r}).")
        found["path"] = _as_here(table, found["path"])
        place = os.path.normpath(found["path"])
        if place in first:
            raise DataError(f"{table}: rows {first[place]} and {number} name the same clip, {found['path']!r}.")
        first[place] = number
        votes = {name: padded[place].strip() for place, name in voted.items()}
        rows.append({**found, **votes, "row": str(number)})
    if not rows:
        raise DataError(f"{table}: there is no row below the header. Expected: {LAYOUT}.")
    unread = [
        name or "one without a name" for place, name in enumerate(header) if name not in read and place not in voted
    ]
    return rows, (f"columns that are not read: {listed(unread, most=8)}",) if unread else ()


def _as_here(table: Path, path: str) -> str:
    """A path as it is spelt on this disk: with the slashes of this system, its accents in one character or in two."""
    slashed = path.replace("\\", "/")
    spellings = (path, *(unicodedata.normalize(form, one) for one in (path, slashed) for form in ("NFC", "NFD")))
    return next((one for one in spellings if os.path.lexists(table.parent / one)), slashed)


def _with_files(table: Path, rows: list[dict[str, str]]) -> tuple[list[dict[str, str]], tuple[str, ...]]:
    """The rows whose clip is there, and notes on the others."""
    there, missing, unusable = [], [], []
    for row in rows:
        path = Path(os.path.normpath(row["path"]))
        if path.parts[:1] == ("..",):
            raise DataError(
                f"{table}: row {row['row']} leaves the folder of the table ({row['path']!r}). A path is relative to the "
                "table and stays below it, or is absolute."
            )
        place = table.parent / path
        if not os.path.exists(place):
            missing.append(f"row {row['row']}: {row['path']}")
        elif place.is_dir() or is_video(place) or is_image(place):
            there.append(row)
        else:
            unusable.append(f"row {row['row']}: {row['path']}")
    notes = [f"{counted(len(missing), 'clip')} not there ({listed(missing)})"] * bool(missing)
    notes += [
        f"{counted(len(unusable), 'path')} of neither a video, an image nor a folder of frames ({listed(unusable)})"
    ] * bool(unusable)
    if not there:
        raise DataError(f"{table}: none of {counted(len(rows), 'clip')} is there: {'; '.join(notes)}.")
    return there, tuple(notes)


def _paths(table: Path, path: str) -> tuple[Path, ...]:
    """The file of a clip, or its frames; the folder itself where it has none, so that preparation can name and drop it."""
    place = table.parent / os.path.normpath(path)
    return (tuple(list_images(place)) or (place,)) if place.is_dir() else (place,)


def _weight(table: Path, row: dict[str, str]) -> float:
    """By how much the clip of a row counts."""
    given = [name for name in ("weight", "votes") if row[name]]
    if not given:
        return 1.0
    if len(given) == 2:
        raise DataError(f"{table}: row {row['row']} has a weight and votes; one of them says how much the clip counts.")
    cell = row[given[0]]
    try:
        weight = float(cell.replace(",", "."))
    except ValueError:
        weight = math.nan
    if not 0 < weight < math.inf:
        raise DataError(
            f"{table}: row {row['row']} has the {given[0]} {cell!r}; a number above 0 is needed, or nothing."
        )
    return weight


def _joined(subjects: Sequence[str], groups: Sequence[str]) -> tuple[list[str], tuple[str, ...]]:
    """The subjects, those linked by groups under one name, and a note on these."""
    leader = {name: name for name in subjects if name}

    def first(name: str) -> str:
        while leader[name] != name:
            name = leader[name]
        return name

    shown: dict[str, str] = {}
    for subject, group in zip(subjects, groups, strict=True):
        if group and subject:
            one, other = first(shown.setdefault(same(group), subject)), first(subject)
            leader[other] = one
    people: dict[str, list[str]] = {}
    for name in leader:
        people.setdefault(first(name), []).append(name)
    named = {name: JOINED.join(people[first(name)]) for name in leader}
    linked = [JOINED.join(several) for several in people.values() if len(several) > 1]
    notes = (f"people who share a group are one subject: {listed(linked)}",) if linked else ()
    return [named.get(name, "") for name in subjects], notes


def _folds_given(rows: Sequence[dict[str, str]], subjects: Sequence[str]) -> list[Fold]:
    """The folds of the column `fold`. Raises `DataError` for a cell of another kind, and for people on both sides."""
    words = all(row["fold"].lower() in PARTS for row in rows)
    if not words and (wrong := [row for row in rows if whole_number(row["fold"]) is None]):
        raise DataError(
            f"row {wrong[0]['row']} has the fold {wrong[0]['fold']!r}. Expected: a whole number in each row, or one of the "
            "words train, validation, test."
        )
    keys = [row["fold"].lower() if words else whole_number(row["fold"]) for row in rows]
    numbers = PARTS if words else sorted({key for key in keys if isinstance(key, int)})
    members = {key: tuple(i for i, other in enumerate(keys) if other == key) for key in numbers}
    if len(numbers) < 3 or not all(members.values()):
        found = ", ".join(dict.fromkeys(map(str, keys)))
        raise DataError(f"the column fold says {found}. Expected: train, validation and test, or at least 3 numbers.")
    if words:
        folds = [Fold(train=members["train"], validation=members["validation"], test=members["test"])]
    else:
        folds = []
        for place, key in enumerate(numbers):
            after = numbers[(place + 1) % len(numbers)]
            train = tuple(i for i, other in enumerate(keys) if other not in (key, after))
            folds.append(Fold(train=train, validation=members[after], test=members[key]))
    for number, fold in enumerate(folds):
        require_disjoint(fold, subjects, number=number)
    return folds
