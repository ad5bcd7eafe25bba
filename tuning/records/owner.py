"""Who writes a ledger: the process that signs beside it."""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import fcntl
import json
import os
from collections.abc import Generator
from pathlib import Path

from filelock import FileLock, Timeout

from trainables.core import files
from tuning.records.home import IN_JOB

TAKEN = (errno.EACCES, errno.EAGAIN)  # what `flock` says where another process holds the lock


@dataclasses.dataclass(frozen=True, kw_only=True)
class Owner:
    """The process that writes a ledger; `job` is the id that `ray job submit` gave it, `""` outside a Ray job."""

    pid: int
    host: str
    job: str = ""

    @classmethod
    def this(cls) -> Owner:
        """This process, with the Ray job that it is the driver of."""
        config = json.loads(os.environ.get(IN_JOB, "{}"))
        job = (config.get("metadata") or {}).get("job_submission_id", "")
        return cls(pid=os.getpid(), host=os.uname().nodename, job=job)

    def sign(self, folder: Path) -> None:
        """Say beside the ledger in `folder` who writes it."""
        (folder / files.OWNER).write_text(json.dumps(dataclasses.asdict(self)))

    def __str__(self) -> str:
        return f"process {self.pid} on {self.host}" + (f" (Ray job {self.job})" if self.job else "")


def read_owner(folder: Path) -> Owner | None:
    """Who writes, or wrote last, the ledger in `folder`; `None` where that cannot be told."""
    try:
        return Owner(**json.loads((folder / files.OWNER).read_text()))
    except (OSError, ValueError, TypeError):
        return None


def is_written(folder: Path) -> bool:
    """Whether some process writes the ledger in `folder`, whose lock may have been deleted."""
    return is_locked(folder / files.LOCK) or _is_held(folder / files.LEDGER)


def is_locked(path: Path) -> bool:
    """Whether some process, this one too, holds the lock at `path`."""
    if not path.exists():
        return False
    try:
        with FileLock(path).acquire(timeout=0):
            return False
    except Timeout:
        return True


def _is_held(path: Path) -> bool:
    """Whether some process, this one too, holds the file at `path` itself (`LedgerFile`)."""
    try:
        with path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError as error:  # where there is no file, or no such lock on its disk, nobody holds it
        return error.errno in TAKEN
    return False


@contextlib.contextmanager
def locked(folder: Path) -> Generator[None]:
    """Nobody else writes the ledger in `folder` meanwhile. Raises `ValueError` where somebody does."""
    lock = FileLock(folder / files.LOCK)
    try:
        lock.acquire(timeout=0)
        if _is_held(folder / files.LEDGER):
            lock.release()
            raise Timeout(str(folder / files.LEDGER))
    except Timeout:
        who = read_owner(folder) or "another process"
        raise ValueError(
            f"Study {folder.name} is running: {who} writes {folder / files.LEDGER}. End it with `stop {folder.name}` first."
        ) from None
    try:
        yield
    finally:
        lock.release()
