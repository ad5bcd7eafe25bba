"""Clusters of faces in place of people, once all clips are cropped (`trainables/data/core/clusters.py` has the other kinds)."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from trainables.core import files
from trainables.core.prepared.frame_file import map_written
from trainables.core.prepared.stored import face_size_of
from trainables.core.wording import counted
from trainables.data.core.clusters import CUT_ANEW, is_cut_through, note_on
from trainables.data.core.dataset import Dataset
from trainables.data.core.finding import natural


def with_face_clusters(
    dataset: Dataset,
    rows: Sequence[Mapping[str, Any]],
    folder: Path,
    crop_size: int,
    tell: Callable[[str], None] = lambda words: None,
) -> Dataset:
    """`dataset` with a cluster for each clip that names nobody and was kept, where faces are to tell; else as it is.

    `rows` say what came of each clip; their crops of `crop_size` px lie in `folder`. A cluster is called by a hash of its first
    clip, so that a name which a clip is called by stands nowhere else.
    """
    if dataset.clusterer is None:
        return dataset
    ends = np.cumsum([row.get("frames", 0) for row in rows])
    frames = map_written(folder / files.FRAMES, crop_size, int(ends[-1]))
    unnamed = [i for i, row in enumerate(rows) if "frames" in row and not dataset.samples[i].subject]
    if not unnamed:
        return dataset
    tell(f"Telling the faces of {counted(len(unnamed), 'clip')} apart.")
    clips = [frames[ends[i] - rows[i]["frames"] : ends[i]] for i in unnamed]
    found = dataset.clusterer.clusters(clips, face_size_of(crop_size) / crop_size)
    members: dict[int, list[str]] = {}
    for i, cluster in zip(unnamed, found, strict=True):
        members.setdefault(cluster, []).append(dataset.samples[i].clip_id)
    called = {cluster: _called(natural(clip_ids)[0]) for cluster, clip_ids in members.items()}
    cluster_of = {i: called[cluster] for i, cluster in zip(unnamed, found, strict=True)}
    samples = [dataclasses.replace(one, cluster=cluster_of.get(i)) for i, one in enumerate(dataset.samples)]
    notes = [*dataset.notes, f"{note_on(samples, dataset.cluster_by)}; {dataset.clusterer.error}"]
    if dataset.folds and is_cut_through(dataset.folds, [sample.unit for sample in samples]):
        notes.append(CUT_ANEW)
    return dataclasses.replace(dataset, samples=samples, notes=tuple(notes))


def _called(clip_id: str) -> str:
    return f"cluster {hashlib.sha256(clip_id.encode(errors='surrogatepass')).hexdigest()[:12]}"
