"""From a data root, or none, to prepared faces."""

from __future__ import annotations

import csv
import dataclasses
import inspect
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

from search_spaces.core.study import Study
from trainables.core import files, lookup
from trainables.core.prepared.cache import prepare
from trainables.core.prepared.stored import Prepared
from trainables.data.core.dataset import DataError
from trainables.data.core.passed_over import not_here


class ClipListener(Protocol):
    """Whoever shows how far the preparation is."""

    def clip_prepared(self, done: int, total: int) -> None:
        """`done` of `total` clips were read and their faces looked for."""
        ...

    def prepared(self, prepared: Prepared) -> None:
        """The data is ready."""
        ...


def prepare_dataset(
    dataset: str, root: Path, home: Path, listener: ClipListener, *, keep_spelling: bool = False
) -> Prepared:
    """Find, crop and cache the faces of the data set at `root`; a second call finds the first one's work.

    `keep_spelling` keeps several spellings of a name apart, where the reader would take them for one.
    """
    load = lookup.load("trainables.data", dataset, "data set").load
    options = {"keep_spelling": True} if keep_spelling and _takes_spelling(load) else {}
    loaded = load(root, **options)
    notes = (*loaded.notes, *(f"not read: {note}" for note in not_here(loaded)))
    loaded = dataclasses.replace(loaded, notes=tuple(dict.fromkeys(notes)))
    prepared = prepare(loaded, home, on_progress=listener.clip_prepared)
    tell(prepared, listener)
    return prepared


def require_spelling(dataset: str) -> None:
    """Raises `ValueError` for a data set whose reader takes every name as it is, so that there is nothing to keep apart."""
    if not _takes_spelling(lookup.load("trainables.data", dataset, "data set").load):
        raise ValueError(
            f"{dataset}: its names are taken as they are, so that --keep-spelling changes nothing; it is for data of your "
            "own: clip_folder, clips_csv."
        )


def _takes_spelling(load: Callable[..., Any]) -> bool:
    return "keep_spelling" in inspect.signature(load).parameters


def tell(prepared: Prepared, listener: ClipListener) -> None:
    """Tell that the data is ready; the clips that were dropped are listed in a file beside it."""
    if prepared.dropped:
        path = prepared.folder / files.DROPPED
        temporary = path.with_suffix(f".{os.getpid()}.tmp")
        with temporary.open("w", newline="", encoding="utf-8", errors="backslashreplace") as file:
            rows = csv.writer(file)
            rows.writerow(("clip", "reason"))
            rows.writerows((clip.clip_id, clip.reason) for clip in prepared.dropped)
        temporary.replace(path)
    listener.prepared(prepared)


def kept_spelling(dataset: str, facts: Mapping[str, Any], asked: bool) -> bool:
    """Whether a study keeps several spellings of a name apart: as it was begun, else as is `asked`.

    Earlier versions always did. Raises `ValueError` where it is asked of a study that was begun without, or of a data set
    that knows no spellings.
    """
    if asked:
        require_spelling(dataset)
    if "dataset_fingerprint" not in facts:
        return asked
    kept = facts.get("keep_spelling", True)
    if asked and not kept:
        raise ValueError(
            "This study was begun with several spellings of a name taken for one: --keep-spelling would change its people. "
            "Go on without it, or begin another study."
        )
    return kept


def draw(study: Study, home: Path) -> Path:
    """The drawn copy of a study's data set, made where it is not there yet.

    A study of drawn faces is always drawn, a study of a real data set in a smoke run alone.
    Raises `DataError` saying what to give instead.
    """
    if not study.drawing:
        raise DataError(f"Study {study.name} needs the data set {study.dataset}: give its folder with --data-root DIR.")
    if study.dataset != "drawn_faces" and not study.is_smoke:
        raise DataError(
            f"Study {study.name} needs the data set {study.dataset}: give its folder with --data-root DIR, or see that all "
            "of it works on drawn faces in the same layout with --smoke."
        )
    root = home / files.DRAWN / study.name
    lookup.load("drawing.layouts", study.dataset, "drawn layout").write(root, **study.drawing)
    return root
