"""One trial: load the trainable by name, build config, data and model, train, score, write. Runs without Ray."""

from __future__ import annotations

import dataclasses
import functools
import gc
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from safetensors.torch import save_file

from trainables.core import files, lookup
from trainables.core.config import TrainerConfig, make_config
from trainables.core.faces.ways import KEY as CROPPING
from trainables.core.phases import COMPARING, SCORED_ON, Phase
from trainables.core.prepared.batches import Clips
from trainables.core.prepared.node_copy import near
from trainables.core.prepared.splits import load_splits
from trainables.core.prepared.stored import Prepared, open_prepared
from trainables.core.starting import loaded_into
from trainables.core.training.augmentation.robustness import robustness, write_robustness
from trainables.core.training.checkpoint import Checkpoint
from trainables.core.training.costs import costs, train_flops
from trainables.core.training.epoch import seeded
from trainables.core.training.memory.fitting import fitting, how_it_fits, where_full
from trainables.core.training.memory.forecast import splits_of
from trainables.core.training.memory.measured import room_of
from trainables.core.training.metrics import scores
from trainables.core.training.precision import computes_bfloat16
from trainables.core.training.predictions import Predictions, confusion, require_answers, scores_by_class
from trainables.core.training.timing.reference import kind_of
from trainables.core.training.trainer import Training, predict
from trainables.core.training.wall_time import WallTime
from trainables.core.training.workers import Group
from trainables.data.core.dataset import DataError

# Called after every epoch on every rank, with its numbers, and `note` where there is something to tell: whether to go on.
Report = Callable[[Mapping[str, Any]], bool]


@dataclasses.dataclass(frozen=True, kw_only=True)
class TrialSpec:
    """All that a worker needs to know of a trial; plain values only, so that it travels as JSON.

    `parameters` is the flat config; `num_classes` is filled in from the data. `folder` receives the trial's files.
    `num_epochs`, where given, ends training before the schedule of `epochs` does (a refit). Checkpoints are at least
    `checkpoint_interval_s` apart; with 0 there is one after every epoch.
    `memory_share` is the share of its device's memory that a worker may take, `None` for whatever is there; `memory_gaps` is
    what was measured of it (`Forecast.num_bytes`). `idle_times_s` are the reference's on idle devices, by `kind_of`.
    `local_data` says where on its machine a worker keeps a copy of the data (`near`); with `""` none is made. A trial that goes
    on tells the rows after the first `epochs_told` again: they can be lost on their way though their checkpoint was written.
    """

    trial_id: str
    study: str
    phase: Phase
    trainable: str
    parameters: Mapping[str, Any]
    prepared: str
    splits: str
    folds: tuple[int, ...]
    seed: int
    folder: str
    num_epochs: int | None = None
    checkpoint_interval_s: float = 10.0
    memory_share: float | None = None
    memory_gaps: float | None = None
    idle_times_s: Mapping[str, float] = dataclasses.field(default_factory=dict)
    local_data: str = ""
    epochs_told: int = sys.maxsize


class Stopped(Exception):
    """The listener wants no more epochs of this trial."""


def run_trial(spec: TrialSpec, report: Report, group: Group) -> dict[str, float]:
    """Train `spec` and return the metrics at the chosen checkpoint, the mean over its folds.

    All folds advance together, one epoch at a time, so that a report is an epoch and never a fold. Resumes from
    `<folder>/last.pt` where there is one, and leaves it there: it may go once the metrics are safe. Writes
    `predictions.parquet` and `confusion.json` (phases that score something), `robustness.json` (a confirmation) and, where
    it may be served, `model.safetensors` with `model.json`.

    Raises `Stopped` when `report` says so, `NonFiniteLoss`, `DoesNotFit` for what is too large for the device, and `ValueError`
    for a parameter that the config lacks.
    """
    with WallTime(Path(spec.folder), _identity(spec), writes=group.leads) as wall:
        return _run(spec, report, group) | {"wall_time_s": wall.seconds}


