"""What confirmed configurations achieve on people nobody has seen. Reads files only: no Ray, no torch."""

from __future__ import annotations

import dataclasses
import statistics
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from tuning.ledger import Ledger, Trial
from tuning.statistics import Interval, accuracy_interval, majority_share


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
