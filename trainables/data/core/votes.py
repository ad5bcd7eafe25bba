"""Votes: how many annotators saw each class in a clip, as columns `votes:<class>` of a table."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from pathlib import Path

from trainables.data.core.dataset import DataError, Dataset
from trainables.data.core.layout import listed
from trainables.data.core.spelling import same

PREFIX = "votes:"


def votes_of(
    table: Path, rows: Sequence[Mapping[str, str]], classes: Sequence[str]
) -> tuple[list[tuple[float, ...]], tuple[str, ...]]:
    """For each of `rows`, by column and with its number as `row`, the votes for `classes`, `()` for none; and notes.

    An empty cell is no vote. Votes for what is no class are not counted, and told. Raises `DataError` for a cell that is no
    number of at least 0, with its row, and for a class with several columns.
    """
    named = [column for column in (rows[0] if rows else ()) if column.lower().startswith(PREFIX)]
    columns: dict[int, str] = {}
    strange = []
    for column in named:
        name = column[len(PREFIX) :].strip()
        found = [k for k, one in enumerate(classes) if one == name] or [
            k for k, one in enumerate(classes) if same(one) == same(name)
        ]
        if len(found) != 1:
            strange.append(name)
        elif found[0] in columns:
            raise DataError(f"{table}: the columns {columns[found[0]]} and {column} are of one class; one is needed.")
        else:
            columns[found[0]] = column
    notes = (f"votes for what no clip has for its label, not counted: {listed(strange, most=8)}",) if strange else ()
    votes = []
    for row in rows:
        given = [_number(table, row, columns[k]) if k in columns else 0.0 for k in range(len(classes))]
        votes.append(tuple(given) if sum(given) else ())
    return votes, notes


def without_votes(dataset: Dataset) -> Dataset:
    """The same where nothing is known of votes, as versions up to 0.2 read it."""
    return dataclasses.replace(dataset, samples=[dataclasses.replace(sample, votes=()) for sample in dataset.samples])


def _number(table: Path, row: Mapping[str, str], column: str) -> float:
    cell = row[column]
    try:
        number = float(cell.replace(",", ".")) if cell else 0.0
    except ValueError:
        number = math.nan
    if not 0 <= number < math.inf:
        raise DataError(
            f"{table}: row {row['row']} has {cell!r} in {column}; a number of at least 0 is needed, or nothing."
        )
    return number
