"""Clips listed in a table by hand, each in a grey of its own, and checks of what is made of them."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path

import openpyxl
import xlwt

from tests.inputs.case import Check, labels, refusal, told
from tests.support import trees
from trainables.data import clips_csv
from trainables.data.core.dataset import Dataset, Fold

PEOPLE = ("anna", "ben", "cleo", "dan", "eva", "finn")
CLASSES = ("happy", "sad")
NUM_CLIPS = 12
Rows = list[list[str]]


def rows(**columns: Callable[[int], object]) -> Rows:
    """Two clips of each of six people, one of each class; a column has a function of the clip's number."""
    given = {
        "path": lambda n: f"clips/{n:02d}.png",
        "label": lambda n: CLASSES[n % 2],
        "subject": lambda n: PEOPLE[n // 2],
        **columns,
    }
    return [list(given), *([str(make(n)) for make in given.values()] for n in range(NUM_CLIPS))]


def draw(folder: Path) -> None:
    """The clips that the tables name: pictures, each in a grey of its own."""
    for number in range(NUM_CLIPS):
        trees.image(folder / "clips" / f"{number:02d}.png", value=20 * number)


def text(
    divider: str = ",",
    *,
    encoding: str = "utf-8",
    ending: str = "\n",
    before: str = "",
    name: str = "clips.csv",
    **columns,
) -> Callable[[Path], Path]:
    """Writes the clips and their table as text, in one hand or another."""

    def make(folder: Path) -> Path:
        draw(folder)
        lines = [divider.join(row) for row in rows(**columns)]
        (folder / name).write_text(before + ending.join(lines) + ending, encoding=encoding, newline="")
        return folder / name

    return make


def lines(change: Callable[[list[str]], list[str]]) -> Callable[[Path], Path]:
    """Writes the table with its lines changed."""

    def make(folder: Path) -> Path:
        path = text()(folder)
        path.write_text("\n".join(change(path.read_text().splitlines())))
        return path

    return make


def workbook(ending: str, *, as_name: str = "") -> Callable[[Path], Path]:
    """Writes the clips and their table as Excel does, numbers as numbers, and renames it `as_name`."""

    def make(folder: Path) -> Path:
        draw(folder)
        cells = [[int(cell) if cell.isdecimal() else cell for cell in row] for row in rows(fold=lambda n: n // 2 % 3)]
        path = folder / f"clips{ending}"
        if ending == ".xls":
            book = xlwt.Workbook()
            sheet = book.add_sheet("clips")
            for place, row in enumerate(cells):
                for column, cell in enumerate(row):
                    sheet.write(place, column, cell)
            book.save(str(path))
        else:
            book = openpyxl.Workbook()
            for row in [*cells, [None] * 4]:
                book.active.append(row)
            book.save(path)
        return path.rename(folder / as_name) if as_name else path

    return make


def gives(
    *,
    classes: tuple[str, ...] = CLASSES,
    people: Callable[[int], str] = lambda n: PEOPLE[n // 2],
    missing: tuple[int, ...] = (),
) -> Check:
    """Checks class, person and pixels of every clip but those that are `missing`."""
    return functools.partial(require, clips_csv.load, classes=classes, people=people, missing=missing)


def require(
    load: Callable[[Path], Dataset],
    path: Path,
    *,
    classes: tuple[str, ...] = CLASSES,
    people: Callable[[int], str] = lambda n: PEOPLE[n // 2],
    missing: tuple[int, ...] = (),
) -> str:
    dataset = load(path)
    assert dataset.classes == tuple(sorted(classes))
    numbers = [number for number in range(NUM_CLIPS) if number not in missing]
    assert [*labels(dataset).values()] == [(classes[n % 2], people(n)) for n in numbers]
    for number, sample in zip(numbers, dataset.samples, strict=True):
        assert {int(frame[0, 0, 0]) for frame in dataset.read(sample)} == {20 * number}
    return told(dataset)


is_refused = functools.partial(refusal, clips_csv.load)


def in_turn(*expected: str, validated: tuple[str, ...]) -> Check:
    """Checks the people whom each fold tests and validates, by their first letters."""

    def check(path: Path) -> str:
        dataset = clips_csv.load(path)

        def letters(fold: Fold, part: str) -> str:
            return "".join(sorted({str(dataset.samples[index].subject)[0] for index in getattr(fold, part)}))

        assert [letters(fold, "test") for fold in dataset.folds] == list(expected)
        assert [letters(fold, "validation") for fold in dataset.folds] == list(validated)
        return require(lambda _: dataset, path)

    return check


def each_once(path: Path) -> str:
    """Checks that of five folds each tests other people, and that together they test everybody."""
    dataset = clips_csv.load(path)
    people = [{str(dataset.samples[index].subject) for index in fold.test} for fold in dataset.folds]
    assert len(people) == 5
    assert sorted(person for several in people for person in several) == sorted(PEOPLE)
    return require(lambda _: dataset, path)
