"""Prepared data: every face crop of a data set in one memory-mapped array, made once and found again by content.

A prepared data set is a folder `<storage>/prepared/<data set>-<fingerprint>/` with `frames.npy` (uint8
`(num_frames, H, W, 3)`, the clips one after another), `index.json` (which frames belong to which clip, and all that is
known about it) and, once asked for, `frames_<pixels>.npy` (the same frames at another size).
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import shutil
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from filelock import FileLock, Timeout

from trainables.core import files
from trainables.core.prepared.cropping import Dropped, Finder, cropped_clips
from trainables.core.prepared.fingerprint import fingerprint_of
from trainables.core.prepared.frame_file import FrameWriter, map_frames, new_frame_file, nothing_half_written
from trainables.core.prepared.given_faces import finder_for
from trainables.core.prepared.kept import num_clips, reindexed_folds, require_classes, the_first
from trainables.data.core.dataset import DataError, Dataset, Faces, Fold
from trainables.data.core.layout import listed

INDEX = "index.json"
FRAMES = "frames.npy"
CROP_SIZE = 160  # px, unless the data set has a size of its own


@dataclass(frozen=True)
class Prepared:
    """A prepared data set, its frames mapped from disk.

    Clip i has the label `labels[i]` (int64) and the frames `frames[offsets[i]:offsets[i + 1]]`, uint8 `(T, H, W, 3)`;
    `folds` index the kept clips; `dropped` names the clips left out, with reasons; `scores` are mean detection
    probabilities; `faces_found` counts, per clip, the frames in which the face was found among those looked at.
    `faces` says whether the faces were found or given as crops, `drawn` whether they are drawn, `notes` what the reader
    of the data set said about this copy, and how many clips show several faces or stop early.
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
    faces: Faces = "find"
    drawn: bool = False
    notes: tuple[str, ...] = ()

    @property
    def people(self) -> list[str]:
        """The subject of each clip; a clip whose subject is unknown stands for itself."""
        return [subject or clip for subject, clip in zip(self.subjects, self.clip_ids, strict=True)]

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
        path = self.folder / f"frames_{pixels}.npy"
        shape = (len(self.frames), pixels, pixels, 3)
        if (found := _mapped(path, shape)) is not None:
            return found
        with FileLock(_lock_path(self.folder)):
            if (found := _mapped(path, shape)) is not None:
                return found
            for stale in self.folder.glob("frames_*.tmp"):  # nobody else writes here while the lock is held
                stale.unlink()
            temporary = self.folder / f"{path.name}.{uuid.uuid4().hex[:8]}.tmp"
            with nothing_half_written(temporary, lambda: math.prod(shape)):
                with new_frame_file(temporary, pixels) as writer:
                    for frame in self.frames:
                        writer.add(cv2.resize(frame, (pixels, pixels), interpolation=cv2.INTER_AREA)[None])
                os.replace(temporary, path)
        return map_frames(path, shape)

    def __reduce__(self) -> tuple[Any, ...]:
        return open_prepared, (self.folder,)  # sent to another process, the frames are mapped there, not copied


def prepare(
    dataset: Dataset,
    storage: Path,
    *,
    crop_size: int | None = None,
    on_progress: Callable[[int, int], None] | None = None,
    finder: Finder | None = None,
    num_processes: int | None = None,
) -> Prepared:
    """The prepared form of `dataset` under `storage`: found if it is there and whole, else made.

    Crops are stored at `crop_size` px (default: what the data set says, else 160). A clip that cannot be read, or shows
    no face, is dropped and named in `Prepared.dropped`; given faces are not searched for. `on_progress` is told the
    clips done and their number. Processes that prepare the same data wait for the first of them. The result does not
    depend on `num_processes` (default: as many as the CPUs and the number of clips make worth while).
    Raises `DataError` where no clip of a class is left, too few subjects are, a part of a fold is empty, or the disk is
    full.
    """
    finder = finder or finder_for(dataset.faces)
    crop_size = crop_size or dataset.crop_size or CROP_SIZE
    settings: dict[str, Any] = {"crop_size": crop_size, "finder": finder.settings}
    if drawn := dataset.drawn:
        settings["drawn"] = True
    fingerprint = fingerprint_of(dataset, settings)
    folder = storage / files.PREPARED / f"{dataset.name}-{fingerprint[:12]}"
    folder.parent.mkdir(parents=True, exist_ok=True)
    _remove_stale(folder.parent)
    with FileLock(_lock_path(folder)):
        if folder.exists():
            with contextlib.suppress(DataError):  # a damaged one is made again
                return open_prepared(folder)
        temporary = folder.parent / f".{folder.name}.{uuid.uuid4().hex[:8]}.tmp"
        size = _Size(num_clips=len(dataset.samples), bytes_per_frame=crop_size**2 * 3)
        with nothing_half_written(temporary, size.extrapolated):
            temporary.mkdir()
            with new_frame_file(temporary / FRAMES, crop_size) as writer:
                index = _write_clips(dataset, writer, crop_size, finder, num_processes, on_progress, size)
            index |= {"fingerprint": fingerprint, "settings": settings, "drawn": drawn}
            with (temporary / INDEX).open("w", encoding="utf-8") as file:
                json.dump(index, file)
                file.flush()
                os.fsync(file.fileno())
            shutil.rmtree(folder, ignore_errors=True)
            os.replace(temporary, folder)
        return open_prepared(folder)


