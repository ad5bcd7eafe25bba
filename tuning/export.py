"""`export`: from a registered model to a file for the edge, with its size and speed noted on the model's run."""

from __future__ import annotations

import json
import math
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

from trainables.core import files
from trainables.core.lookup import UnknownName, unknown
from trainables.core.prepared.splits import load_splits
from trainables.core.prepared.stored import Prepared, open_prepared, prepared_folders
from trainables.core.serving.onnx import Exported, export_onnx
from trainables.data.core.dataset import DataError
from tuning.records import tags
from tuning.records.home import home_of
from tuning.records.mlflow_client import make_client
from tuning.records.moved_home import open_store
from tuning.records.registry import fetch_model, only_champion

FORMATS: dict[str, Callable[..., Exported]] = {"onnx": export_onnx}
MAX_CLIPS = 200  # on which the cost of 8 bits is counted: it is seen to half a per cent, in seconds


def export(
    out: str | Path, *, model: str | None = None, format: str = "onnx", home: str | Path | None = None
) -> Exported:
    """Write the registered `model`, or the only champion there is, to the file `out`; check it and time it.

    What 8 bits cost is counted on validation people of the study's first fold where its data still lies in the home.
    The champion was refitted on them too, so the change counts there and not the level; the holdout is left alone.
    Raises `ValueError` for an unknown format or model, and where the file would not do what the model does.
    """
    if format not in FORMATS:
        raise UnknownName(unknown("export format", format, list(FORMATS)))
    place = home_of(home)
    tracking_uri = open_store(place)
    uri = model or only_champion(tracking_uri)
    with tempfile.TemporaryDirectory() as copy:
        folder, run_id = fetch_model(uri, tracking_uri, Path(copy))
        client = make_client(tracking_uri)
        study = client.get_run(run_id).data.tags.get(tags.STUDY, "")
        prepared, indices = _validation_clips(folder, place, study)
        exported = FORMATS[format](folder, Path(out), prepared=prepared, indices=indices)
    for key, value in _metrics(exported, format).items():
        client.log_metric(run_id, key, value)
    return exported


def _validation_clips(folder: Path, home: Path, study: str) -> tuple[Prepared | None, tuple[int, ...]]:
    """The data that the model in `folder` comes from, and validation clips of it; none where that is gone."""
    fingerprint = json.loads((folder / files.MODEL).read_text())["fingerprint"]
    found = next(iter(prepared_folders(home, fingerprint)), None)
    if found is None or not study:
        return None, ()
    try:
        prepared, splits = open_prepared(found), load_splits(home / study / files.SPLITS)
    except DataError:
        return None, ()
    if splits.fingerprint != prepared.fingerprint:
        return None, ()
    validation = np.array(splits.view("search", 0).validation)
    chosen = np.random.default_rng(0).permutation(validation)[:MAX_CLIPS]  # of all classes, whatever their order
    return prepared, tuple(sorted(chosen.tolist()))


def _metrics(exported: Exported, format: str) -> dict[str, float]:
    small = exported.int8
    measured = {
        "size_mb": exported.size_mb,
        "latency_ms": exported.latency_ms,
        "max_difference": exported.max_difference,
        "int8_size_mb": small.size_mb,
        "int8_latency_ms": small.latency_ms,
        "int8_agreement": small.agreement,
        "int8_accuracy_change": small.accuracy_change,
    }
    return {f"{format}_{key}": value for key, value in measured.items() if value is not None and math.isfinite(value)}
