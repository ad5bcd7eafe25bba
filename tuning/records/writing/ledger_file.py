"""The file of a ledger in the hands of its only writer, who undoes what others do to it meanwhile (docs/decisions/0038).

The writer holds two locks: that of `files.LOCK`, and one on the ledger itself. So a second writer is refused although one of
the two files was deleted, and whoever deletes both is noticed.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

from filelock import FileLock, Timeout

from trainables.core import files
from tuning.records.owner import TAKEN, Owner, read_owner

PATIENCE_S = 0.5  # for a lock: whoever only looks holds one for an instant


class StudyBusy(RuntimeError):
    """Another process writes this study's ledger; the message names it."""


class StudyVanished(OSError):
    """The folder of a study was deleted while it ran; its ledger is there again, and nothing else."""


class LedgerFile:
    """`ledger.jsonl` in `folder`, open for appending, and locked. Not thread-safe.

    Opening raises `StudyBusy` where another process writes it. `vanished` is a sentence once the whole folder was.
    """

    def __init__(self, folder: Path) -> None:
        self.folder, self.path, self._lock_path = folder, folder / files.LEDGER, folder / files.LOCK
        self.vanished = ""
        self._lock = self._locked()
        try:
            self._file = self._held(self.path)
            self._size = os.fstat(self._file.fileno()).st_size
            Owner.this().sign(folder)
        except BaseException:
            self._lock.release()
            raise
        self._lock_inode = _inode(self._lock_path)

    def cut_torn_line(self) -> None:
        """A writer that died left half a line: what stands after the last newline goes."""
        content = self.path.read_bytes()
        self._size = content.rfind(b"\n") + 1
        if self._size != len(content):
            os.truncate(self._file.fileno(), self._size)

    def append(self, line: bytes) -> None:
        """All of `line` or nothing: half of it, left by a full disk, would spoil the line after it."""
        end = os.fstat(self._file.fileno()).st_size
        rest = line
        try:
            while rest:
                rest = rest[self._file.write(rest) :]
        except OSError:
            os.truncate(self._file.fileno(), end)
            raise
        self._size += len(line)

    def sync(self) -> None:
        """What was appended is on the disk when this returns."""
        os.fsync(self._file.fileno())

    def close(self) -> None:
        """Let others write."""
        self._file.close()
        self._lock.release()

    def mend(self, content: Callable[[], bytes]) -> str:
        """See that the ledger, its lock and its owner are those of this process; a sentence on what was not, else `""`.

        Where others changed the ledger it is written anew from `content`, as a whole or not at all; what stood there, unless
        it is the beginning of that, is kept beside it. Raises `StudyBusy` where meanwhile another process took the study.
        """
        was_there = self.folder.is_dir()
        if not was_there:
            self.folder.mkdir(parents=True)
        self._keep_lock()
        what = self._changed()
        if what:
            aside = self._write_anew(content())
            if not was_there:
                self.vanished = (
                    f"{self.folder} was deleted while its study ran. Its ledger is written anew, with all that happened; "
                    "checkpoints, weights and predictions are gone. `run` with --resume goes on with what is left."
                )
            what = f"{self.path} {what} while its study ran, and is written anew, with every event.{aside}"
        if read_owner(self.folder) != Owner.this():
            Owner.this().sign(self.folder)
        return what

    def _changed(self) -> str:
        """What others did to the ledger, as the end of a sentence; `""` for nothing."""
        found = _inode(self.path)
        if found is None:
            return "was deleted"
        if found != _inode(self._file.fileno()):
            return "was replaced"
        size = os.stat(self.path).st_size
        if size == self._size:
            return ""
        return "was cut" if size < self._size else "was written to by somebody else"

    def _write_anew(self, whole: bytes) -> str:
        """Put `whole` in the ledger's place; a sentence, after a blank, on where that lies which stood there."""
        try:
            found = self.path.read_bytes()
        except FileNotFoundError:
            found = b""
        if _first_event(found) not in (None, _first_event(whole)):
            raise StudyBusy(
                f"{self.path} is another study's by now: it was begun anew while this process ran it. What this process has "
                "done since is lost there; run it under another name."
            )
        aside = self.folder / files.DAMAGED_LEDGER
        keeps = not whole.startswith(found)
        temporary = self.path.with_name(f"{self.path.name}.{os.getpid()}.tmp")
        try:
            temporary.unlink(missing_ok=True)
            anew = self._held(temporary)
            rest = whole
            while rest:
                rest = rest[anew.write(rest) :]
            os.fsync(anew.fileno())
            if keeps:
                aside.write_bytes(found)
            temporary.replace(self.path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        self._file.close()
        self._file, self._size = anew, len(whole)
        return f" What stood there is kept as {aside.name}." if keeps else ""

    def _keep_lock(self) -> None:
        if _inode(self._lock_path) == self._lock_inode:
            return
        fresh = self._locked()
        self._lock.release()
        self._lock, self._lock_inode = fresh, _inode(self._lock_path)

    def _locked(self) -> FileLock:
        lock = FileLock(self._lock_path, thread_local=False)
        try:
            lock.acquire(timeout=PATIENCE_S)
        except Timeout:
            raise self._busy() from None
        return lock

    def _held(self, path: Path) -> IO[bytes]:
        """The file at `path` for appending, locked."""
        file = path.open("ab", buffering=0)
        deadline = time.monotonic() + PATIENCE_S
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return file
            except OSError as error:
                if error.errno not in TAKEN:  # a disk without such locks: that of `files.LOCK` is all there is
                    return file
            if time.monotonic() > deadline:
                file.close()
                raise self._busy()
            time.sleep(0.02)

    def _busy(self) -> StudyBusy:
        who = read_owner(self.folder) or "another process"
        return StudyBusy(f"Study {self.folder.name} is already running: {who} writes {self.path}.")


def _inode(place: Path | int) -> tuple[int, int] | None:
    with contextlib.suppress(FileNotFoundError):
        found = os.stat(place)
        return found.st_dev, found.st_ino
    return None


def _first_event(content: bytes) -> Any:
    """`None` where there is none that can be read."""
    with contextlib.suppress(ValueError):
        return json.loads(content.partition(b"\n")[0])
    return None