def open_prepared(folder: Path) -> Prepared:
    """The prepared data set in `folder`. Raises `DataError` where it is missing or damaged, with the mend."""
    if not (folder / INDEX).is_file():
        raise DataError(f"{folder}: no prepared data here ({INDEX} is missing). Run `prepare` for this data set.")
    try:
        index = json.loads((folder / INDEX).read_text(encoding="utf-8"))
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
            frames=map_frames(folder / FRAMES, (int(offsets[-1]), size, size, 3)),
            folds=[Fold(**{part: tuple(indices) for part, indices in fold.items()}) for fold in index["folds"]],
            dropped=[Dropped(**clip) for clip in index["dropped"]],
            scores=np.array(index["scores"], dtype=np.float64),
            faces_found=np.array(index["faces_found"], dtype=np.int64),
            faces=index.get("faces", "find"),
            drawn=index.get("drawn", False),
            notes=tuple(index.get("notes", ())),
        )
        if not len(prepared) == len(prepared.labels) == len(prepared.subjects) == len(offsets) - 1:
            raise ValueError("the index disagrees with itself about the number of clips")
    except (ValueError, KeyError, TypeError, IndexError, AttributeError, OSError) as error:
        raise DataError(
            f"{folder}: the prepared data is damaged ({error}). Run `prepare` again, which makes it anew, "
            "or delete the folder."
        ) from error
    return prepared


def prepared_folders(storage: Path, fingerprint: str) -> list[Path]:
    """Where under `storage` data of that `fingerprint` may lie prepared, whatever its data set is called."""
    return sorted((storage / files.PREPARED).glob(f"*-{fingerprint[:12]}"))


@dataclass
class _Size:
    """How large the frames will be, extrapolated from the clips done: their number is known only at the end."""

    num_clips: int
    bytes_per_frame: int
    clips_done: int = 0
    frames_done: int = 0

    def extrapolated(self) -> int:
        return self.frames_done * self.num_clips * self.bytes_per_frame // max(self.clips_done, 1)


def _write_clips(
    dataset: Dataset,
    writer: FrameWriter,
    crop_size: int,
    finder: Finder,
    num_processes: int | None,
    on_progress: Callable[[int, int], None] | None,
    size: _Size,
) -> dict[str, Any]:
    """Writes the crops of all clips and returns the index."""
    kept: list[int] = []
    crowded, cut_short = [], []
    offsets, scores, faces_found, dropped = [0], [], [], []
    with contextlib.closing(cropped_clips(dataset, finder, crop_size, num_processes)) as outcomes:
        for i, outcome in enumerate(outcomes):
            size.clips_done = i + 1
            if isinstance(outcome, Dropped):
                dropped.append({"clip_id": outcome.clip_id, "reason": outcome.reason})
            else:
                size.frames_done += len(outcome.frames)
                writer.add(outcome.frames)
                kept.append(i)
                offsets.append(size.frames_done)
                scores.append(outcome.score)
                faces_found.append(outcome.num_frames_with_face)
                crowded += [dataset.samples[i].clip_id] * (outcome.num_faces > 1)
                cut_short += [dataset.samples[i].clip_id] * outcome.stops_early
            if on_progress is not None:
                on_progress(i + 1, size.num_clips)
    if not kept:
        raise DataError(f"{dataset.name}: none of {size.num_clips} clips can be used.{the_first(dropped)}")
    require_classes(dataset, set(kept), dropped)
    notes = list(dataset.notes)
    if crowded:
        notes.append(
            f"{num_clips(crowded)} with more than one face ({listed(crowded)}); "
            "the one that is largest and surest over the frames is followed"
        )
    if cut_short:
        notes.append(
            f"{num_clips(cut_short)} with an early end: fewer frames can be decoded than the file announces "
            f"({listed(cut_short)}); what can be decoded is used"
        )
    return {
        "name": dataset.name,
        "classes": list(dataset.classes),
        "clip_ids": [dataset.samples[i].clip_id for i in kept],
        "subjects": [dataset.samples[i].subject for i in kept],
        "labels": [dataset.samples[i].label for i in kept],
        "offsets": offsets,
        "folds": reindexed_folds(dataset, kept),
        "dropped": dropped,
        "scores": scores,
        "faces_found": faces_found,
        "faces": dataset.faces,
        "notes": notes,
    }


def _remove_stale(parent: Path) -> None:
    """Removes what dead processes left half-written. The lock of a folder tells whether someone still writes it."""
    for temporary in parent.glob(".*.tmp"):
        name = temporary.name[1:].rsplit(".", 2)[0]
        with contextlib.suppress(Timeout), FileLock(_lock_path(parent / name), timeout=0):
            shutil.rmtree(temporary, ignore_errors=True)


def _lock_path(folder: Path) -> Path:
    return folder.parent / f".{folder.name}.lock"


def _mapped(path: Path, shape: tuple[int, ...]) -> np.ndarray | None:
    with contextlib.suppress(ValueError, OSError):
        return map_frames(path, shape)
    return None
