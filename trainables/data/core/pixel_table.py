"""Images as rows of a large .csv: where each row's pixels lie is noted once, and they are decoded when asked for."""

from __future__ import annotations

import hashlib
import math
import mmap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from trainables.data.core.dataset import DataError
from trainables.data.core.spreadsheets import delimiter_of, encoding_of


@dataclass(frozen=True)
class PixelTable:
    """The rows of `path` that follow its header.

    `values[name]` holds a column other than the pixels, as text; row i's pixels lie at the bytes `starts[i]` to `ends[i]`.
    """

    path: Path
    values: dict[str, list[str]]
    starts: np.ndarray
    ends: np.ndarray
    encoding: str = "utf-8"

    def __len__(self) -> int:
        return len(self.starts)

    def digest(self, row: int) -> bytes:
        """The hash of a row's pixels, whatever stands between the numbers."""
        text = self._text(row)
        even = " ".join(text.split()) if "  " in text else text  # splitting 35,887 images takes seconds
        return hashlib.blake2b(even.encode()).digest()

    def image(self, row: int, side: int) -> np.ndarray:
        """The image of a row, grey, as RGB uint8 `(side, side, 3)`.

        Raises `DataError` naming the row, counted from 0 after the header, where its pixels are not that many, or are no
        numbers from 0 to 255.
        """
        try:
            pixels = bytes(map(int, self._text(row).split()))  # raises for whatever does not fit a byte
        except ValueError as error:
            raise DataError(f"{self.path}: the pixels of row {row} are not numbers from 0 to 255 ({error}).") from error
        if len(pixels) != side * side:
            has = f"{math.isqrt(len(pixels))} x {math.isqrt(len(pixels))}" if _is_square(len(pixels)) else len(pixels)
            raise DataError(f"{self.path}: row {row} has {has} pixels; {side} x {side} are needed.")
        grey = np.frombuffer(pixels, np.uint8).reshape(side, side)
        return np.repeat(grey[:, :, None], 3, axis=2)

    def _text(self, row: int) -> str:
        with self.path.open("rb") as file:
            file.seek(int(self.starts[row]))
            text = file.read(int(self.ends[row] - self.starts[row]))
        return text.decode(self.encoding, "replace").strip('" \r')


def read_pixel_table(path: Path, columns: tuple[str, ...]) -> PixelTable:
    """The table at `path`, whose header names `pixels` and `columns`, in any order.

    Cells are divided by commas, semicolons or tabs; the text is UTF-8 or UTF-16. Reads a file of 300 MB in a
    second and keeps a few numbers of each row; a row with fewer fields has empty ones.
    Raises `DataError` for an empty file and for a header without one of the columns.
    """
    if path.stat().st_size == 0:
        raise DataError(f"{path}: the file is empty (0 bytes).")
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as text:
        encoding, skipped = encoding_of(text[:4])
        lines = _lines(text, skipped, "\n".encode(encoding))
        begin, end = next(lines, (0, 0))
        first = text[begin:end].decode(encoding, "replace")
        delimiter = delimiter_of([first])
        header = [cell.strip(' "\r').lower() for cell in first.split(delimiter)]
        between = delimiter.encode(encoding)
        missing = [column for column in ("pixels", *columns) if column not in header]
        if missing:
            raise DataError(
                f"{path}: the header has no {' and no '.join(missing)}; it says {first.strip()[:80]!r}. "
                f"Expected: {','.join(('pixels', *columns))}, in any order."
            )
        place = header.index("pixels")
        values: dict[str, list[str]] = {column: [] for column in columns}
        spans: list[tuple[int, int]] = []
        for begin, end in lines:
            fields = text[begin:end].split(between)
            start = begin + sum(len(field) + len(between) for field in fields[:place])
            spans.append((start, start + len(fields[place])) if place < len(fields) else (end, end))
            for column in columns:
                at = header.index(column)
                cell = fields[at].decode(encoding, "replace") if at < len(fields) else ""
                values[column].append(cell.strip('" \r'))
    starts, ends = np.array(spans, dtype=np.int64).reshape(-1, 2).T
    return PixelTable(path, values, starts, ends, encoding)


def _lines(text: mmap.mmap, begin: int, newline: bytes) -> Iterator[tuple[int, int]]:
    """Where each line that is not blank begins and ends, from `begin` on."""
    while begin < len(text):
        end = text.find(newline, begin)
        end = len(text) if end < 0 else end
        if text[begin : min(end, begin + 4)].strip(b" \r\n\0"):
            yield begin, end
        begin = end + len(newline)


def _is_square(number: int) -> bool:
    return math.isqrt(number) ** 2 == number
