"""Prepared data: every face crop of a data set in one memory-mapped array, made once and found again by content.

What lies in the folder, and how it is read, is in `trainables/core/prepared/stored.py`.
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
import shutil
from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from filelock import FileLock, Timeout

from trainables.core import files
from trainables.core.faces.clip import Finder
from trainables.core.faces.finders import finder_for
from trainables.core.faces.ways import NEWEST, Cropping
from trainables.core.prepared.clustering import with_face_clusters
from trainables.core.prepared.content import content_hashes
from trainables.core.prepared.cropping import Outcome, cropped_clips
from trainables.core.prepared.draft import JOURNAL, open_draft
from trainables.core.prepared.earlier import crops_before, remove_drafts
from trainables.core.prepared.fingerprint import clip_keys, fingerprint_of
from trainables.core.prepared.frame_file import telling_of_room
from trainables.core.prepared.making import changed_clips, crop_clips, index_of
from trainables.core.prepared.remaining import require_nobody_back
from trainables.core.prepared.stored import Prepared, face_size_of, lock_path, open_prepared, stored_sizes
from trainables.core.wording import counted
from trainables.data.core.dataset import DataError, Dataset
from trainables.data.core.votes import without_votes

CROP_SIZE = 160  # px, unless the data set has a size of its own

Crop = Callable[[Dataset, Finder, int], Generator[Outcome]]


def prepare(
    dataset: Dataset,
    storage: Path,
    *,
    crop_size: int | None = None,
    on_progress: Callable[[int, int], None] | None = None,
    on_hashed: Callable[[int, int], None] | None = None,
    tell: Callable[[str], None] = lambda words: None,
    cropping: Cropping = NEWEST,
    finder: Finder | None = None,
    num_processes: int | None = None,
    crop: Crop | None = None,
    verify: bool = False,
) -> Prepared:
    """The prepared form of `dataset` under `storage`: found if it is there and whole, else made.

    Crops are stored at `crop_size` px (default: what the data set says, else 160). A clip that cannot be read, or shows
    no face, is dropped and named in `Prepared.dropped`. Given faces are not searched for; found ones are cropped in the way
    `cropping` says, or as `finder` does. Work that was interrupted goes on where it was, and a clip that lies prepared in other
    data is copied from there. With `verify` no hash that was remembered is believed, and the frames of what is found are
    hashed too.

    `on_progress` is told the clips done and their number, `on_hashed` the bytes of files that are hashed and theirs, `tell`
    what else there is to know. Processes that prepare the same data wait for the first of them. The result does not depend on
    `num_processes` (default: as many as the CPUs and the number of clips make worth while), nor on what `crop`s instead.
    Raises `DataError` where no clip of a class is left, too few subjects are, a part of a fold is empty, somebody who
    withdrew is in it again, or the disk is full; all that was done until then is kept.
    """
    finder = finder or finder_for(dataset.faces, cropping)
    crop = crop or functools.partial(cropped_clips, num_processes=num_processes)
    crop_size = crop_size or default_crop_size(dataset)
    settings = _settings(dataset, finder, crop_size)
    content = _content(dataset, storage, on_hashed, verify=verify)
    fingerprint = fingerprint_of(dataset, settings, content)
    before = list(_settings_then(dataset, storage, finder, crop_size))
    given = (dataset, without_votes(dataset))  # versions up to 0.2 read none
    for known in {fingerprint_of(one, then, content) for one in given for then in before}:
        require_nobody_back(storage, known)
    folder = _folder(dataset, storage, fingerprint)
    _remove_stale(folder.parent)
    with FileLock(lock_path(folder)):
        if folder.exists():
            with contextlib.suppress(DataError):  # a damaged one is made again
                found = open_prepared(folder)
                if not verify or not (changed := changed_clips(found)):
                    return found
                tell(f"{folder}: the frames of {counted(len(changed), 'clip')} are not what was written: made again.")
                shutil.rmtree(folder)
        facts = {"fingerprint": fingerprint, "settings": settings, "drawn": dataset.drawn}
        facts["face_size"] = face_size_of(crop_size)
        _make(dataset, folder, facts, content, lambda todo: crop(todo, finder, crop_size), on_progress, tell)
        return open_prepared(folder)


def default_crop_size(dataset: Dataset) -> int:
    """The side in px at which crops are stored where nobody says."""
    return dataset.crop_size or CROP_SIZE


def prepared_for(
    dataset: Dataset,
    storage: Path,
    face_size: int,
    *,
    on_hashed: Callable[[int, int], None] | None = None,
    cropping: Cropping = NEWEST,
    finder: Finder | None = None,
) -> int | None:
    """The smallest side in px of crops of exactly this data, as they lie under `storage`, that serve `face_size` px.

    `None` where there are none. Files are hashed only where it may be otherwise.
    """
    sizes = [size for size in stored_sizes(storage, dataset.name) if face_size_of(size) >= face_size]
    content = _content(dataset, storage, on_hashed) if sizes else {}
    finder = finder or finder_for(dataset.faces, cropping)
    for size in sizes:
        fingerprint = fingerprint_of(dataset, _settings(dataset, finder, size), content)
        if (_folder(dataset, storage, fingerprint) / files.INDEX).exists():
            return size
    return None


def _settings(dataset: Dataset, finder: Finder, crop_size: int) -> dict[str, Any]:
    drawn = {"drawn": True} if dataset.drawn else {}
    return {"crop_size": crop_size, "finder": finder.settings} | drawn


def _settings_then(dataset: Dataset, storage: Path, finder: Finder, crop_size: int) -> Iterator[dict[str, Any]]:
    """Under which settings the same data may have been prepared before: at every size that there is, cropped in every way."""
    finders = [finder, *(finder_for(dataset.faces, way) for way in get_args(Cropping))]
    for size in {crop_size, *stored_sizes(storage, dataset.name)}:
        for one in finders:
            yield _settings(dataset, one, size)


def _content(
    dataset: Dataset, storage: Path, on_hashed: Callable[[int, int], None] | None, *, verify: bool = False
) -> Mapping[Path, str]:
    """The hash of each file, which `prepare` remembers under `storage`."""
    parent = storage / files.PREPARED
    parent.mkdir(parents=True, exist_ok=True)
    paths = {path: None for sample in dataset.samples for path in sample.paths}
    return content_hashes(paths, parent / files.HASHES, remembered=not verify, on_progress=on_hashed)


def _folder(dataset: Dataset, storage: Path, fingerprint: str) -> Path:
    return storage / files.PREPARED / f"{dataset.name}-{fingerprint[:12]}"


def _make(
    dataset: Dataset,
    folder: Path,
    facts: dict[str, Any],
    content: Mapping[Path, str],
    crop: Callable[[Dataset], Generator[Outcome]],
    on_progress: Callable[[int, int], None] | None,
    tell: Callable[[str], None],
) -> None:
    """Prepare `dataset` in `folder`, whole, by way of a draft beside it."""
    parent, crop_size = folder.parent, facts["settings"]["crop_size"]
    keys = clip_keys(dataset, facts["settings"], content)
    work = parent / files.DRAFT.format(folder=folder.name)
    size = _Size(num_clips=len(keys), bytes_per_frame=crop_size**2 * 3)
    with telling_of_room(parent, size.extrapolated, "What is done is kept: the next call goes on with it."):
        with open_draft(work, crop_size, keys) as draft:
            earlier = crops_before(parent, keys[len(draft.rows) :], crop_size, but=work)
            if begun := len(draft.rows) + len(earlier):
                tell(f"{begun:,} of {counted(len(keys), 'clip')} were prepared before.")
            for done in crop_clips(dataset, keys, draft, earlier, crop):
                size.clips_done, size.frames_done = done, draft.num_frames
                if on_progress is not None and done:
                    on_progress(done, len(keys))
        dataset = with_face_clusters(dataset, draft.rows, work, crop_size, tell)
        index = index_of(dataset, draft.rows, content, work) | facts
        (work / files.INDEX).write_text(json.dumps(index), encoding="utf-8")
        shutil.rmtree(folder, ignore_errors=True)
        os.replace(work, folder)
        (folder / JOURNAL).unlink()
    remove_drafts(parent, keys, crop_size)


@dataclass
class _Size:
    """How large the frames will be, extrapolated from the clips done: their number is known only at the end."""

    num_clips: int
    bytes_per_frame: int
    clips_done: int = 0
    frames_done: int = 0

    def extrapolated(self) -> int:
        return self.frames_done * self.num_clips * self.bytes_per_frame // max(self.clips_done, 1)


def _remove_stale(parent: Path) -> None:
    """Removes what dead processes left half-written. The lock of a folder tells whether someone still writes it."""
    for temporary in parent.glob(".*.tmp"):
        name = temporary.name[1:].rsplit(".", 2)[0]
        with contextlib.suppress(Timeout), FileLock(lock_path(parent / name), timeout=0):
            shutil.rmtree(temporary, ignore_errors=True)
