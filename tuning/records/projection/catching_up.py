"""Studies whose driver was killed: MLflow is told by whoever looks next, as nobody could tell it then."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterable
from pathlib import Path

from trainables.core import files
from tuning.records.home import known_studies
from tuning.records.ledger import Ledger
from tuning.records.mlflow_client import database_path, default_uri, shown_uri, silence
from tuning.records.moved_home import open_store
from tuning.records.owner import is_written
from tuning.records.projection.mark import Mark
from tuning.records.projection.projection import Projection, store_of


def left_open(home: Path, studies: Iterable[str] | None = None) -> list[str]:
    """Those of `studies`, else of all in `home`, that nobody runs and that MLflow may still show as running.

    Told by their marks: neither MLflow nor a ledger is read.
    """
    uri = default_uri(home)
    database = database_path(uri)
    if database is not None and not database.exists():
        return []
    wanted = None if studies is None else set(studies)
    names = [name for name in known_studies(home) if wanted is None or name in wanted]
    return [name for name in names if _is_left(home / name, (store_of(uri, home), shown_uri(uri)))]


def catch_up(home: Path, studies: Iterable[str] | None = None, *, patience_s: float = 10.0) -> list[str]:
    """Write to MLflow what it lacks of those that are `left_open`, their end above all; the names of those that it knows now.

    Those that MLflow does not take within `patience_s`, or whose ledger cannot be read, stay for the next time.
    """
    found, deadline = [], time.monotonic() + patience_s
    waiting = left_open(home, studies)
    if not waiting or silence(default_uri(home)):
        return []
    for name in waiting:
        with contextlib.suppress(Exception):  # whatever MLflow raises: the mark stays open
            if time.monotonic() < deadline and _caught_up(home, name, open_store(home), deadline):
                found.append(name)
    return found


def _is_left(folder: Path, stores: tuple[str, str]) -> bool:
    mark = Mark.read(folder)
    lost = mark is None and (folder / files.TRACKED_LOCK).exists()
    return (lost or (mark is not None and mark.is_open and mark.uri in stores)) and not is_written(folder)


def _caught_up(home: Path, name: str, uri: str, deadline: float) -> bool:
    projection = Projection(Ledger.read(home / name), uri, home, drives=False)
    while projection.is_behind and time.monotonic() < deadline:
        projection.write()
    if projection.is_open:
        projection.end()
    return not projection.is_behind
