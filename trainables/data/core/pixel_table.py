"""Images as rows of a large .csv: where each row's pixels lie is noted once, and they are decoded when asked for."""

from __future__ import annotations

import math
import mmap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from trainables.data.core.dataset import DataError


@dataclass(frozen=True)
class PixelTable:
    """The rows of `path` that follow its header.

    `values[name]` holds a column other than the pixels, as text; row i's pixels lie at the bytes `starts[i]` to `ends[i]`.
    """

    path: Path
    values: dict[str, list[str]]
    starts: np.ndarray
    ends: np.ndarray

    def __len__(self) -> int:
        return len(self.starts)

    def image(self, row: int, side: int) -> np.ndarray:
        """The image of a row, grey, as RGB uint8 `(side, side, 3)`.

        Raises `DataError` naming the row, counted from 0 after the header, where its pixels are not that many, or are no
        numbers from 0 to 255.
        """
        with self.path.open("rb") as file:
            file.seek(int(self.starts[row]))
            text = file.read(int(self.ends[row] - self.starts[row])).strip(b'" \r')
        try:
            pixels = bytes(map(int, text.split()))  # raises for whatever does not fit a byte
        except ValueError as error:
            raise DataError(f"{self.path}: the pixels of row {row} are not numbers from 0 to 255 ({error}).") from error
        if len(pixels) != side * side:
            has = f"{math.isqrt(len(pixels))} x {math.isqrt(len(pixels))}" if _is_square(len(pixels)) else len(pixels)
            raise DataError(f"{self.path}: row {row} has {has} pixels; {side} x {side} are needed.")
        grey = np.frombuffer(pixels, np.uint8).reshape(side, side)
        return np.repeat(grey[:, :, None], 3, axis=2)


def read_pixel_table(path: Path, columns: tuple[str, ...]) -> PixelTable:
    """The table at `path`, whose header names `pixels` and `columns`, in any order.

    Reads a file of 300 MB in a second and keeps a few numbers of each row; a row with fewer fields has empty ones.
    Raises `DataError` for an empty file and for a header without one of the columns.
    """
    if path.stat().st_size == 0:
        raise DataError(f"{path}: the file is empty (0 bytes).")
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as text:
        lines = _lines(text)
        begin, end = next(lines)
        header = [cell.strip(' "\ufeff\r').lower() for cell in text[begin:end].decode("utf-8", "replace").split(",")]
        missing = [column for column in ("pixels", *columns) if column not in header]
        if missing:
            raise DataError(
                f"{path}: the header has no {' and no '.join(missing)}; it says {','.join(header)[:80]!r}. "
                f"Expected: {','.join(('pixels', *columns))}, in any order."
            )
        place = header.index("pixels")
        values: dict[str, list[str]] = {column: [] for column in columns}
        spans: list[tuple[int, int]] = []
        for begin, end in lines:
            fields = text[begin:end].split(b",")
            start = begin + sum(len(field) + 1 for field in fields[:place])
            spans.append((start, start + len(fields[place])) if place < len(fields) else (end, end))
            for column in columns:
                at = header.index(column)
                values[column].append(fields[at].strip(b'" \r').decode("ascii", "replace") if at < len(fields) else "")
    starts, ends = np.array(spans, dtype=np.int64).reshape(-1, 2).T
    return PixelTable(path, values, starts, ends)


def _lines(text: mmap.mmap) -> Iterator[tuple[int, int]]:
    """Where each line that is not blank begins and ends."""
    begin = 0
    while begin < len(text):
        end = text.find(b"\n", begin)
        end = len(text) if end < 0 else end
        if text[begin : min(end, begin + 2)].strip():
            yield begin, end
        begin = end + 1


def _is_square(number: int) -> bool:
    return math.isqrt(number) ** 2 == number
