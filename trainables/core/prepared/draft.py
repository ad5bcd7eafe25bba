"""A preparation in work: the crops of the clips that are done, and a journal, by which it goes on if it is killed."""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from trainables.core import files
from trainables.core.prepared.frame_file import FrameWriter, frame_file

JOURNAL = "journal.jsonl"  # in the folder of a draft
SYNCED_EVERY_S = 2.0  # work that a loss of power costs at most


class Draft:
    """The clips of a data set that are done, in order: `rows` has what came of each, as `index.json` will tell it.

    Rows with `frames`, their number, have these in the frame file, one after another; the others were dropped.
    """

    def __init__(self, rows: list[dict[str, Any]], writer: FrameWriter, journal: BinaryIO) -> None:
        self.rows = rows
        self.num_frames = _num_frames(rows)
        self._writer, self._journal = writer, journal
        self._unwritten: list[bytes] = []
        self._synced_at = time.monotonic()

    def add(self, row: dict[str, Any], frames: np.ndarray | None = None) -> None:
        """One more clip is done, its `frames` uint8 `(T, size, size, 3)`, or none where it was dropped."""
        if frames is not None:
            self._writer.add(frames)
            self.num_frames += len(frames)
        self.rows.append(row)
        self._unwritten.append(json.dumps(row).encode() + b"\n")
        if time.monotonic() - self._synced_at > SYNCED_EVERY_S:
            self.sync()

    def sync(self) -> None:
        """Frames first: a row in the journal says that they are on the disk."""
        self._writer.sync()
        self._journal.write(b"".join(self._unwritten))
        os.fsync(self._journal.fileno())
        self._unwritten, self._synced_at = [], time.monotonic()


@contextlib.contextmanager
def open_draft(folder: Path, size: int, keys: Sequence[str]) -> Generator[Draft]:
    """The draft in `folder`, of frames of `size` px, new or gone on with; however the block ends, what is done is kept."""
    folder.mkdir(exist_ok=True)
    path = folder / JOURNAL
    rows, end = _read(folder, size, keys)
    if path.exists():
        os.truncate(path, end)
    with (
        path.open("ab", buffering=0) as journal,
        frame_file(folder / files.FRAMES, size, _num_frames(rows)) as writer,
    ):
        draft = Draft(rows, writer, journal)
        try:
            yield draft
        except BaseException:
            with contextlib.suppress(OSError):
                draft.sync()
            raise
        draft.sync()


def journaled(folder: Path, size: int) -> list[dict[str, Any]]:
    """What the journal says is done, as far as the frames of `size` px are there; another process may be writing it."""
    return _read(folder, size)[0]


def _read(folder: Path, size: int, keys: Sequence[str] | None = None) -> tuple[list[dict[str, Any]], int]:
    """The rows whose frames are there, of clips of these `keys` in turn, and where in the journal they end."""
    path = folder / JOURNAL
    content = path.read_bytes() if path.exists() else b""
    stored = (folder / files.FRAMES).stat().st_size if (folder / files.FRAMES).exists() else 0
    rows, end, num_frames = [], 0, 0
    for line in content.splitlines(keepends=True):
        try:
            row = json.loads(line) if line.endswith(b"\n") else None
        except ValueError:
            row = None
        num_frames += row.get("frames", 0) if row else 0
        if row is None or (keys is not None and row["key"] not in keys[len(rows) : len(rows) + 1]):
            break
        if num_frames * size**2 * 3 > stored:
            break
        rows.append(row)
        end += len(line)
    return rows, end


def _num_frames(rows: list[dict[str, Any]]) -> int:
    return sum(row.get("frames", 0) for row in rows)
