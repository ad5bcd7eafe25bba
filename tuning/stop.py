"""`stop`: end a study from another shell. Its driver saves the ledger, and `--resume` goes on."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import psutil

from trainables.core import files
from tuning.records.home import Named, home_of, known_studies, name_of, not_begun
from tuning.records.owner import Owner, is_written, read_owner


def stop(study: str | Named, *, home: str | Path | None = None, patience_s: float = 30.0) -> Owner:
    """Ask the driver of `study` to end, as Ctrl-C would, and wait until it let go of its ledger; returns who it was.

    Raises `ValueError` for a study that does not run, or whose driver is on another machine or another person's, and
    `TimeoutError` where it still runs after `patience_s`.
    """
    place, study = home_of(home), name_of(study)
    folder = place / study
    # One that finds its faces has no event yet.
    running = folder.parent == place and (folder / files.LEDGER).exists() and is_written(folder)
    if not running and study not in known_studies(place):
        raise not_begun(place, study)
    if not running:
        raise ValueError(f"Study {study} is not running: no process writes {folder / files.LEDGER}.")
    owner = _owner(folder)
    if owner is None:
        raise ValueError(f"Study {study} is running, but {folder / files.OWNER} does not name its process.")
    if owner.host != os.uname().nodename:
        how = f"`ray job stop {owner.job}`" if owner.job else f"`kill {owner.pid}` there"
        raise ValueError(f"Study {study} is run by {owner}, and this is {os.uname().nodename}: use {how}.")
    try:
        os.kill(owner.pid, signal.SIGTERM)
    except ProcessLookupError:  # it ended by itself, just now
        pass
    except PermissionError:
        raise ValueError(
            f"Study {study} is run by {owner}, which belongs to another user: only they can stop it."
        ) from None
    deadline = time.monotonic() + patience_s
    while is_written(folder):
        if time.monotonic() > deadline:
            raise TimeoutError(f"Study {study} still runs {patience_s:g} s after it was asked to end: {owner}.")
        time.sleep(0.2)
    return owner


def _owner(folder: Path) -> Owner | None:
    """Who writes the ledger in `folder`, whose lock is held.

    Between taking the lock and signing for it the driver before this one is still named, and its number may be a
    stranger's by now: a process here counts if it began before it signed.
    """
    deadline = time.monotonic() + 2
    while time.monotonic() < deadline:
        owner = read_owner(folder)
        if owner and (owner.host != os.uname().nodename or _signed(owner, folder / files.OWNER)):
            return owner
        time.sleep(0.05)
    return None


def _signed(owner: Owner, path: Path) -> bool:
    try:
        began = psutil.Process(owner.pid).create_time()  # known to a tick of the kernel's clock
        return began <= path.stat().st_mtime + 1
    except (psutil.Error, OSError):
        return False
