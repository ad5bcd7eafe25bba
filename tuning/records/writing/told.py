"""What to say to who reads a ledger while something is the matter with it."""

from __future__ import annotations

from pathlib import Path

from trainables.core import files
from tuning.records.owner import is_written, read_owner


def damage(path: Path, number: int, error: Exception, *, ours: bool) -> str:
    """A ledger that cannot be read from line `number` on: whether somebody writes it anew, or a copy is needed, as where it is
    `ours` to write.
    """
    if not ours and is_written(path.parent):
        return f"{path} is damaged in line {number}, {_is_mended(path.parent)}"
    return f"{path} is damaged in line {number}: {error}. Restore it from a copy."


def gone(folder: Path) -> str:
    """A sentence on a study whose ledger was deleted or emptied while it runs; `""` where that is not so."""
    path = folder / files.LEDGER
    is_empty = not path.exists() or (path.stat().st_size == 0 and (folder / files.TRIALS).exists())
    return f"{path} is gone, or empty, {_is_mended(folder)}" if is_empty and is_written(folder) else ""


def _is_mended(folder: Path) -> str:
    who = read_owner(folder) or "another process"
    return f"while {who} writes it, which writes it anew within seconds. Nothing is lost; try again in a moment."
