"""What a data set is: classes, samples with their subjects, folds by the published protocol, and a way to read frames."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np


class DataError(ValueError):
    """Something is wrong with the data a user gave; the message says what, where, and what is expected."""


@dataclass(frozen=True, kw_only=True)
class Sample:
    """One clip as it lies on disk.

    `label` indexes `Dataset.classes`; `subject` is `None` where the owners of the data name none; `paths` holds one video,
    or the frames in time order.
    """

    clip_id: str
    label: int
    subject: str | None
    paths: tuple[Path, ...]


@dataclass(frozen=True, kw_only=True)
class Fold:
    """Three sets of indices, disjoint by subject. `test` is never seen by an objective or a checkpoint choice."""

    train: tuple[int, ...]
    validation: tuple[int, ...]
    test: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class Dataset:
    """A data set found on disk.

    `read(sample)` yields RGB uint8 frames `(H, W, 3)` in time order and raises `DataError` for a clip that cannot be read.
    `folds` index `samples`.
    """

    name: str
    classes: tuple[str, ...]
    samples: list[Sample]
    folds: list[Fold]
    read: Callable[[Sample], Iterator[np.ndarray]]
