"""What is left of prepared data when somebody withdrew: who else may be the same person, and the splits without him."""

from __future__ import annotations

import contextlib
from pathlib import Path

import numpy as np

from trainables.core import files
from trainables.core.prepared.splits import Sides, Splits, load_splits, prepared_then
from trainables.core.prepared.stored import Prepared, open_prepared
from trainables.core.prepared.withdrawn import Held, read_index
from trainables.data.core.dataset import DataError, Fold


def fingerprints_of(folder: Path) -> set[str]:
    """All fingerprints that the data in `folder` has and had; none where it cannot be read."""
    with contextlib.suppress(DataError):
        index = read_index(folder)
        return {index["fingerprint"], *index.get("earlier", {})}
    return set()


def former_data(home: Path, fingerprint: str) -> Path | None:
    """The folder of the data that had this fingerprint before somebody withdrew; `None` where there is none."""
    folders = sorted((home / files.PREPARED).glob("[!.]*-*"))
    return next((folder for folder in folders if fingerprint in read_earlier(folder)), None)


def read_earlier(folder: Path) -> dict[str, list[int]]:
    """By the fingerprints that the data in `folder` had before, at which index each of its clips was."""
    with contextlib.suppress(DataError):
        return read_index(folder).get("earlier", {})
    return {}


def require_nobody_back(home: Path, fingerprint: str) -> None:
    """Raises `DataError` for data that is as it was before somebody withdrew."""
    if (folder := former_data(home, fingerprint)) is not None:
        raise DataError(
            f"Somebody who withdrew (`forget`) is in this data again. Delete these clips first, or {folder}, which was made "
            "without them."
        )


def remaining(home: Path, splits: Splits) -> tuple[Prepared, Splits] | None:
    """The data that `splits` were cut for as it is since people withdrew, and the splits of it; `None` where nobody did.

    A fold may lack a part then: these are to tell who was held out, not to train on. Raises `DataError` where that data is
    damaged.
    """
    folder = former_data(home, splits.fingerprint)
    if folder is None:
        return None
    now = {was: index for index, was in enumerate(read_earlier(folder)[splits.fingerprint])}

    def left(indices: tuple[int, ...]) -> tuple[int, ...]:
        return tuple(now[index] for index in indices if index in now)

    prepared = open_prepared(folder)
    folds = tuple(
        Fold(train=left(fold.train), validation=left(fold.validation), test=left(fold.test)) for fold in splits.folds
    )
    return prepared, Splits(
        fingerprint=prepared.fingerprint, holdout=left(splits.holdout), folds=folds, leaky=splits.leaky
    )


def data_then(home: Path, splits: Splits) -> tuple[Prepared, Splits] | None:
    """The faces that `splits` were cut for, and these, both without whoever withdrew since; `None` where they are gone."""
    found = prepared_then(home, splits.fingerprint)
    return (found, splits) if found is not None else remaining(home, splits)


def former_sides(study: Path, home: Path) -> Sides:
    """The sides of everybody in data that a study has gone on from, as far as their faces are still in `home`."""
    found = Sides(held=frozenset(), free=frozenset())
    for path in sorted(study.glob(files.FORMER_SPLITS.format(fingerprint="*"))):
        if (then := data_then(home, load_splits(path))) is not None:
            found |= Sides.of(then[1], then[0])
    return found


def twins_of(held: Held) -> list[tuple[str, str]]:
    """Pairs of clips with the same frames, one of the person and one under another name; none where frames are damaged."""
    with contextlib.suppress(DataError):
        prepared = open_prepared(held.folder)
        lengths = np.diff(prepared.offsets)
        return [
            (prepared.clip_ids[mine], prepared.clip_ids[other])
            for mine in held.indices
            for other in np.flatnonzero((lengths == lengths[mine]) & (prepared.scores == prepared.scores[mine]))
            if other not in held.indices and _same_frames(prepared, mine, int(other))
        ]
    return []


def _same_frames(prepared: Prepared, one: int, other: int) -> bool:
    first, second = (prepared.frames[prepared.offsets[i] : prepared.offsets[i + 1]] for i in (one, other))
    return bool(np.array_equal(first[0], second[0]) and np.array_equal(first, second))
