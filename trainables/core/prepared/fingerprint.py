"""The fingerprint of a data set: equal for the same data at another path, different once anything about it changes."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

from trainables.data.core.dataset import DataError, Dataset

FORMAT_VERSION = 1  # raise it when the layout of a cache, or what goes into one, changes
PROBE_BYTES = 64 * 1024  # read from either end of a file; whole data sets would take minutes


def fingerprint_of(dataset: Dataset, settings: dict[str, Any]) -> str:
    """A hexadecimal SHA-256 over the name, classes, clips, folds and files of `dataset` and over `settings`.

    A file counts by its name relative to what all files have in common, its size, and its first and last 64 KiB.
    A file that cannot be read counts as unreadable: whether its clip is dropped is not decided here.
    Raises `DataError` for a data set without clips.
    """
    if not dataset.samples:
        raise DataError(f"{dataset.name}: the data set has no clips.")
    parents = {str(path.parent) for sample in dataset.samples for path in sample.paths}
    root = os.path.commonpath(parents) if parents else ""
    digest = hashlib.sha256()
    header = {
        "format": FORMAT_VERSION,
        "name": dataset.name,
        "classes": dataset.classes,
        "settings": settings,
        "folds": [[fold.train, fold.validation, fold.test] for fold in dataset.folds],
    }
    digest.update(json.dumps(header, sort_keys=True).encode())
    probes: dict[Path, str] = {}  # a table such as fer2013.csv is the file of all its clips
    for sample in dataset.samples:
        for path in sample.paths:
            if path not in probes:
                probes[path] = _probe(path)
        files = [(os.path.relpath(path, root), probes[path]) for path in sample.paths]
        digest.update(json.dumps([sample.clip_id, sample.label, sample.subject, files]).encode())
    return digest.hexdigest()


def _probe(path: Path) -> str:
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            content = hashlib.sha256(file.read(PROBE_BYTES))
            if size > PROBE_BYTES:
                file.seek(max(size - PROBE_BYTES, PROBE_BYTES))
                content.update(file.read(PROBE_BYTES))
    except OSError:
        return "unreadable"
    return f"{size}:{content.hexdigest()}"
