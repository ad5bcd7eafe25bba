"""The three baselines of a study, on the clips that its trials train on and are scored on; run by a worker, without Ray."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from trainables.core import lookup
from trainables.core.baselines.logistic import BUDGET_S, answers, features_of
from trainables.core.baselines.network import NUM_FRAMES, plain_network
from trainables.core.baselines.record import Baseline
from trainables.core.config import TrainerConfig, make_config
from trainables.core.phases import SCORED_ON
from trainables.core.prepared.node_copy import near
from trainables.core.prepared.splits import Splits, load_splits, people_of
from trainables.core.prepared.stored import Prepared, open_prepared
from trainables.core.training.metrics import scores
from trainables.core.training.predictions import Predictions
from trainables.core.training.trial import TrialSpec, write_predictions
from trainables.core.training.workers import Group, is_lost
from trainables.core.wording import counted, first_line
from trainables.data.core.dataset import Fold


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Task:
    """What the trials of a study are given, and `config`, how they look at a clip."""

    spec: TrialSpec
    prepared: Prepared
    splits: Splits
    config: TrainerConfig
    group: Group

    def fold(self, number: int) -> Fold:
        return self.splits.view(self.spec.phase, number)

    def scored(self, number: int) -> tuple[int, ...]:
        """The clips that a trial of that fold is scored on."""
        fold = self.fold(number)
        return fold.validation if SCORED_ON[self.spec.phase] == "validation" else fold.test


# What a baseline is, and its predictions by fold.
_Found = tuple[str, dict[int, Predictions]]


def measure_baselines(spec: TrialSpec, group: Group) -> list[dict[str, Any]]:
    """A `Baseline` as plain values for each of the three; what goes wrong with one is its `error`, and no more.

    `spec` is that of a trial of the study: its `parameters` say how large its clips are, for how many epochs it trains and
    what weights it starts from; `folder` is that of the trials, where predictions are written. Of several workers the first
    works alone. Raises only where the device answers no more.
    """
    if not group.leads:
        return []
    prepared = open_prepared(near(Path(spec.prepared), spec.local_data).folder)
    splits = load_splits(Path(spec.splits))
    splits.require_disjoint(prepared.subject_ids)
    module = lookup.load("trainables", spec.trainable, "trainable")
    config = make_config(module.Config, {**spec.parameters, "num_classes": len(prepared.classes)})
    alone = Group(device=group.device)
    task = _Task(spec=spec, prepared=prepared, splits=splits, config=config, group=alone)
    measures = {"majority": _majority, "logistic_regression": _logistic_regression, "plain_network": _plain_network}
    return [dataclasses.asdict(_measured(name, measure, task)) for name, measure in measures.items()]


def _measured(name: str, measure: Callable[[_Task], _Found], task: _Task) -> Baseline:
    began = time.perf_counter()
    try:
        what, found = measure(task)
        rows = [scores(one) for one in found.values()]
        named = Baseline(name=name)
        spec = dataclasses.replace(
            task.spec,
            trial_id=named.folder,
            folder=str(Path(task.spec.folder) / named.folder),
            folds=tuple(found),
        )
        Path(spec.folder).mkdir(parents=True, exist_ok=True)
        write_predictions(spec, task.prepared, list(found.values()))
    except Exception as error:  # a baseline that cannot be had ends no study
        if is_lost(task.group.device):
            raise
        return Baseline(name=name, error=first_line(f"{type(error).__name__}: {error}"))
    people = task.prepared.subject_ids
    seen = {int(index) for one in found.values() for index in one.indices}
    return Baseline(
        name=name,
        what=what,
        folds=tuple(found),
        seconds=time.perf_counter() - began,
        num_clips=len(seen),
        num_people=len({people[index] for index in seen}),
        accuracy=float(np.mean([row["accuracy"] for row in rows])),
        uar=float(np.mean([row["uar"] for row in rows])),
    )


def _majority(task: _Task) -> _Found:
    """The commonest class of the clips that it is scored on, as wherever a majority is named: no constant answer is better."""
    labels, num_classes = task.prepared.labels, len(task.prepared.classes)
    found = {}
    for number in task.spec.folds:
        clips = np.asarray(task.scored(number), np.int64)
        counts = np.bincount(labels[clips], minlength=num_classes)
        found[number] = _predictions(task, clips, np.tile(np.eye(num_classes)[counts.argmax()], (len(clips), 1)))
    return "always answering the commonest class", found


def _logistic_regression(task: _Task) -> _Found:
    from trainables.core.baselines.features import frozen_features

    config, prepared = task.config, task.prepared
    weights, backbone = getattr(config, "weights", "none"), getattr(config, "backbone", "")
    features = frozen_features(weights, backbone, task.group.device)
    wanted = sorted({index for number in task.spec.folds for index in (*task.fold(number).train, *task.scored(number))})
    given: dict[str, Any] = {"num_frames": min(config.num_frames, NUM_FRAMES), "seed": task.spec.seed}
    known = features_of(prepared, wanted, features, budget_s=BUDGET_S, **given)
    people = people_of(prepared, leaky=task.splits.leaky)
    found = {}
    for number in task.spec.folds:
        train = [index for index in task.fold(number).train if index in known]
        tested = np.asarray([index for index in task.scored(number) if index in known], np.int64)
        logits = answers(
            np.stack([known[index] for index in train]),
            prepared.labels[train].tolist(),
            [people[index] for index in train],
            np.stack([known[index] for index in tested]),
            len(prepared.classes),
        )
        found[number] = _predictions(task, tested, logits)
    drawn = f"; {len(known)} of {len(wanted)} clips, drawn at random" if len(known) < len(wanted) else ""
    return f"{features.what}{drawn}", found


def _plain_network(task: _Task) -> _Found:
    """On the first of the folds alone: there is time for one."""
    number = task.spec.folds[0]
    fold, config = task.fold(number), task.config
    trained = plain_network(
        task.prepared,
        fold,
        task.scored(number),
        num_frames=config.num_frames,
        image_size=min(config.image_size, task.prepared.face_size),
        batch_by=config.batch_by,
        most_epochs=config.epochs,
        seed=task.spec.seed,
        group=task.group,
    )
    ours = trained.config
    of = f" of {len(fold.train)}, drawn at random" if trained.num_train < len(fold.train) else ""
    what = (
        f"ResNet-18 and a GRU from scratch, {counted(ours.num_frames, 'frame')} of {ours.image_size} px, "
        f"{counted(ours.epochs, 'epoch')} of {trained.num_train} clips{of}"
    )
    return what + (f"; fold {number} alone" if len(task.spec.folds) > 1 else ""), {number: trained.predictions}


def _predictions(task: _Task, clips: np.ndarray, logits: np.ndarray) -> Predictions:
    return Predictions(indices=clips, labels=task.prepared.labels[clips], logits=logits.astype(np.float32))
