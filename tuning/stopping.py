"""Stopping a study from another shell: its driver is told, saves its ledger, and what it half did is resumable."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

from filelock import FileLock, Timeout

from tuning.ledger import Owner, read_owner
from tuning.overview import known_studies, not_begun


def stop(home: Path, study: str, *, patience_s: float = 30.0) -> Owner:
    """Ask the driver of `study` to end, as Ctrl-C would, and wait until it let go of its ledger; returns who it was.

    Raises `ValueError` for a study that does not run, or whose driver is on another machine, and `TimeoutError` where it
    still runs after `patience_s`.
    """
    folder = home / study
    if study not in known_studies(home):
        raise not_begun(home, study)
    if not _is_written(folder):
        raise ValueError(f"Study {study} does not run: nobody writes {folder / 'ledger.jsonl'}.")
    owner = read_owner(folder)
    if owner is None:
        raise ValueError(f"Study {study} runs, but {folder / 'ledger.owner'} does not tell as which process.")
    if owner.host != os.uname().nodename:
        how = f"`ray job stop {owner.job}`" if owner.job else f"`kill {owner.pid}` there"
        raise ValueError(f"Study {study} is run by {owner}, and this is {os.uname().nodename}: use {how}.")
    os.kill(owner.pid, signal.SIGTERM)
    deadline = time.monotonic() + patience_s
    while _is_written(folder):
        if time.monotonic() > deadline:
            raise TimeoutError(f"Study {study} still runs {patience_s:g} s after it was asked to end: {owner}.")
        time.sleep(0.2)
    return owner


def _is_written(folder: Path) -> bool:
    try:
        with FileLock(folder / "ledger.lock").acquire(timeout=0):
            return False
    except Timeout:
        return True
