"""Trainings of the study `smiles` on five folds of the people outside its holdout, which is never read."""

from __future__ import annotations

import dataclasses
import functools
import json
import multiprocessing
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from search_spaces.core.study import load_study
from trainables.core import files, lookup
from trainables.core.faces.ways import Cropping
from trainables.core.prepared.cache import prepare
from trainables.core.prepared.splits import make_splits, salt_of
from trainables.core.training.trial import TrialSpec, run_trial
from trainables.core.training.workers import Group
from trainables.data.core.dataset import Fold
from tuning.statistics.pairing import Run

STUDY = "smiles"
NUM_FOLDS = 5
METRICS = "metrics.json"


def specs(
    variant: str,
    parameters: Mapping[str, Any],
    root: Path,
    home: Path,
    seeds: Sequence[int],
    *,
    cropping: Cropping = "path",
    keeps_validation: bool = True,
    folds: Sequence[int] = range(NUM_FOLDS),
) -> list[TrialSpec]:
    """One training for each of `folds` and `seeds` of the study's network with `parameters`; crops are made if need be.

    Without `keeps_validation` the validation people of a fold are trained on too, as in a refit, and the last epoch is taken.
    """
    study = load_study(STUDY)
    prepared, splits = _data(root, home, cropping, keeps_validation)
    return [
        TrialSpec(
            trial_id=f"{variant}-fold{fold}-seed{seed}",
            study=STUDY,
            phase="ablation",
            trainable=study.trainable,
            parameters=dict(parameters),
            prepared=str(prepared),
            splits=str(splits),
            folds=(fold,),
            seed=seed,
            folder=str(home / "trainings" / f"{variant}-{fold}-{seed}"),
        )
        for seed in seeds
        for fold in folds
    ]


@functools.cache  # every file of the data is read to know it again, and steps share it
def _data(root: Path, home: Path, cropping: Cropping, keeps_validation: bool) -> tuple[Path, Path]:
    """The folder of the prepared faces and the file of the splits."""
    study = load_study(STUDY)
    prepared = prepare(lookup.load("trainables.data", study.dataset, "data set").load(root), home, cropping=cropping)
    splits = make_splits(prepared, salt=salt_of(prepared.name, study.registered_model))
    if len(splits.folds) != NUM_FOLDS:
        raise SystemExit(f"{prepared.name} has {len(splits.folds)} folds outside the holdout; {NUM_FOLDS} are needed.")
    if not keeps_validation:
        whole = (
            Fold(train=tuple(sorted((*one.train, *one.validation))), validation=(), test=one.test)
            for one in splits.folds
        )
        splits = dataclasses.replace(splits, folds=tuple(whole))
    path = home / f"{cropping}-{'with' if keeps_validation else 'without'}-validation.json"
    splits.save(path)
    return prepared.folder, path


def trained(asked: Sequence[TrialSpec], processes: int) -> list[Run]:
    """What `asked` scored on the test people of their folds; each is printed, and one that is done is not trained again.

    So many `processes` train at a time, with a thread each.
    """
    with multiprocessing.get_context("spawn").Pool(processes) as pool:
        for trial, accuracy in pool.imap_unordered(_trained, asked):
            print(f"{trial}: {100 * accuracy:.1f} %", flush=True)
    return [_run_of(spec) for spec in asked]


def _trained(spec: TrialSpec) -> tuple[str, float]:
    torch.set_num_threads(1)
    folder = Path(spec.folder)
    done = folder / METRICS
    if not done.exists():
        folder.mkdir(parents=True, exist_ok=True)
        done.write_text(json.dumps(run_trial(spec, lambda row: True, Group())))
        (folder / files.CHECKPOINT).unlink(missing_ok=True)
    return spec.trial_id, json.loads(done.read_text())["accuracy"]


def _run_of(spec: TrialSpec) -> Run:
    folder = Path(spec.folder)
    metrics = json.loads((folder / METRICS).read_text())
    fold = json.loads(Path(spec.splits).read_text())["folds"][spec.folds[0]]
    return Run(
        variant=spec.trial_id.rsplit("-", 2)[0],
        fold=spec.folds[0],
        seed=spec.seed,
        accuracy=metrics["accuracy"],
        uar=metrics["uar"],
        train_time_s=metrics["train_time_s"],
        param_count=int(metrics["param_count"]),
        num_train=len(fold["train"]),
        num_test=len(fold["test"]),
        predictions=folder / files.PREDICTIONS,
    )
