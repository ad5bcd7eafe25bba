"""What may go from a home, and how much it frees; of that, what interrupted work left over."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterator
from pathlib import Path

from trainables.core import files
from trainables.core.prepared.stored import lock_path
from tuning.records.home import known_studies
from tuning.records.owner import is_locked, is_written

ABANDONED_AFTER_S = 3600.0  # a drawing takes minutes, and has no lock
REMOVED = ".removed"  # how the name of a study's folder ends while it goes


@dataclasses.dataclass(frozen=True, kw_only=True)
class Part:
    """One thing that may go: `what` it is (a path in the home, or a run of MLflow), why, and the bytes that it takes."""

    what: str
    reason: str
    num_bytes: int


def left_over(home: Path, *, ours: Path | None = None) -> list[Path]:
    """Files and folders under `home` that interrupted work left half done, and damaged ones that were set aside.

    What is behind a lock that somebody holds is none of them, unless the lock is `ours`.
    """
    return sorted({*_of_data(home, ours), *_of_studies(home, ours)})


def num_bytes(path: Path) -> int:
    """What the file or folder at `path` takes on the disk, links not followed; 0 where there is none."""
    if path.is_dir() and not path.is_symlink():
        return sum(num_bytes(found) for found in path.iterdir())
    try:
        return path.lstat().st_size
    except FileNotFoundError:
        return 0


def _of_data(home: Path, ours: Path | None) -> Iterator[Path]:
    prepared = home / files.PREPARED
    drafts = {draft: prepared / draft.name[1:].rsplit(".", 2)[0] for draft in prepared.glob(".*.tmp")}
    drafts |= {
        draft: prepared / draft.name[1 : -len(".part")] for draft in prepared.glob(files.DRAFT.format(folder="*"))
    }
    drafts |= {
        derived: derived.parent for kind in ("frames", "features") for derived in prepared.glob(f"*/{kind}_*.tmp")
    }
    for draft, folder in drafts.items():
        if lock_path(folder) == ours or not is_locked(lock_path(folder)):
            yield draft
    for drawing in (home / files.DRAWN).glob(".*.drawing-*"):
        if time.time() - max(found.lstat().st_mtime for found in (drawing, *drawing.rglob("*"))) > ABANDONED_AFTER_S:
            yield drawing


def _of_studies(home: Path, ours: Path | None) -> Iterator[Path]:
    yield from home.glob(f".*{REMOVED}")
    for study in known_studies(home):
        folder = home / study
        if folder / files.LOCK == ours or not is_written(folder):
            yield from folder.glob("*.tmp")
            yield from (folder / files.TRIALS).glob("*/*.tmp")
            yield from (folder / files.TRIALS).glob(f"*/{files.DAMAGED}*")
