"""The fingerprint of a data set: equal for the same data at another path, different once anything about it changes."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from trainables.data.core.dataset import DataError, Dataset

FORMAT_VERSION = 2  # raise it when the layout of a cache, or what goes into one, changes


def fingerprint_of(dataset: Dataset, settings: dict[str, Any], content: Mapping[Path, str]) -> str:
    """A hexadecimal SHA-256 over the name, classes, clips, clusters, folds and files of `dataset` and over `settings`.

    A file counts by its name relative to what all files have in common, and by its `content`, the hash of all of it.
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
        **({"clusters": dict(dataset.clusterer.settings)} if dataset.clusterer else {}),
    }
    digest.update(json.dumps(header, sort_keys=True).encode())
    for sample in dataset.samples:
        files = [(os.path.relpath(path, root), content[path]) for path in sample.paths]
        weight = [sample.weight] if sample.weight != 1 else []
        more = [*weight, *([sample.votes] if sample.votes else []), *([sample.cluster] if sample.cluster else [])]
        digest.update(json.dumps([sample.clip_id, sample.label, sample.subject, files, *more]).encode())
    return digest.hexdigest()


def clip_keys(dataset: Dataset, settings: dict[str, Any], content: Mapping[Path, str]) -> list[str]:
    """For each clip what its crops depend on, as a hash: a clip of the same key in other prepared data has the same crops."""
    shared = json.dumps([FORMAT_VERSION, dataset.name, settings], sort_keys=True).encode()
    keys = []
    for sample in dataset.samples:
        own = json.dumps([sample.clip_id, [content[path] for path in sample.paths]]).encode()
        keys.append(hashlib.sha256(shared + own).hexdigest()[:32])
    return keys
