"""What a data set is: classes, samples with their subjects, folds by the published protocol, and a way to read frames."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np

DRAWN_MARKER = "DRAWN.json"  # lies at the root of what this project has drawn

# Whether the faces of a data set are to be found in its frames, or its frames are face crops already.
Faces = Literal["find", "given"]


class DataError(ValueError):
    """Something is wrong with the data a user gave; the message says what, where, and what is expected."""


@dataclass(frozen=True, kw_only=True)
class Sample:
    """One clip as it lies on disk.

    `label` indexes `Dataset.classes`; `subject` is `None` where the owners of the data name none; `paths` holds one video,
    the frames in time order, or the table that the clip is a row of. `weight` is by how much it counts in training,
    `votes` how many annotators saw each of `Dataset.classes` in it; empty where that is not known. `cluster` is what a clip
    that names nobody is told from others by (`trainables/data/core/clusters.py`), where that is asked for.
    """

    clip_id: str
    label: int
    subject: str | None
    paths: tuple[Path, ...]
    weight: float = 1.0
    votes: tuple[float, ...] = ()
    cluster: str | None = None

    @property
    def unit(self) -> str:
        """Whom or what the clip counts for: its person, else its cluster, else itself."""
        return self.subject or self.cluster or self.clip_id


class Clusterer(Protocol):
    """What finds out, once faces are cropped, which clips show one face."""

    @property
    def settings(self) -> Mapping[str, Any]:
        """What its answers depend on, beside the faces."""
        ...

    @property
    def error(self) -> str:
        """How far it was measured to err, in words."""
        ...

    def clusters(self, clips: Sequence[np.ndarray], face_share: float) -> list[int]:
        """The cluster of each of `clips`, uint8 `(T, size, size, 3)`; the face fills `face_share` of the middle."""
        ...


@dataclass(frozen=True, kw_only=True)
class Fold:
    """Three sets of indices, disjoint by subject. `test` is never seen by an objective or a checkpoint choice."""

    train: tuple[int, ...]
    validation: tuple[int, ...]
    test: tuple[int, ...]


def require_disjoint(fold: Fold, subjects: Sequence[str], *, number: int, locked: Collection[str] = ()) -> None:
    """The leak guard: raises `DataError` naming a person whom two parts of fold `number`, or a part and `locked`, share.

    `subjects[i]` is the subject of clip i.
    """
    seen = dict.fromkeys(locked, "the holdout")
    for part in ("train", "validation", "test"):
        for name in {subjects[index] for index in getattr(fold, part)}:
            if name in seen:
                raise DataError(
                    f"Subject {name!r} is in {seen[name]} and in the {part} part of fold {number}: the model would be tested "
                    "on a person it has seen. Cut the folds by subject; a random cut by clip has the name "
                    "`random_leaky`."
                )
            seen[name] = f"the {part} part"


@dataclass(frozen=True, kw_only=True)
class Dataset:
    """A data set found on disk.

    `read(sample)` yields RGB uint8 frames `(H, W, 3)` in time order and raises `DataError` for a clip that cannot be read.
    `folds` index `samples`. `notes` are sentences about what is missing or was left out. `faces` says whether the faces
    are to be found or the frames are face crops as given; `crop_size` is the side in px at which crops are stored,
    margin included, where the data set has a size of its own; `cut_by_subject` that nobody published the folds, and
    each class is shown by two subjects at least. `cluster_by` says by what clips that name nobody are clustered, `""` where
    they are not; the `clusterer` finds the clusters where faces have to be seen first, and folds may be missing till then.
    """

    name: str
    classes: tuple[str, ...]
    samples: list[Sample]
    folds: list[Fold]
    read: Callable[[Sample], Iterator[np.ndarray]]
    notes: tuple[str, ...] = ()
    faces: Faces = "find"
    crop_size: int | None = None
    cut_by_subject: bool = False
    cluster_by: str = ""
    clusterer: Clusterer | None = None

    @property
    def drawn(self) -> bool:
        """Whether the faces are drawn: `DRAWN.json` lies in the folder that holds all files, or above it.

        Asked of the disk and not of the reader, so that no reader can forget to say it.
        """
        folders = {str(sample.paths[0].parent.absolute()) for sample in self.samples if sample.paths}
        if not folders:
            return False
        common = Path(os.path.commonpath(folders))
        return any((folder / DRAWN_MARKER).is_file() for folder in (common, *common.parents))
