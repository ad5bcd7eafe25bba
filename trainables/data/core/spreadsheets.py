"""Tables as the owners of data sets hand them out: .xls, .xlsx and .csv, as rows of text."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from trainables.data.core.dataset import DataError

TABLE_SUFFIXES = (".xlsx", ".xls", ".csv")


def read_rows(path: Path) -> list[list[str]]:
    """The rows of the first sheet, blanks around a cell removed, whole numbers without a decimal point.

    Raises `DataError` naming the file where it cannot be read as what its name says.
    """
    readers = {".xlsx": _xlsx, ".xls": _xls, ".csv": _csv}
    suffix = path.suffix.lower()
    if suffix not in readers:
        raise DataError(f"{path}: not a table; one of {', '.join(TABLE_SUFFIXES)} is needed.")
    try:
        return [[_text(cell) for cell in row] for row in readers[suffix](path)]
    except Exception as error:  # each library has its own, and damage shows as any of them
        raise DataError(f"{path}: cannot be read as {suffix} ({type(error).__name__}: {error}).") from error


def whole_number(cell: str) -> int | None:
    """The whole number that a cell or a word holds, be it written 3, 3.0 or 3.0000000e+00; `None` for anything else."""
    try:
        number = float(cell)
    except ValueError:
        return None
    return int(number) if number.is_integer() else None


def _xlsx(path: Path) -> list[tuple[Any, ...]]:
    import openpyxl  # here, because two data sets alone need it

    book = openpyxl.load_workbook(path, read_only=True, data_only=True)
    try:
        return list(book.worksheets[0].iter_rows(values_only=True))
    finally:
        book.close()


def _xls(path: Path) -> Iterable[list[Any]]:
    import xlrd  # likewise

    with xlrd.open_workbook(str(path)) as book:
        sheet = book.sheet_by_index(0)
        return [sheet.row_values(row) for row in range(sheet.nrows)]


def _csv(path: Path) -> list[list[str]]:
    data = path.read_bytes()
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:  # Excel writes the code page of its country; what counts here is ASCII in all of them
        text = data.decode("latin-1")
    delimiter = max(",;\t", key=text[:10_000].count)  # Excel's depends on the country too; without any, the first
    return list(csv.reader(text.splitlines(), delimiter=delimiter))


def _text(cell: Any) -> str:
    if cell is None:
        return ""
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return str(cell).strip()
