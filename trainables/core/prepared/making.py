"""Making prepared data: clip after clip into a draft, and what `index.json` says of them."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from trainables.core.prepared import twins
from trainables.core.prepared.cropping import Outcome
from trainables.core.prepared.draft import Draft
from trainables.core.prepared.earlier import Earlier
from trainables.core.prepared.fingerprint import FORMAT_VERSION
from trainables.core.prepared.frame_file import hash_of
from trainables.core.prepared.kept import folds_of, naming, require_classes
from trainables.core.prepared.stored import Dropped, Prepared, write_dropped
from trainables.core.prepared.told import Told, notes
from trainables.core.wording import counted
from trainables.data.core.dataset import DataError, Dataset, Fold, Sample


def crop_clips(
    dataset: Dataset,
    keys: Sequence[str],
    draft: Draft,
    earlier: Mapping[str, Earlier],
    crop: Callable[[Dataset], Generator[Outcome]],
) -> Iterator[int]:
    """Bring `draft` to all clips of `dataset`; after each the number of those done, and first how many are.

    What is in `earlier`, by the clips' `keys`, is copied; `crop` yields what becomes of the others, in their order.
    """
    yield len(draft.rows)
    left = range(len(draft.rows), len(keys))
    todo = [dataset.samples[i] for i in left if keys[i] not in earlier]
    with contextlib.closing(crop(dataclasses.replace(dataset, samples=todo, folds=[], clusterer=None))) as outcomes:
        for i in left:
            found = earlier.get(keys[i])
            if found is None:
                _add(draft, keys[i], next(outcomes))
            elif found.is_whole:
                draft.add(found.row, found.frames)
            else:
                with contextlib.closing(
                    crop(dataclasses.replace(dataset, samples=[dataset.samples[i]], folds=[], clusterer=None))
                ) as own:
                    _add(draft, keys[i], next(own))
            yield i + 1


def _add(draft: Draft, key: str, outcome: Outcome) -> None:
    if isinstance(outcome, Dropped):
        draft.add({"key": key, "dropped": outcome.reason})
        return
    row = {
        "key": key,
        "frames": len(outcome.frames),
        "score": outcome.score,
        "faces_found": outcome.num_frames_with_face,
        "told": Told.of(outcome).to_json(),
        "hash": hash_of(outcome.frames),
    }
    draft.add(row, outcome.frames)


def index_of(
    dataset: Dataset, rows: Sequence[Mapping[str, Any]], content: Mapping[Path, str], work: Path
) -> dict[str, Any]:
    """What `index.json` says of the clips whose outcomes are `rows`, with their folds.

    Raises `DataError` where they make no data set; the dropped clips are listed in the folder `work` then.
    """
    of_rows = list(zip(dataset.samples, rows, strict=True))
    dropped = [Dropped(sample.clip_id, row["dropped"]) for sample, row in of_rows if "dropped" in row]
    kept = [i for i, row in enumerate(rows) if "frames" in row]
    samples = [dataset.samples[i] for i in kept]
    people = [sample.unit for sample in samples]
    found = twins.twins_of(samples, content)
    groups = twins.groups_of(people, found)
    try:
        if not kept:
            raise DataError(f"{dataset.name}: none of {counted(len(rows), 'clip')} can be used.{naming(dropped)}")
        require_classes(dataset, set(kept), dropped)
        folds, num_apart, groups = _folds(dataset, kept, people, groups, dropped)
    except DataError as error:
        listed = f" All are listed in {write_dropped(work, dropped)}." if dropped else ""
        joined = twins.notes(samples, dataset.classes, found, joined=True) if groups != people else []
        raise DataError(f"{error}{''.join(f' {note}.' for note in joined)}{listed}") from error
    told = [rows[i]["told"] for i in kept]
    clip_ids = [sample.clip_id for sample in samples]
    remarks = notes(clip_ids, [Told.from_json(one) for one in told])
    remarks += twins.notes(samples, dataset.classes, found, joined=groups != people)
    remarks += twins.notes_apart(num_apart)
    return {
        "version": FORMAT_VERSION,
        "name": dataset.name,
        "classes": list(dataset.classes),
        "clip_ids": clip_ids,
        "subjects": [sample.subject for sample in samples],
        **_clusters(dataset, samples),
        "groups": groups,
        "labels": [sample.label for sample in samples],
        "weights": [sample.weight for sample in samples],
        **({"votes": [sample.votes for sample in samples]} if any(sample.votes for sample in samples) else {}),
        "offsets": np.cumsum([0, *(rows[i]["frames"] for i in kept)]).tolist(),
        "folds": [dataclasses.asdict(fold) for fold in folds],
        "dropped": [dataclasses.asdict(clip) for clip in dropped],
        "dropped_keys": [row["key"] for row in rows if "dropped" in row],
        "scores": [rows[i]["score"] for i in kept],
        "faces_found": [rows[i]["faces_found"] for i in kept],
        "keys": [rows[i]["key"] for i in kept],
        "hashes": [rows[i]["hash"] for i in kept],
        "told": told,
        "faces": dataset.faces,
        "notes": [*dataset.notes, *remarks],
    }


def _clusters(dataset: Dataset, samples: Sequence[Sample]) -> dict[str, Any]:
    """What is known of clusters that stand for people; nothing where there are none."""
    if not dataset.cluster_by:
        return {}
    error = {"cluster_error": dataset.clusterer.error} if dataset.clusterer else {}
    return {"clusters": [sample.cluster for sample in samples], "cluster_by": dataset.cluster_by, **error}


def _folds(
    dataset: Dataset, kept: Sequence[int], people: list[str], groups: list[str], dropped: Sequence[Dropped]
) -> tuple[list[Fold], int, list[str]]:
    """The folds, the clips taken out of a part of them, and by whom people are kept apart.

    Published folds of which twins would leave a part empty stay as they are, by `people`: nobody else may cut them.
    """
    try:
        return *folds_of(dataset, kept, people, groups, dropped), groups
    except DataError:
        if dataset.cut_by_subject or dataset.cluster_by or groups == people:
            raise
    return *folds_of(dataset, kept, people, people, dropped), people


def changed_clips(prepared: Prepared) -> list[str]:
    """The clips whose frames on the disk are not those that were written; of earlier versions, which kept no hash, none."""
    starts = prepared.offsets[:-1]
    frames = (prepared.frames[start:end] for start, end in zip(starts, prepared.offsets[1:], strict=True))
    return [
        clip_id
        for clip_id, written, found in zip(prepared.clip_ids, prepared.hashes, frames, strict=False)
        if written != hash_of(found)
    ]
