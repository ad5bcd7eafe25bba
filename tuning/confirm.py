"""Believing a search: the front's members are trained again with fresh seeds and scored on people nobody has seen.

The best of N trials is biased upward by being the best. A confirmation trains each chosen configuration with seeds that
the search did not use, chooses the epoch on validation data as ever, and only then looks at the locked holdout.
"""

from __future__ import annotations

import dataclasses
import statistics
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from tuning.ledger import Ledger, Trial
from tuning.searcher import SEED_STRIDE
from tuning.statistics import Interval, accuracy_interval, majority_share
from tuning.study_runner import Runner

CONFIRM_SEED = 1000 * SEED_STRIDE  # above every seed of a search


@dataclasses.dataclass(frozen=True, kw_only=True)
class Evidence:
    """What a configuration achieves on the holdout.

    `accuracy` is over people; `majority` is what always answering the commonest class would get there. `best_epoch` is
    the median over the confirmed runs. `search_accuracy` is what the search believed, on validation data.
    """

    trial_id: str
    variant: str
    parameters: dict[str, Any]
    seeds: tuple[int, ...]
    num_subjects: int
    num_clips: int
    accuracy: Interval
    majority: float
    best_epoch: int
    search_accuracy: float

    @property
    def beats_majority(self) -> bool:
        """Whether the lower bound of the accuracy exceeds the majority class."""
        return self.accuracy.low > self.majority


def confirm(runner: Runner, *, top: int = 3, seeds: int = 2, trial_id: str | None = None) -> list[Evidence]:
    """Train the `top` members of the front (the recommended one first) with `seeds` fresh seeds; score the holdout.

    The study's controls are trained beside the first of them. With `trial_id` that trial alone is confirmed. What is
    confirmed already is not run again.

    Raises `ValueError` where there is nothing to confirm.
    """
    members = [_finished(runner.ledger, trial_id)] if trial_id else ranked_front(runner.ledger)[:top]
    if not members:
        raise ValueError(f"Study {runner.study.name} has no finished search trial; run it first.")
    variants = [(member, "", {}) for member in members]
    if trial_id is None:
        variants += [(members[0], name, dict(changes)) for name, changes in runner.study.controls.items()]
    todo = [
        Trial(
            phase="confirm",
            parameters={**member.parameters, **changes},
            seed=CONFIRM_SEED + number,
            folds=runner.study.search_folds[:1],
            of=member.trial_id,
            variant=variant,
        )
        for member, variant, changes in variants
        for number in range(seeds)
    ]
    runner.run_listed("confirm", todo)
    return evidence(runner.ledger)


def evidence(ledger: Ledger) -> list[Evidence]:
    """What the finished confirmations say, the recommended configuration first, controls after what they control."""
    groups: dict[tuple[str, str], list[Trial]] = {}
    for trial in ledger.of_phase("confirm"):
        if trial.state == "FINISHED":
            groups.setdefault((trial.of, trial.variant), []).append(trial)
    order = [trial.trial_id for trial in ranked_front(ledger)]
    found = [_evidence(ledger, of, variant, trials) for (of, variant), trials in groups.items()]
    return sorted(found, key=lambda e: (e.trial_id not in order, e.trial_id in order and order.index(e.trial_id)))


def ranked_front(ledger: Ledger) -> list[Trial]:
    """The front's members: the recommended one, then by falling accuracy on validation data."""
    front = [ledger.trials[trial_id] for trial_id in ledger.selection.get("front", [])]
    recommended = ledger.selection.get("recommended")
    return sorted(front, key=lambda trial: (trial.trial_id != recommended, -trial.metrics.get("accuracy", 0.0)))


def _finished(ledger: Ledger, trial_id: str) -> Trial:
    finished = [trial.trial_id for trial in ledger.of_phase("search") if trial.state == "FINISHED"]
    if trial_id not in finished:
        raise ValueError(f"There is no finished search trial {trial_id!r}. There are: {', '.join(finished) or 'none'}.")
    return ledger.trials[trial_id]


def _evidence(ledger: Ledger, of: str, variant: str, trials: list[Trial]) -> Evidence:
    frames = [pd.read_parquet(predictions_of(ledger, trial)) for trial in trials]
    rows = pd.concat(frames, ignore_index=True)
    correct = np.stack(rows["logits"].to_list()).argmax(axis=1) == rows["label"].to_numpy()
    people = rows["subject"].fillna(rows["clip_id"]).tolist()  # a clip of an unknown person stands for itself
    return Evidence(
        trial_id=of,
        variant=variant,
        parameters=trials[0].parameters,
        seeds=tuple(trial.seed for trial in trials),
        num_subjects=len(set(people)),
        num_clips=rows["clip_id"].nunique(),
        accuracy=accuracy_interval(correct, people, rows["seed"].to_numpy()),
        majority=majority_share(frames[0]["label"].tolist()),
        best_epoch=round(statistics.median(trial.metrics["best_epoch"] for trial in trials)),
        search_accuracy=ledger.trials[of].metrics["accuracy"],
    )


def predictions_of(ledger: Ledger, trial: Trial) -> Path:
    """The predictions that a finished trial wrote."""
    return ledger.folder / "trials" / trial.trial_id / "predictions.parquet"


def as_json(found: Evidence) -> dict[str, Any]:
    """Evidence as data."""
    return dataclasses.asdict(found)
