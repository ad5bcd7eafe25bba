"""A study as a driver would have left it: trials of every state with invented results, no training."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from search_spaces.core.study import Objective
from tuning.records.front.choice import choose
from tuning.records.front.course import EVENT, Course
from tuning.records.ledger import Ledger, State, Trial

CLASSES = ("neutral", "offset", "onset", "smile")
OBJECTIVES = [["accuracy", "max"], ["train_time_s", "min"], ["param_count", "min"]]
SPACE = {
    "rbg_depth": [0, 1, 2, 3],
    "gru_hidden": [32, 64, 128, 256],
    "attention": ["none", "se", "eca", "g_eca"],
    "masking_rate": [0.0, 0.1, 0.2, 0.3],
}
FACTS: dict[str, Any] = {
    "trainable": "res_rbg",
    "dataset": "clip_folder",
    "dataset_fingerprint": "cb456a0a02afe187dec6eba491701de6db053a33f5c20dd34f156bc36545c0a2",
    "objectives": OBJECTIVES,
    "space": {key: str(values) for key, values in SPACE.items()},
    "settings": {"backbone": "resnet18", "num_frames": 8, "image_size": 64, "epochs": 24, "batch_size": 16},
    "classes": list(CLASSES),
    "concurrency": 2,
    "version": "0.2.0",
    "git_commit": "d5f397e8b8a530f3126576b4869b1de5df4fdb15",
    "smoke": False,
    "data_root": "/data/smiles",
}
ERROR = "The loss became NaN in epoch 3 (lr 0.01): a smaller lr or gradient_clip < 1 may help."


def write_sample(home: Path, name: str = "smiles", *, num_trials: int = 12, confirmed: bool = True) -> Path:
    """Write the study `name` under `home` and return its folder.

    Of twelve trials one failed, one was interrupted, one was stopped early and one still runs; the front is chosen, and
    with `confirmed` three members raced and its first two members and a control were tested on 16 holdout people.
    """
    rng = np.random.default_rng(0)
    states: dict[int, State] = {3: "FAILED", 8: "INTERRUPTED", 6: "KILLED", 11: "RUNNING"}
    with Ledger.write(home / name) as ledger:
        ledger.open_study(**FACTS)
        write_baselines(ledger)
        for number in range(num_trials):
            parameters = {key: values[rng.integers(len(values))] for key, values in SPACE.items()}
            add_trial(ledger, search_trial(number, parameters), state=states.get(number % 12, "FINISHED"))
        chosen = select(ledger)
        if confirmed and chosen:
            racers = chosen[:3]
            add_race(ledger, racers, left={racers[-1].trial_id: 2} if len(racers) > 2 else {}, winner=chosen[0])
            wanted = [(trial, "") for trial in chosen[:2]] + [(chosen[0], "order_blind")]
            for of, variant in wanted:
                for seed in range(2):
                    add_confirmation(ledger, of, seed=seed, variant=variant)
    return home / name


def write_baselines(ledger: Ledger, ability: float = 0.45) -> None:
    """Measure the baselines: the regression is right with probability `ability`, and the network could not be had."""
    rows = [
        {
            "name": "majority",
            "what": "always answering the commonest class",
            "accuracy": 0.25,
            "low": 0.07,
            "high": 0.52,
        },
        {"name": "logistic_regression", "what": "frozen features of expression_net (face_api)"},
        {"name": "plain_network", "error": "OutOfMemoryError: no memory"},
    ]
    trial = Trial(trial_id="baseline-logistic_regression", phase="search", parameters={}, seed=0, folds=(0,))
    accuracy = write_predictions(ledger.folder, trial, ability, num_subjects=16, split="validation")
    rows[1] |= {"accuracy": accuracy, "uar": accuracy, "low": accuracy - 0.1, "high": accuracy + 0.1}
    for row in rows:
        row |= {"num_clips": 64, "num_people": 16, "folds": [0], "seconds": 1.5}
    ledger.note("baselines", phase="search", folds=[0], rows=rows)


def search_trial(number: int, parameters: Mapping[str, Any]) -> Trial:
    """A search trial that has not started."""
    return Trial(trial_id=f"search-{number:04d}", phase="search", parameters=dict(parameters), seed=number, folds=(0,))


def on(device: str) -> list[dict[str, str]]:
    """One worker on a machine with such a device."""
    return [{"host": "node1", "device": device, "gpus": ""}]


def add_trial(
    ledger: Ledger, trial: Trial, *, state: State = "FINISHED", device: str = "AMD EPYC", **metrics: float
) -> None:
    """Start a search trial, give it a curve and end it in `state`; `metrics` replaces what it measured."""
    ledger.start(trial)
    rng = np.random.default_rng(trial.seed)
    ability = _ability(trial.parameters, rng)
    epochs = {"FINISHED": 24, "KILLED": 9, "INTERRUPTED": 13, "RUNNING": 6, "FAILED": 2}[state]
    for row in _curve(ability, epochs, rng):
        ledger.epoch(trial.trial_id, row)
    if state == "FINISHED":
        accuracy = write_predictions(ledger.folder, trial, ability, num_subjects=16, split="validation")
        ledger.end(trial.trial_id, state, _measured(trial, accuracy, rng) | metrics, workers=on(device))
    elif state != "RUNNING":
        ledger.end(trial.trial_id, state, error=ERROR if state == "FAILED" else "")


def add_confirmation(ledger: Ledger, of: Trial, *, seed: int, variant: str = "", ability: float | None = None) -> None:
    """A finished training of the configuration of `of` with a fresh seed, tested on 16 people."""
    number = len(ledger.of_phase("confirm"))
    changes = {"temporal": "mean"} if variant else {}
    trial = Trial(
        trial_id=f"confirm-{number:04d}",
        phase="confirm",
        parameters={**of.parameters, **changes},
        seed=100_000_000 + seed,
        folds=(0,),
        of=of.trial_id,
        variant=variant,
    )
    ledger.start(trial)
    rng = np.random.default_rng(number)
    if ability is None:
        ability = 0.62 if variant else _ability(of.parameters, np.random.default_rng(of.seed)) - 0.03
    accuracy = write_predictions(ledger.folder, trial, ability, num_subjects=16, split="holdout")
    write_robustness(ledger.folder, trial, accuracy)
    ledger.end(trial.trial_id, "FINISHED", _measured(trial, accuracy, rng), workers=on("AMD EPYC"))


def add_race(ledger: Ledger, members: Sequence[Trial], *, left: Mapping[str, int], winner: Trial) -> None:
    """A race of `members` over three folds of eight people each; who `left` ran so many folds of them."""
    for fold in range(3):
        for of in members:
            if fold >= left.get(of.trial_id, 3):
                continue
            trial = Trial(
                trial_id=ledger.next_id("race"),
                phase="race",
                parameters=of.parameters,
                seed=100_000_000,
                folds=(fold,),
                of=of.trial_id,
            )
            ledger.start(trial)
            rng = np.random.default_rng(len(ledger.trials))
            ability = 0.5 if of.trial_id in left else 0.95 if of is winner else 0.8
            accuracy = write_predictions(
                ledger.folder, trial, ability, num_subjects=8, split="test", first=8 * fold, drawn=rng
            )
            ledger.end(trial.trial_id, "FINISHED", _measured(trial, accuracy, rng), workers=on("AMD EPYC"))
    course = Course(
        members=tuple(of.trial_id for of in members),
        folds=(0, 1, 2),
        seeds=(100_000_000,),
        test_over_train=0.25,
        left=left,
        winner=winner.trial_id,
    )
    ledger.note(EVENT, **dataclasses.asdict(course))


def select(ledger: Ledger) -> list[Trial]:
    """Let the study choose among its finished trials; the front, the recommended one first."""
    study: Any = SimpleNamespace(objectives=[Objective(metric=metric) for metric, _ in OBJECTIVES], seed=0)
    found = choose(study, ledger, ledger.finished("search"), num_clips=64)
    if found.recommended is None:
        return []
    ledger.select(**found.facts())
    names = dict.fromkeys([found.recommended, *found.front])
    return [ledger.trials[name] for name in names]


def write_predictions(
    folder: Path,
    trial: Trial,
    ability: float,
    *,
    num_subjects: int,
    split: str,
    classes: int = len(CLASSES),
    first: int = 0,
    drawn: np.random.Generator | None = None,
) -> float:
    """Write predictions of a clip of each class from each person, right with probability `ability`; their accuracy.

    People are numbered from `first`; answers are drawn from `drawn`, by default from the trial's seed.
    """
    rng = drawn or np.random.default_rng(trial.seed)
    names = [f"P{1 + (split == 'holdout') * 60 + first + subject:03d}" for subject in range(num_subjects)]
    labels = np.tile(np.arange(classes), num_subjects)
    answers = np.where(rng.random(len(labels)) < ability, labels, (labels + rng.integers(1, 3, len(labels))) % classes)
    logits = rng.normal(0, 0.3, (len(labels), classes)).astype(np.float32)
    logits[np.arange(len(labels)), answers] += 4
    subjects = [subject for subject in names for _ in range(classes)]
    rows = {
        "clip_id": [f"{CLASSES[label % 4]}/{subject}_{label}" for subject, label in zip(subjects, labels, strict=True)],
        "subject": subjects,
        "fold": pa.array([trial.folds[0]] * len(labels), pa.int32()),
        "seed": pa.array([trial.seed] * len(labels), pa.int64()),
        "split": [split] * len(labels),
        "label": pa.array(labels, pa.int32()),
        "logits": pa.array(list(logits), pa.list_(pa.float32())),
    }
    target = folder / "trials" / trial.trial_id
    target.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(rows), target / "predictions.parquet")
    return float(np.mean(answers == labels))


def write_robustness(folder: Path, trial: Trial, accuracy: float) -> None:
    """Write curves that fall from `accuracy` towards chance."""
    strengths = {"accuracy_under_occlusion": [0, 10, 30, 50], "accuracy_under_rotation": [0, 5, 15, 45]}
    curves = {
        metric: {"strengths": steps, "accuracies": [0.25 + (accuracy - 0.25) * math.exp(-step / 40) for step in steps]}
        for metric, steps in strengths.items()
    }
    path = folder / "trials" / trial.trial_id / "robustness.json"
    path.write_text(json.dumps({"split": "holdout", "seed": 0, **curves}))


def _ability(parameters: Mapping[str, Any], rng: np.random.Generator) -> float:
    gate = {"none": 0.0, "se": 0.03, "eca": 0.04, "g_eca": 0.05}.get(parameters.get("attention", "none"), 0.0)
    width = 0.05 * math.log2(parameters.get("gru_hidden", 64) / 32)
    depth = (0.0, 0.05, 0.06, 0.03)[parameters.get("rbg_depth", 1)]
    masking = -1.5 * (parameters.get("masking_rate", 0.1) - 0.1) ** 2
    return min(0.96, 0.66 + gate + width + depth + masking + float(rng.normal(0, 0.02)))


def _measured(trial: Trial, accuracy: float, rng: np.random.Generator) -> dict[str, float]:
    hidden, depth = trial.parameters.get("gru_hidden", 64), trial.parameters.get("rbg_depth", 1)
    count = 11_180_000 + 3 * hidden * (512 + 3 * hidden) * 2 + 12 * hidden**2 * depth
    return {
        "best_epoch": float(rng.integers(12, 24)),
        "train_time_s": 61 + 0.11 * hidden + 9.5 * depth + float(rng.normal(0, 3)),
        "param_count": float(count),
        "weights_mb": count * 4 / 2**20,
        "latency_ms": 14 + hidden / 40 + 2.1 * depth,
        "train_flops": 4.1e13 + 1e10 * hidden,
        "accuracy": accuracy,
        "uar": accuracy,
        "f1_macro": accuracy - 0.006,
        "epochs_to_90": float(rng.integers(6, 14)),
        "generalisation_gap": 0.04 + float(rng.normal(0, 0.01)),
        "wall_time_s": 96 + 0.2 * hidden,
    }


def _curve(ability: float, epochs: int, rng: np.random.Generator) -> list[dict[str, float]]:
    rows = []
    for epoch in range(1, epochs + 1):
        learnt = 1 - math.exp(-epoch / 6)
        validation = 0.25 + (ability - 0.25) * learnt + float(rng.normal(0, 0.015))
        rows.append(
            {
                "epoch": epoch,
                "train_loss": 1.4 - 1.25 * learnt + float(rng.normal(0, 0.02)),
                "train_accuracy": 0.25 + 0.72 * learnt,
                "val_loss": 1.4 - 1.3 * ability * learnt + 0.006 * epoch + float(rng.normal(0, 0.03)),
                "val_accuracy": validation,
                "val_uar": validation,
            }
        )
    return rows
