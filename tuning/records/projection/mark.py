"""The mark beside a ledger: how many of its events MLflow has, and whether a run of it may still be open there."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
from pathlib import Path

from trainables.core import files


@dataclasses.dataclass(frozen=True, kw_only=True)
class Mark:
    """`uri` is the store without a password, `ledger` the `uid` of the ledger that the first `position` events are of.

    `is_open` says that a run may be RUNNING there: it is written before the first one is, and taken back after the last
    has ended. One of an earlier version does not say, and counts as open.
    """

    uri: str
    ledger: str
    position: int = 0
    is_open: bool = True

    @classmethod
    def read(cls, folder: Path) -> Mark | None:
        """The mark in a study's folder; `None` where there is none that can be read, which costs time only."""
        try:
            stored = json.loads((folder / files.TRACKED).read_text())
            position, is_open = int(stored["position"]), bool(stored.get("is_open", True))
            return cls(uri=stored["uri"], ledger=stored["ledger"], position=position, is_open=is_open)
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def write(self, folder: Path) -> None:
        """Whole or not at all; where the disk refuses, MLflow is only asked once more."""
        temporary = folder / f"{files.TRACKED}.{os.getpid()}.tmp"
        with contextlib.suppress(OSError):
            try:
                temporary.write_text(json.dumps(dataclasses.asdict(self)))
                temporary.replace(folder / files.TRACKED)
            finally:
                temporary.unlink(missing_ok=True)