def _run(spec: TrialSpec, report: Report, group: Group) -> dict[str, float]:
    data = near(Path(spec.prepared), spec.local_data)
    prepared = open_prepared(data.folder)
    splits = load_splits(Path(spec.splits))
    if splits.fingerprint != prepared.fingerprint:
        raise DataError(f"{spec.splits} was cut for other data than {spec.prepared}; start the study under a new name.")
    splits.require_disjoint(prepared.subject_ids)
    module = lookup.load("trainables", spec.trainable, "trainable")
    config = make_config(module.Config, {**spec.parameters, "num_classes": len(prepared.classes)})
    clips = Clips.of(prepared, config)

    def begun(parts: int) -> list[Training]:
        trainings = []
        for fold in spec.folds:
            seeded(spec.seed, fold)
            model = module.build_model(config)
            view = splits.view(spec.phase, fold)
            training = Training(model, clips, view, config, seed=spec.seed * 1009 + fold, group=group)
            training.parts = parts
            training.reference.idle_s = spec.idle_times_s.get(kind_of(group))
            trainings.append(training)
        return trainings

    trainings = _trained_within_memory(spec, config, begun, report, group, data.note)
    scored = [_score(training, spec.phase) for training in trainings]
    for found in scored:
        if found is not None:
            require_answers(found, spec.trial_id, prepared.clip_ids)
    pairs = list(zip(trainings, scored, strict=True))
    metrics = _mean([_measure(training, found, prepared.classes) for training, found in pairs])
    curves = [robustness(training, found) for training, found in pairs if found and spec.phase == "confirm"]
    if group.leads:
        Path(spec.folder).mkdir(parents=True, exist_ok=True)
        if spec.phase not in COMPARING:  # hundreds of networks would fill a disk
            write_model(Path(spec.folder), trainings[0].restore_best(), spec.trainable, config, prepared)
        write_predictions(spec, prepared, scored)
        _write_confusion(spec, prepared, scored)
        write_robustness(Path(spec.folder), curves)
    return metrics


def _trained_within_memory(
    spec: TrialSpec, config: TrainerConfig, begun: Callable[[int], list], report: Report, group: Group, note: str
) -> list[Training]:
    """`_trained` in as many parts as the forecast says, and from the last checkpoint in more where a GPU is full."""
    parts = 0
    if spec.memory_share is not None:
        room = min(group.gather(room_of(group.device, spec.memory_share)))
        about: dict[str, Any] = {"workers": group.world_size, "trainings": len(spec.folds), "gaps": spec.memory_gaps}
        about["bfloat16"] = all(group.gather(computes_bfloat16(group.device.type)))
        found = fitting(spec.trainable, config, group.device.type, room, **about)
        parts = found.parts
        note = f"{note} {how_it_fits(spec.trainable, config, found, room, spec.memory_gaps)}".strip()
    while True:
        try:
            return _trained(spec, functools.partial(begun, parts), config.epochs, report, group, note)
        except torch.OutOfMemoryError:
            more = [one for one in splits_of(spec.trainable, config) if one > parts]
            if not more or group.world_size > 1:  # the other workers wait for this one
                raise
        parts = more[0]
        note = where_full(parts)
        gc.collect()
        torch.cuda.empty_cache()


def _trained(
    spec: TrialSpec, begun: Callable[[], list[Training]], epochs: int, report: Report, group: Group, note: str = ""
) -> list[Training]:
    """The trainings of `begun`, gone on with from their checkpoint where there is one, after their last epoch."""
    with Checkpoint(Path(spec.folder), _identity(spec), group, interval_s=spec.checkpoint_interval_s) as checkpoint:
        trainings = begun()
        damage = checkpoint.load_into(trainings)
        if damage:  # it may have been loaded in part
            trainings.clear()  # before others are made: two sets may not fit the device
            trainings = begun()
        for training in trainings:
            training.after_step = lambda: checkpoint.save_if_due(trainings)
        words = filter(None, (damage, note, trainings[0].features.told() if trainings[0].features else ""))
        told = {"note": said} if (said := " ".join(words)) else {}
        if spec.idle_times_s and (kind := kind_of(group)) not in spec.idle_times_s:
            told["unmeasured"] = kind
        through = min(training.epoch for training in trainings)
        for done in range(min(through, spec.epochs_told), spec.num_epochs or epochs):
            for training in trainings:
                if training.epoch == done:  # else its epoch was through when the checkpoint was written
                    training.run_epoch()
            go_on = report({"epoch": done + 1, **_mean([training.curve[done] for training in trainings]), **told})
            told = {}
            checkpoint.save_if_due(trainings, now=not go_on or not spec.checkpoint_interval_s)
            if not go_on:
                raise Stopped
    return trainings


