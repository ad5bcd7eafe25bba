"""Logs of the service that do not grow for ever: Ray turns its own over, those of the servers are turned over by `up`."""

from __future__ import annotations

import itertools
import os
import shutil
from pathlib import Path

MAX_BYTES, BACKUPS = 20 * 2**20, 3
# Of each file of Ray's.
OF_RAY = {"RAY_ROTATION_MAX_BYTES": str(MAX_BYTES), "RAY_ROTATION_BACKUP_COUNT": str(BACKUPS)}


def rotate(log: Path, max_bytes: int = MAX_BYTES, backups: int = BACKUPS) -> bool:
    """Where `log` has more than `max_bytes`, its content goes to `log.1`, and that of `log.1` to `log.2`; True where it did.

    A server may go on writing: it appends to the file that it has open, which is emptied and not replaced.
    """
    if not log.exists() or log.stat().st_size <= max_bytes:
        return False
    names = [log.with_name(f"{log.name}.{number}") for number in range(1, backups + 1)]
    for newer, older in reversed(list(itertools.pairwise(names))):
        if newer.exists():
            newer.replace(older)
    shutil.copy2(log, names[0])
    os.truncate(log, 0)
    return True
