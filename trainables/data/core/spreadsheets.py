"""Tables as owners and users of data sets hand them out: .xls, .xlsx, .csv and .tsv, as rows of text.

A .csv may be divided by commas, semicolons or tabs, in UTF-8, in UTF-16, or in the code page of a country.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from trainables.data.core.dataset import DataError

TABLE_SUFFIXES = (".xlsx", ".xls", ".csv", ".tsv")
BYTE_ORDER_MARKS = {
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF16_LE: "utf-16-le",
    codecs.BOM_UTF16_BE: "utf-16-be",
}


def read_rows(path: Path) -> list[list[str]]:
    """The rows of the first sheet, blanks around a cell removed, whole numbers without a decimal point.

    Raises `DataError` naming the file where it cannot be read as what its name says.
    """
    suffix = path.suffix.lower()
    if suffix not in TABLE_SUFFIXES:
        raise DataError(f"{path}: not a table; one of {', '.join(TABLE_SUFFIXES)} is needed.")
    try:
        return [[_text(cell) for cell in row] for row in _reader_of(path)(path)]
    except Exception as error:  # each library has its own, and damage shows as any of them
        raise DataError(f"{path}: cannot be read as {suffix} ({type(error).__name__}: {error}).") from error


def whole_number(cell: str) -> int | None:
    """The whole number that a cell or a word holds, be it written 3, 3.0 or 3.0000000e+00; `None` for anything else."""
    try:
        number = float(cell)
    except ValueError:
        return None
    return int(number) if number.is_integer() else None


def encoding_of(head: bytes) -> tuple[str, int]:
    """How the text that begins with `head` is encoded, by its byte order mark or its zeros, and that mark's length."""
    for mark, encoding in BYTE_ORDER_MARKS.items():
        if head.startswith(mark):
            return encoding, len(mark)
    if head[1:2] == b"\0":
        return "utf-16-le", 0
    return ("utf-16-be" if head[:1] == b"\0" else "utf-8"), 0


def delimiter_of(lines: Sequence[str]) -> str:
    """What divides cells: of comma, semicolon and tab that which most lines have, then the commonest; else the comma."""
    # Excel's depends on the country, and a decimal comma or a title is no divider.
    return max(",;\t", key=lambda mark: (sum(mark in line for line in lines), sum(line.count(mark) for line in lines)))


def shown(cells: Iterable[str], most: int = 5) -> str:
    """The first different cells, in quotes, for a sentence about what was found."""
    different = list(dict.fromkeys(cells))
    return ", ".join(repr(cell[:40]) for cell in different[:most]) + (", ..." if len(different) > most else "")


def _reader_of(path: Path) -> Callable[[Path], Iterable[Sequence[Any]]]:
    """What reads the table, by its first bytes where they tell: a workbook may have lost its ending."""
    with path.open("rb") as file:
        head = file.read(4)
    by_head = {b"PK\x03\x04": _xlsx, b"\xd0\xcf\x11\xe0": _xls}
    by_name = {".xlsx": _xlsx, ".xls": _xls}
    return by_head.get(head) or by_name.get(path.suffix.lower(), _csv)


def _xlsx(path: Path) -> list[tuple[Any, ...]]:
    import openpyxl  # here, because two data sets alone need it

    with path.open("rb") as file:
        book = openpyxl.load_workbook(file, read_only=True, data_only=True)
        return list(book.worksheets[0].iter_rows(values_only=True))


def _xls(path: Path) -> Iterable[list[Any]]:
    import xlrd  # likewise

    with xlrd.open_workbook(str(path)) as book:
        sheet = book.sheet_by_index(0)
        return [sheet.row_values(row) for row in range(sheet.nrows)]


def _csv(path: Path) -> list[list[str]]:
    data = path.read_bytes()
    encoding, skipped = encoding_of(data[:4])
    try:
        text = data[skipped:].decode(encoding)
    except UnicodeDecodeError:  # Excel writes the code page of its country: most often this one
        text = data.decode("cp1252", "replace")
    told = re.match(r"sep=(.)\r?\n", text, re.IGNORECASE)  # by Excel, for itself
    text = text[told.end() :] if told else text
    delimiter = told[1] if told else delimiter_of(text.splitlines()[:50])
    # A cell in quotes may hold line breaks, and what `splitlines` takes for one is a letter in some code pages.
    return list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))


def _text(cell: Any) -> str:
    if cell is None:
        return ""
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return str(cell).strip()
