"""What lies in files, as SHA-256: hashed once, and remembered as long as nothing about a file changes."""

from __future__ import annotations

import contextlib
import hashlib
import sqlite3
import time
from collections.abc import Callable, Collection, Generator
from pathlib import Path

UNREADABLE = "unreadable"  # stands for the hash of a file that cannot be read
_KEPT_EVERY_S = 10.0  # work that an interruption costs at most

Identity = str  # of a file as it is now: device, inode, size, mtime and ctime in nanoseconds


def content_hashes(
    paths: Collection[Path],
    store: Path,
    *,
    remembered: bool = True,
    on_progress: Callable[[int, int], None] | None = None,
) -> dict[Path, str]:
    """The SHA-256, hexadecimal, of the content of each of `paths`; `UNREADABLE` where it cannot be read.

    `store` is an SQLite file in which hashes are remembered under device, inode, size, mtime and ctime in nanoseconds. What it
    says is believed where `remembered`. `on_progress` is told the bytes that are hashed and their number.
    """
    found: dict[Path, str] = {}
    with _opened(store) as known:
        unknown: dict[Path, tuple[Identity, int]] = {}
        for path in paths:
            identity = _identity(path)
            if identity is None:
                found[path] = UNREADABLE
            elif remembered and (digest := _recall(known, identity[0])):
                found[path] = digest
            else:
                unknown[path] = identity
        done, total = 0, sum(size for _, size in unknown.values())
        new: list[tuple[Identity, str]] = []
        kept_at = time.monotonic()
        for path, (identity, size) in unknown.items():
            found[path] = _hashed(path)
            if found[path] != UNREADABLE and _identity(path) == (identity, size):
                new.append((identity, found[path]))
            if time.monotonic() - kept_at > _KEPT_EVERY_S:
                new, kept_at = _keep(known, new), time.monotonic()
            done += size
            if on_progress is not None:
                on_progress(done, total)
        _keep(known, new)
    return found


def _identity(path: Path) -> tuple[Identity, int] | None:
    """What the store knows a file by, and its size in bytes."""
    try:
        stat = path.stat()
    except OSError:
        return None
    return f"{stat.st_dev} {stat.st_ino} {stat.st_size} {stat.st_mtime_ns} {stat.st_ctime_ns}", stat.st_size


def _hashed(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return UNREADABLE


def _keep(known: sqlite3.Connection, new: list[tuple[Identity, str]]) -> list[tuple[Identity, str]]:
    """Remember these hashes, and return those that are still to be; what cannot be is hashed again another time."""
    try:
        with known:
            known.executemany("INSERT OR REPLACE INTO hashes VALUES (?, ?)", new)
    except sqlite3.Error:  # another process writes, or the disk is full
        return new
    return []


def _recall(known: sqlite3.Connection, identity: Identity) -> str:
    row = known.execute("SELECT sha256 FROM hashes WHERE file = ?", (identity,)).fetchone()
    return row[0] if row else ""


@contextlib.contextmanager
def _opened(store: Path) -> Generator[sqlite3.Connection]:
    """The store, made where it is missing or damaged; in memory alone where it cannot be written or is in use for long."""
    known = _connected(store)
    try:
        yield known
    finally:
        known.close()


def _connected(store: Path) -> sqlite3.Connection:
    for _ in range(2):
        try:
            return _with_table(str(store))
        except sqlite3.OperationalError:  # in use for long, or not to be written
            break
        except sqlite3.DatabaseError:  # damaged
            store.unlink(missing_ok=True)
    return _with_table(":memory:")


def _with_table(place: str) -> sqlite3.Connection:
    known = sqlite3.connect(place, timeout=30)
    try:
        known.execute("CREATE TABLE IF NOT EXISTS hashes (file TEXT PRIMARY KEY, sha256 TEXT)")
        known.execute("SELECT sha256 FROM hashes LIMIT 1").fetchone()
    except sqlite3.Error:
        known.close()
        raise
    return known
