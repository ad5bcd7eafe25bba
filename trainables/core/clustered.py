"""A data set read with clusters in place of people whom nobody names, as `--cluster-by` asks."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

from trainables.core import lookup
from trainables.data.core.clusters import OPTION, ClusterBy, clustered
from trainables.data.core.dataset import Dataset


def read_clustered(dataset: str, root: Path, cluster_by: str, **options: Any) -> Dataset:
    """The data set at `root`, its clips that name nobody clustered by `cluster_by` (`ClusterBy`).

    `options` are its reader's. Raises `ValueError` for what its clips cannot be clustered by, before anything is read, and
    `DataError` as `clustered` does.
    """
    by = ClusterBy.of(cluster_by)
    load = lookup.load("trainables.data", dataset, "data set").load
    takes = inspect.signature(load).parameters
    if by.kind == "column" and "column" not in takes:
        raise ValueError(
            f"{OPTION} was given as {by}, and {dataset} has no table with columns of your own, as clips_csv has. Give a "
            "pattern of the clips' names, or faces."
        )
    if "nameless" in takes:
        options["nameless"] = True
    if by.kind == "column":
        options["column"] = by.value
    clusterer = None
    if by.kind == "faces":
        from trainables.core.face_clusters import FaceClusterer  # torch, which takes seconds

        clusterer = FaceClusterer(by.value)
        clusterer.require()
    return clustered(load(root, **options), by, clusterer, keep=options.get("keep_spelling", False))