def write_model(
    folder: Path, model: torch.nn.Module, trainable: str, config: TrainerConfig, prepared: Prepared
) -> None:
    """Write `model.safetensors` and `model.json`: all that a classifier is loaded from, and no pickle.

    Where `model` started from published weights, `model.json` says from which, which of its layers (`Loaded`), and how many
    stages were left as they were.
    """
    folder.mkdir(parents=True, exist_ok=True)
    weights = {name: tensor.detach().cpu().contiguous() for name, tensor in model.state_dict().items()}
    save_file(weights, folder / files.WEIGHTS)
    described = {
        "trainable": trainable,
        "config": dataclasses.asdict(config),
        "classes": list(prepared.classes),
        "crop_size": int(prepared.frames.shape[1]),
        "faces": prepared.faces,
        **({CROPPING: prepared.cropping} if prepared.faces == "find" else {}),
        "drawn": prepared.drawn,
        "dataset": prepared.name,
        "fingerprint": prepared.fingerprint,
    }
    if loaded := loaded_into(model):
        described["starts_from"] = dataclasses.asdict(loaded)
        if config.frozen_stages:
            described["starts_from"]["frozen"] = {"stages": config.frozen_stages, "of": config.num_stages()}
    (folder / files.MODEL).write_text(json.dumps(described, indent=1))


def _score(training: Training, phase: Phase) -> Predictions | None:
    """Predictions at the chosen epoch: on validation data in a search, on the holdout or the fold's test else."""
    indices = training.fold.validation if SCORED_ON[phase] == "validation" else training.fold.test
    if not indices:
        return None
    return predict(training.restore_best(), training.clips, indices, training.config, training.group)


def _measure(training: Training, predictions: Predictions | None, classes: Sequence[str]) -> dict[str, float]:
    """What is logged once, at the chosen epoch; `METRICS` says what each of it is."""
    time_of = training.train_time
    model, config, row = training.restore_best(), training.config, training.best["row"]
    metrics = {
        "best_epoch": float(training.best["epoch"]),
        "train_time_s": time_of.seconds,
        **({} if time_of.spread_s is None else {"train_time_spread": time_of.spread_s}),
        **costs(model, config, training.group.device),
        "train_flops": train_flops(model, config, training.epoch) * training.clips_per_epoch * training.epoch,
    }
    if predictions is not None:
        metrics |= scores(predictions) | scores_by_class(predictions, classes)
    if training.fold.validation:
        metrics["epochs_to_90"] = float(epochs_to_90([past["val_accuracy"] for past in training.curve]))
        metrics["generalisation_gap"] = row["train_accuracy"] - row["val_accuracy"]
    return metrics


def epochs_to_90(accuracies: list[float]) -> int:
    """The first epoch (from 1) whose accuracy reaches 90 % of the best accuracy of the curve."""
    return 1 + int(np.argmax(np.asarray(accuracies) >= 0.9 * max(accuracies)))


def write_predictions(spec: TrialSpec, prepared: Prepared, scored: list[Predictions | None]) -> None:
    """Write `predictions.parquet`: clip_id, subject, cluster (where there are any), fold, seed, split, label, logits."""
    tables = []
    for fold, predictions in zip(spec.folds, scored, strict=True):
        if predictions is None:
            continue
        count = len(predictions.indices)
        clusters = [prepared.clusters[index] for index in predictions.indices] if prepared.clusters else []
        split = SCORED_ON[spec.phase]
        tables.append(
            pa.table(
                {
                    "clip_id": [prepared.clip_ids[index] for index in predictions.indices],
                    "subject": pa.array([prepared.subjects[index] for index in predictions.indices], pa.string()),
                    **({"cluster": pa.array(clusters, pa.string())} if clusters else {}),
                    "fold": pa.array([fold] * count, pa.int32()),
                    "seed": pa.array([spec.seed] * count, pa.int64()),
                    "split": [split] * count,
                    "label": pa.array(predictions.labels, pa.int32()),
                    "logits": pa.array(list(predictions.logits.astype(np.float32)), pa.list_(pa.float32())),
                }
            )
        )
    if tables:
        pq.write_table(pa.concat_tables(tables), Path(spec.folder) / files.PREDICTIONS)


def _write_confusion(spec: TrialSpec, prepared: Prepared, scored: list[Predictions | None]) -> None:
    """Write `confusion.json`, the folds' answers counted together: what MLflow shows of the predictions as it stands."""
    counts = [confusion(predictions) for predictions in scored if predictions is not None]
    if counts:
        split = SCORED_ON[spec.phase]
        described = {"split": split, "classes": list(prepared.classes), "counts": np.sum(counts, axis=0).tolist()}
        (Path(spec.folder) / files.CONFUSION).write_text(json.dumps(described, indent=1))


def _identity(spec: TrialSpec) -> str:
    """Equal for checkpoints of the same work."""
    return json.dumps([spec.trainable, spec.phase, dict(spec.parameters), list(spec.folds), spec.seed], sort_keys=True)


def _mean(rows: list[dict[str, float]]) -> dict[str, float]:
    """The mean over the rows that have a key: a fold without clips of a class has no recall of it."""
    keys = dict.fromkeys(key for row in rows for key in row)
    return {key: float(np.mean([row[key] for row in rows if key in row])) for key in keys}
