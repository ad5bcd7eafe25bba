"""Prepared data as it lies on the disk, opened for reading. It needs none of what finds faces or reads data sets.

A prepared data set is a folder `<storage>/prepared/<data set>-<fingerprint>/` with `frames.npy` (uint8
`(num_frames, H, W, 3)`, the clips one after another), `index.json` (which frames belong to which clip, and all that is
known about it) and, once asked for, `frames_<pixels>.npy` (the same frames at another size).
"""

from __future__ import annotations

import contextlib
import csv
import json
import math
import os
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import cv2
import numpy as np
from filelock import FileLock

from trainables.core import files
from trainables.core.faces.crops import MARGIN
from trainables.core.faces.ways import EARLIEST
from trainables.core.faces.ways import KEY as CROPPING
from trainables.core.prepared.frame_file import frame_file, map_frames, nothing_half_written
from trainables.data.core.dataset import DataError, Faces, Fold

# What `index.json` holds for each clip in turn, for each dropped clip, and of the data as a whole. Whoever takes clips out
# goes by this. `earlier` tells, by the fingerprints that the data had before, at which index each clip was.
PER_CLIP = (
    "clip_ids",
    "subjects",
    "clusters",
    "groups",
    "labels",
    "weights",
    "votes",
    "scores",
    "faces_found",
    "keys",
    "hashes",
    "told",
)
PER_DROPPED = ("dropped", "dropped_keys")
OF_ALL = (
    "name",
    "classes",
    "offsets",
    "folds",
    "faces",
    "notes",
    "fingerprint",
    "settings",
    "face_size",
    "drawn",
    "version",
    "cluster_by",
    "cluster_error",
    "earlier",
)


@dataclass(frozen=True)
class Dropped:
    """A clip that cannot be used, and why."""

    clip_id: str
    reason: str


@dataclass(frozen=True)
class Prepared:
    """A prepared data set, its frames mapped from disk.

    Clip i has the label `labels[i]` (int64) and the frames `frames[offsets[i]:offsets[i + 1]]`, uint8 `(T, H, W, 3)`;
    `folds` index the kept clips; `dropped` names the clips left out, with reasons; `scores` are mean detection
    probabilities; `faces_found` counts, per clip, the frames in which the face was found among those looked at.
    `face_size` is the largest `image_size` in px that networks can read of it, the frames' side without its margin; of data
    that an earlier version prepared it is the whole side.
    `faces` says whether the faces were found or given as crops, `cropping` in which way found ones were cropped, `drawn`
    whether they are drawn, `notes` what the reader of the data set said about this copy, and how many clips show several
    faces, lack frames and so on; `told` is what is told of each clip (`trainables/core/prepared/told.py`), `weights` by how
    much it counts in training, `votes` how many annotators saw each class in it (empty where that is not known; `()` where
    it is known of no clip), and `hashes` are those of its frames; earlier versions kept none of these. `clusters` stand for
    people in clips that name nobody, told apart as `cluster_by` says; `()` and `""` where nobody asked for any.
    `cluster_error` tells how far they were measured to be wrong, where that was measured.
    """

    folder: Path
    name: str
    fingerprint: str
    classes: tuple[str, ...]
    clip_ids: list[str]
    subjects: list[str | None]
    labels: np.ndarray
    offsets: np.ndarray
    frames: np.ndarray
    folds: list[Fold]
    dropped: list[Dropped]
    scores: np.ndarray
    faces_found: np.ndarray
    face_size: int
    faces: Faces = "find"
    cropping: str = EARLIEST
    drawn: bool = False
    notes: tuple[str, ...] = ()
    told: tuple[dict[str, Any], ...] = ()
    groups_given: tuple[str, ...] = ()
    hashes: tuple[str, ...] = ()
    weights: tuple[float, ...] = ()
    votes: tuple[tuple[float, ...], ...] = ()
    clusters: tuple[str | None, ...] = ()
    cluster_by: str = ""
    cluster_error: str = ""

    @property
    def groups(self) -> list[str]:
        """Whom the clips are cut by: their subjects, where people who share a file are one."""
        return list(self.groups_given) or self.subject_ids

    @property
    def subject_ids(self) -> list[str]:
        """The subject of each clip; one whose subject is unknown counts for its cluster, or stands for itself."""
        clusters = self.clusters or (None,) * len(self.clip_ids)
        named = zip(self.subjects, clusters, self.clip_ids, strict=True)
        return [subject or cluster or clip for subject, cluster, clip in named]

    @property
    def names(self) -> list[tuple[str, ...]]:
        """What the subject of each clip is called: by one name, or by its cluster and by the clip."""
        own = zip(self.subjects, self.subject_ids, self.clip_ids, strict=True)
        return [(unit,) if subject or unit == clip else (unit, clip) for subject, unit, clip in own]

    @property
    def units(self) -> Literal["people", "clusters", "clips"]:
        """What `subject_ids` are: people where all are named, else clusters where the others have one, else clips."""
        clusters = self.clusters or (None,) * len(self.clip_ids)
        if all(self.subjects):
            return "people"
        return "clusters" if all(map(any, zip(self.subjects, clusters, strict=True))) else "clips"

    def __len__(self) -> int:
        return len(self.clip_ids)

    @property
    def crop_size(self) -> int:
        """The side in px of the stored frames."""
        return self.frames.shape[1]

    def at_size(self, pixels: int) -> np.ndarray:
        """All frames area-resized to `pixels`, `(num_frames, pixels, pixels, 3)`; the stored ones where not smaller.

        Derived once and kept beside the cache, so that all trials map the same file.
        """
        if pixels < 1:
            raise ValueError(f"Frames of {pixels} px; at least 1 is needed.")
        if pixels >= self.crop_size:
            return self.frames
        path = self.folder / files.FRAMES_AT.format(pixels=pixels)
        shape = (len(self.frames), pixels, pixels, 3)
        if (found := _mapped(path, shape)) is not None:
            return found
        with FileLock(lock_path(self.folder)):
            if (found := _mapped(path, shape)) is not None:
                return found
            for stale in self.folder.glob("frames_*.tmp"):  # nobody else writes here while the lock is held
                stale.unlink()
            temporary = self.folder / f"{path.name}.{uuid.uuid4().hex[:8]}.tmp"
            with nothing_half_written(temporary, lambda: math.prod(shape)):
                with frame_file(temporary, pixels) as writer:
                    for frame in self.frames:
                        writer.add(cv2.resize(frame, (pixels, pixels), interpolation=cv2.INTER_AREA)[None])
                os.replace(temporary, path)
        return map_frames(path, shape)

    def has_size(self, pixels: int) -> bool:
        """Whether `at_size(pixels)` finds its frames, and derives none."""
        return pixels >= self.crop_size or (self.folder / files.FRAMES_AT.format(pixels=pixels)).exists()

    def __reduce__(self) -> tuple[Any, ...]:
        return open_prepared, (self.folder,)  # sent to another process, the frames are mapped there, not copied


