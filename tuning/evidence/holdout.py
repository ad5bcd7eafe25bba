"""Accuracy of confirmed configurations on the locked holdout. Reads files only: no Ray, no torch."""

from __future__ import annotations

import dataclasses
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from trainables.core import files
from tuning.records.ledger import Ledger, Trial
from tuning.records.selection import ranked_front
from tuning.statistics.intervals import Interval, accuracy_interval, independent_difference, majority_share, with_seeds
from tuning.statistics.pairing import judged
from tuning.statistics.units import Units, counted, units_of


@dataclasses.dataclass(frozen=True, kw_only=True)
class Evidence:
    """What a configuration achieves on the holdout.

    `trial_id` is the search trial whose configuration it is, or the URI of a registered version (variant `champion`).
    `accuracy` has an interval over people and seeds; `majority` is what always answering the
    commonest class would get there. `best_epoch` is the median over the confirmed runs. `search_accuracy` is what the search
    believed, on validation data, and `optimism` by how much that exceeds `accuracy`; both are `None` for what was not
    searched (controls, the champion), and `optimism` where the predictions of the search are gone. `num_subjects`
    counts `units`: people, clusters of clips that name nobody, or clips, each for itself. `leaky` says that clips were
    dealt at random (decision 0007). `by_seed` has the accuracy with each of the seeds.
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
    search_accuracy: float | None
    optimism: Interval | None
    units: Units = "people"
    leaky: bool = False
    by_seed: tuple[float, ...] = ()

    @property
    def tested_on(self) -> str:
        """Who was tested, in words."""
        return describe_tested(self.num_subjects, self.num_clips, self.units)

    @property
    def beats_majority(self) -> bool:
        """Whether the lower bound of the accuracy exceeds the majority class."""
        return self.accuracy.low > self.majority

    @property
    def interval_over(self) -> str:
        """What the intervals count, in words."""
        return f"over {self.units} and seeds"


def describe_tested(number: int | None, num_clips: int, units: Units = "people") -> str:
    """How many people or clusters, and clips; the `number` of `units` may be `None` where these are clips."""
    clips = counted(num_clips, "clips")
    if number is None or units == "clips":
        return f"{clips}, whose people are not named"
    return f"{counted(number, units)}, {clips}"


class Holdout:
    """The finished confirmations of a ledger: each predictions file is read once, each configuration summed up once.

    One of these is made for a promotion and handed on; what is confirmed meanwhile is read when it is asked for.
    """

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self._tables: dict[str, pd.DataFrame] = {}
        self._rows: dict[tuple[str, ...], Evidence] = {}

    def rows(self) -> list[Evidence]:
        """What the confirmations say, the recommended configuration first, controls after what they control."""
        groups: dict[tuple[str, str], list[Trial]] = {}
        for trial in self._confirmed():
            groups.setdefault((trial.of, trial.variant), []).append(trial)
        order = [trial.trial_id for trial in ranked_front(self.ledger)]
        found = [self._row(*key, trials) for key, trials in groups.items()]
        return sorted(found, key=lambda e: (e.trial_id not in order, e.trial_id in order and order.index(e.trial_id)))

    def row(self, trial_id: str | None) -> Evidence | None:
        """The row of a configuration; `None` where it was not confirmed."""
        return next((row for row in self.rows() if row.trial_id == trial_id and not row.variant), None)

    def runs(self, row: Evidence) -> list[Trial]:
        """The finished confirmations that `row` sums up."""
        return [trial for trial in self._confirmed() if (trial.of, trial.variant) == (row.trial_id, row.variant)]

    def predictions(self, row: Evidence) -> pd.DataFrame:
        """What all seeds of `row` answered: the judged rows of their `predictions.parquet`, one after another."""
        return self._answers(self.runs(row))

    def _confirmed(self) -> list[Trial]:
        """Without those whose every clip was of people who withdrew: their predictions are gone."""
        return [trial for trial in self.ledger.finished("confirm") if predictions_of(self.ledger, trial).exists()]

    def _answers(self, trials: Sequence[Trial]) -> pd.DataFrame:
        for trial in trials:
            if trial.trial_id not in self._tables:
                self._tables[trial.trial_id] = judged(predictions_of(self.ledger, trial))
        return pd.concat([self._tables[trial.trial_id] for trial in trials], ignore_index=True)

    def _row(self, of: str, variant: str, trials: list[Trial]) -> Evidence:
        key = tuple(trial.trial_id for trial in trials)
        if key not in self._rows:
            self._rows[key] = _summed_up(self.ledger, of, variant, trials, self._answers(trials))
        return self._rows[key]


def evidence(ledger: Ledger) -> list[Evidence]:
    """What the finished confirmations of `ledger` say, as `Holdout.rows` has it."""
    return Holdout(ledger).rows()


def predictions_of(ledger: Ledger, trial: Trial) -> Path:
    """The predictions that a finished trial wrote."""
    return ledger.trial_folder(trial.trial_id) / files.PREDICTIONS


def study_at_starts(ledger: Ledger, key: str) -> dict[str, list[Any]]:
    """What the ledger said of `key` of the study whenever a trial started or was resumed, by trial; `None` for nothing."""
    found: dict[str, list[Any]] = {}
    now = None
    for event in ledger.events:
        if event["event"] == "study":
            now = event.get(key, now)
        elif event["event"] == "started":
            found.setdefault(event["trial_id"], []).append(now)
    return found


def holdout_accuracy(predictions: pd.DataFrame, confidence: float = 0.95) -> Interval:
    """The accuracy of `predictions` with its interval over people (`units_of` them) and seeds."""
    table = judged(predictions)
    people, seeds = table["subject_id"].tolist(), table["seed"].tolist()
    found = with_seeds(accuracy_interval(table["correct"], people, seeds, confidence), table["correct"], people, seeds)
    if (units := units_of(table)) == "people":
        return found
    return dataclasses.replace(found, method=found.method.replace("subjects", units))


def _summed_up(ledger: Ledger, of: str, variant: str, trials: list[Trial], rows: pd.DataFrame) -> Evidence:
    accuracy = holdout_accuracy(rows)
    searched = ledger.trials[of] if of in ledger.trials and not variant else None
    return Evidence(
        trial_id=of,
        variant=variant,
        parameters=trials[0].parameters,
        seeds=tuple(trial.seed for trial in trials),
        num_subjects=rows["subject_id"].nunique(),
        num_clips=rows["clip_id"].nunique(),
        accuracy=accuracy,
        majority=majority_share(rows.loc[rows["seed"] == rows["seed"].iloc[0], "label"].tolist()),
        best_epoch=round(statistics.median(trial.metrics["best_epoch"] for trial in trials)),
        search_accuracy=searched.metrics["accuracy"] if searched else None,
        optimism=_optimism(ledger, searched, accuracy) if searched else None,
        units=units_of(rows),
        leaky=ledger.leaky,
        by_seed=tuple(rows.groupby("seed", sort=False)["correct"].mean().tolist()),
    )


def _optimism(ledger: Ledger, searched: Trial, confirmed: Interval) -> Interval | None:
    """By how much the search's score exceeds the confirmed one.

    Validation and holdout people are different people. A confirmation also trains on the fold's test people, so what the
    search promised too much shows a little smaller than it is.
    """
    try:
        rows = pd.read_parquet(predictions_of(ledger, searched))
        return independent_difference(holdout_accuracy(rows), confirmed)
    except (OSError, ValueError, KeyError):  # gone or damaged: nothing but this figure rests on it
        return None
