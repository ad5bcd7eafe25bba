"""Prepared data: every face crop of a data set in one memory-mapped array, made once and found again by content.

What lies in the folder, and how it is read, is in `trainables/core/prepared/stored.py`.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from trainables.core import files
from trainables.core.prepared.cropping import Finder, cropped_clips
from trainables.core.prepared.fingerprint import fingerprint_of
from trainables.core.prepared.frame_file import FrameWriter, new_frame_file, nothing_half_written
from trainables.core.prepared.given_faces import finder_for
from trainables.core.prepared.kept import num_clips, reindexed_folds, require_classes, the_first
from trainables.core.prepared.remaining import require_nobody_back
from trainables.core.prepared.stored import Dropped, Prepared, lock_path, open_prepared
from trainables.data.core.dataset import DataError, Dataset
from trainables.data.core.layout import listed

CROP_SIZE = 160  # px, unless the data set has a size of its own


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
    Raises `DataError` where no clip of a class is left, too few subjects are, a part of a fold is empty, somebody who
    withdrew is in it again, or the disk is full.
    """
    finder = finder or finder_for(dataset.faces)
    crop_size = crop_size or dataset.crop_size or CROP_SIZE
    settings: dict[str, Any] = {"crop_size": crop_size, "finder": finder.settings}
    if drawn := dataset.drawn:
        settings["drawn"] = True
    fingerprint = fingerprint_of(dataset, settings)
    require_nobody_back(storage, fingerprint)
    folder = storage / files.PREPARED / f"{dataset.name}-{fingerprint[:12]}"
    folder.parent.mkdir(parents=True, exist_ok=True)
    _remove_stale(folder.parent)
    with FileLock(lock_path(folder)):
        if folder.exists():
            with contextlib.suppress(DataError):  # a damaged one is made again
                return open_prepared(folder)
        temporary = folder.parent / f".{folder.name}.{uuid.uuid4().hex[:8]}.tmp"
        size = _Size(num_clips=len(dataset.samples), bytes_per_frame=crop_size**2 * 3)
        with nothing_half_written(temporary, size.extrapolated):
            temporary.mkdir()
            with new_frame_file(temporary / files.FRAMES, crop_size) as writer:
                index = _write_clips(dataset, writer, crop_size, finder, num_processes, on_progress, size)
            index |= {"fingerprint": fingerprint, "settings": settings, "drawn": drawn}
            with (temporary / files.INDEX).open("w", encoding="utf-8") as file:
                json.dump(index, file)
                file.flush()
                os.fsync(file.fileno())
            shutil.rmtree(folder, ignore_errors=True)
            os.replace(temporary, folder)
        return open_prepared(folder)


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
    crowded, incomplete, uneven = [], [], []
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
                incomplete += [f"{dataset.samples[i].clip_id}: {outcome.reading}"] * outcome.reading.is_incomplete
                uneven += [dataset.samples[i].clip_id] * outcome.reading.uneven
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
    if incomplete:
        notes.append(f"{num_clips(incomplete)} with frames missing ({listed(incomplete)}); what can be decoded is used")
    if uneven:
        notes.append(
            f"{num_clips(uneven)} with a variable frame rate ({listed(uneven)}); their frames are taken at even times"
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
        with contextlib.suppress(Timeout), FileLock(lock_path(parent / name), timeout=0):
            shutil.rmtree(temporary, ignore_errors=True)