def open_prepared(folder: Path) -> Prepared:
    """The prepared data set in `folder`. Raises `DataError` where it is missing or damaged, with the fix."""
    if not (folder / files.INDEX).is_file():
        raise DataError(f"{folder}: no prepared data here ({files.INDEX} is missing). Run `prepare` for this data set.")
    try:
        index = json.loads((folder / files.INDEX).read_text(encoding="utf-8"))
        offsets = np.array(index["offsets"], dtype=np.int64)
        size = int(index["settings"]["crop_size"])
        prepared = Prepared(
            folder=folder,
            name=index["name"],
            fingerprint=index["fingerprint"],
            classes=tuple(index["classes"]),
            clip_ids=index["clip_ids"],
            subjects=index["subjects"],
            labels=np.array(index["labels"], dtype=np.int64),
            offsets=offsets,
            frames=map_frames(folder / files.FRAMES, (int(offsets[-1]), size, size, 3)),
            folds=[Fold(**{part: tuple(indices) for part, indices in fold.items()}) for fold in index["folds"]],
            dropped=[Dropped(**clip) for clip in index["dropped"]],
            scores=np.array(index["scores"], dtype=np.float64),
            faces_found=np.array(index["faces_found"], dtype=np.int64),
            face_size=index.get("face_size", size),
            faces=index.get("faces", "find"),
            cropping=index["settings"].get("finder", {}).get(CROPPING, EARLIEST),
            drawn=index.get("drawn", False),
            notes=tuple(index.get("notes", ())),
            told=tuple(index.get("told", ())),
            groups_given=tuple(index.get("groups", ())),
            hashes=tuple(index.get("hashes", ())),
            weights=tuple(index.get("weights", ())),
            votes=tuple(map(tuple, index.get("votes", ()))),
            clusters=tuple(index.get("clusters", ())),
            cluster_by=index.get("cluster_by", ""),
            cluster_error=index.get("cluster_error", ""),
        )
        if not len(prepared) == len(prepared.labels) == len(prepared.subjects) == len(offsets) - 1:
            raise ValueError("the index disagrees with itself about the number of clips")
    except (ValueError, KeyError, TypeError, IndexError, AttributeError, OSError) as error:
        raise DataError(
            f"{folder}: the prepared data is damaged ({error}). Run `prepare` again, which makes it anew, "
            "or delete the folder."
        ) from error
    return prepared


def margin_size(image_size: int) -> int:
    """The side in px of a crop with its margin, for a network that reads `image_size` px: 1.25 times, made even."""
    size = round(image_size * (1 + 2 * MARGIN))
    return size + size % 2


def face_size_of(crop_size: int) -> int:
    """The largest `image_size` in px whose `margin_size` is at most `crop_size`."""
    return int((crop_size - crop_size % 2 + 0.5) / (1 + 2 * MARGIN))


def stored_sizes(storage: Path, name: str) -> list[int]:
    """The sides in px, each once and the smallest first, at which crops of a data set of that `name` lie under `storage`."""
    found = set()
    for path in (storage / files.PREPARED).glob(f"{name}-*/{files.INDEX}"):
        with contextlib.suppress(ValueError, KeyError, TypeError, OSError):  # a damaged one is not used
            found.add(int(json.loads(path.read_text(encoding="utf-8"))["settings"]["crop_size"]))
    return sorted(found)


def write_dropped(folder: Path, dropped: Sequence[Dropped]) -> Path:
    """List the `dropped` clips, each with its reason, in a file of `folder`, whole or not at all; where that is."""
    path = folder / files.DROPPED
    temporary = path.with_suffix(f".{os.getpid()}.tmp")
    with temporary.open("w", newline="", encoding="utf-8", errors="backslashreplace") as file:
        rows = csv.writer(file)
        rows.writerow(("clip", "reason"))
        rows.writerows((clip.clip_id, clip.reason) for clip in dropped)
    temporary.replace(path)
    return path


def lock_path(folder: Path) -> Path:
    """The lock that whoever writes `folder` holds."""
    return folder.parent / files.PREPARED_LOCK.format(folder=folder.name)


def _mapped(path: Path, shape: tuple[int, ...]) -> np.ndarray | None:
    with contextlib.suppress(ValueError, OSError):
        return map_frames(path, shape)
    return None


def prepared_folders(storage: Path, fingerprint: str) -> list[Path]:
    """Where under `storage` data of that `fingerprint` may lie prepared, whatever its data set is called."""
    return sorted((storage / files.PREPARED).glob(f"*-{fingerprint[:12]}"))
