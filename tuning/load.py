"""`load`: a study as tables, running or not. It takes no lock and changes nothing."""

from __future__ import annotations

import dataclasses
import math
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from trainables.core.baselines.record import Baseline
from tuning.evidence import holdout
from tuning.evidence.ablation import comparison_of
from tuning.evidence.race import Raced, Racer, raced
from tuning.records.front.course import course_of
from tuning.records.front.told import probability_of
from tuning.records.home import Named, home_of, name_of
from tuning.records.ledger import Ledger, Trial, objective_values, read_begun
from tuning.statistics.intervals import Interval
from tuning.statistics.pairing import NotComparable
from tuning.statistics.pareto import non_dominated
from tuning.text import ablation_numbers

_MARKS = {
    "drawn": "drawn faces: no figure here says how accurate a model is on real ones",
    "leaky": "the same people are in training and in test",
    "smoke": "a smoke run: its figures mean nothing",
}
_OF_TRIALS = ("phase", "state", "variant", "of", "seed", "folds", "device", "started_at", "ended_at", "error")


@dataclasses.dataclass(frozen=True)
class Snapshot:
    """The study `name` as its ledger told it when it was loaded. Tables are pandas'; quantities carry their unit's name."""

    name: str
    home: Path
    ledger: Ledger

    def __repr__(self) -> str:
        marks = "".join(f"; {mark}" for mark in self.marks)
        trials = f"{len(self.ledger.trials)} trials, {len(self.front)} of them on the front"
        return f"{self.name} under {self.home}: {trials}{marks}"

    @property
    def marks(self) -> tuple[str, ...]:
        """What bounds every figure of the study; in `.attrs["marks"]` of each table too. Empty for most."""
        return tuple(words for fact, words in _MARKS.items() if self.ledger.study.get(fact))

    @cached_property
    def trials(self) -> pd.DataFrame:
        """A row for each trial by `trial_id`: what it was, its parameters, and its metrics at the chosen epoch.

        A parameter that has no effect in a trial, or does not exist in it, is missing there. Where the study went on with
        other data, `data_version` counts them: the front is that of the last. `front_probability` is that of search trials
        once the study has chosen among them.
        """
        found = self._table(list(self.ledger.trials.values()))
        found["front_probability"] = [probability_of(self.ledger, self.ledger.trials[name]) for name in found.index]
        return found

    @cached_property
    def front(self) -> pd.DataFrame:
        """The search trials that no other dominates in all objectives, the likeliest first: parameters and objectives.

        `recommended` marks one of them once the study has chosen, and `front_probability` then says how probable it is that
        one belongs there, noise counted (docs/decisions/0028). Empty for an ablation, and before a trial has finished.
        """
        objectives = [tuple(one) for one in self.ledger.study.get("objectives", [])]
        values = {
            trial.trial_id: objective_values(trial, [metric for metric, _ in objectives])
            for trial in self.ledger.finished("search")
        }
        complete = {trial_id: row for trial_id, row in values.items() if all(map(math.isfinite, row))}
        best = non_dominated(list(complete.values()), [way for _, way in objectives]) if complete else []
        members = [trial_id for trial_id, member in zip(complete, best, strict=True) if member]
        searched = dict.fromkeys(key for trial_id in members for key in self.ledger.trials[trial_id].parameters)
        measured = [metric for metric, _ in objectives] if members else []
        found = self.trials.loc[members, ["front_probability", *searched, *measured]]
        found.insert(0, "recommended", found.index == self.ledger.selection.get("recommended"))
        if members:
            ways = [False, objectives[0][1] == "min"]
            found = found.sort_values(["front_probability", measured[0]], ascending=ways, kind="stable")
        return self._marked(found)

    @cached_property
    def curves(self) -> pd.DataFrame:
        """A row for each epoch of each trial: `trial_id`, `epoch`, losses and validation metrics."""
        rows = [{"trial_id": trial.trial_id, **row} for trial in self.ledger.trials.values() for row in trial.curve]
        return self._marked(pd.DataFrame(rows, columns=None if rows else ["trial_id", "epoch"]))

    @cached_property
    def baselines(self) -> pd.DataFrame:
        """A row for each baseline by `name`, scored as trials are: `accuracy` from `low` to `high`, or the `error`."""
        rows = [dataclasses.asdict(one) for one in self.ledger.baselines]
        columns = [field.name for field in dataclasses.fields(Baseline)]
        return self._marked(pd.DataFrame(rows, columns=columns).set_index("name"))

    @cached_property
    def race(self) -> pd.DataFrame:
        """A row for each configuration of the last race that ended, the winner first, and the champion beside them.

        `accuracy` is that by cross-validation, `behind` what it lacks to the winner (negative) on the same people, each from
        `_low` to `_high`. `.attrs` says how the race ended: its `winner`, what that has to be believed (`corrected`,
        `corrected_low`, `corrected_high`), `num_folds`, `num_seeds` and so on. Empty where none has ended; `.attrs["reason"]`
        then says why.
        """
        found = raced(self.ledger)
        if found is None:
            begun = course_of(self.ledger)
            reason = f"{begun.told[0].upper()}{begun.told[1:]}." if begun and not begun.winner else "Nothing has raced."
            if begun and begun.winner:
                reason = "The predictions of the race are gone."
            return self._marked(pd.DataFrame(), reason=reason)
        facts = {key: value for key, value in _flat(found).items() if key != "racers"}
        return self._marked(pd.DataFrame([_flat(racer) for racer in found.racers]), reason="", **facts)

    @cached_property
    def evidence(self) -> pd.DataFrame:
        """What stands after fresh seeds: of a search a row for each configuration that was confirmed on the holdout.

        Of an ablation a row for each variant, with its difference to the reference. Accuracies are shares, intervals end
        in `_low` and `_high`. Empty where there is nothing yet; `.attrs["reason"]` then says why.
        """
        if not self.ledger.study.get("design"):
            found = pd.DataFrame([_flat(row) for row in holdout.evidence(self.ledger)])
            return self._marked(found, reason="Nothing was confirmed." if found.empty else "")
        try:
            found = pd.DataFrame(ablation_numbers.rows(comparison_of(self.ledger))).replace({"": None})
            return self._marked(found, reason="")
        except NotComparable as error:
            return self._marked(pd.DataFrame(), reason=str(error))

    def _table(self, trials: list[Trial]) -> pd.DataFrame:
        keys = _OF_TRIALS if self.ledger.data_version == 1 else ("data_version", *_OF_TRIALS)
        rows = [
            {"trial_id": trial.trial_id, **{key: getattr(trial, key) for key in keys}}
            | (trial.parameters if trial.trainable else self.ledger.effective(trial.parameters))
            | trial.metrics
            for trial in trials
        ]
        found = pd.DataFrame(rows, columns=None if rows else ["trial_id", *keys]).set_index("trial_id")
        for key in ("started_at", "ended_at"):
            found[key] = pd.to_datetime(pd.to_numeric(found[key]), unit="s", utc=True)
        return self._marked(found)

    def _marked(self, table: pd.DataFrame, **facts: Any) -> pd.DataFrame:
        table.attrs |= {"marks": list(self.marks), **facts}
        return table


def load(study: str | Named, home: str | Path | None = None) -> Snapshot:
    """The study `study` under `home` as it stands, also while it runs.

    Raises `ValueError` that names the home where it was not begun there.
    """
    place, name = home_of(home), name_of(study)
    return Snapshot(name=name, home=place, ledger=read_begun(place, name))


def _flat(row: holdout.Evidence | Racer | Raced) -> dict[str, Any]:
    """A confirmed configuration, or one that raced, as a row: its parameters and each interval in columns of their own."""
    found: dict[str, Any] = {}
    for field in dataclasses.fields(row):
        value = getattr(row, field.name)
        if isinstance(value, Interval):
            found |= {field.name: value.mean, f"{field.name}_low": value.low, f"{field.name}_high": value.high}
        elif field.name == "parameters":
            found |= value
        else:
            found[field.name] = value
    return found
