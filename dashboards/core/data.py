"""What the panels read: one study's ledger, and the predictions that its trials left."""

from __future__ import annotations

import dataclasses
import math
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from search_spaces.core.study import PARETO
from trainables.core.phases import Phase
from tuning.evidence.holdout import Evidence, evidence, predictions_of
from tuning.evidence.race import Raced, raced
from tuning.records.front.course import course_of
from tuning.records.front.told import likeliest_first, members_of, probability_of
from tuning.records.ledger import Ledger, Trial, objective_values, read_begun
from tuning.records.selection import ranked_front
from tuning.statistics import pareto


class Objective(NamedTuple):
    """An objective as the ledger names it: one that is no longer measured is still shown."""

    metric: str
    direction: pareto.Direction


@dataclasses.dataclass(frozen=True)
class ReportData:
    """One study as its ledger tells it at `written_at`; safe to read while a driver writes it."""

    name: str
    ledger: Ledger
    written_at: datetime

    @property
    def study(self) -> dict[str, Any]:
        """What the study was when it last ran: space, settings, data, device, commit; empty before that."""
        return self.ledger.study

    @cached_property
    def objectives(self) -> tuple[Objective, ...]:
        """The objectives that the search had, the primary one first."""
        stored = self.study.get("objectives") or [(one.metric, one.direction) for one in PARETO]
        return tuple(Objective(*one) for one in stored)

    @property
    def is_ablation(self) -> bool:
        """Whether the study compares variants, so that it chooses and recommends nothing."""
        return bool(self.study.get("design"))

    @cached_property
    def trained(self) -> list[Trial]:
        """What the study is about, in order of the start: the trainings of an ablation, else the search trials."""
        return self.ledger.of_phase("ablation") if self.is_ablation else self.search

    @cached_property
    def search(self) -> list[Trial]:
        """The search trials in order of their start."""
        return self.ledger.of_phase("search")

    def on_former_data(self, phase: Phase) -> list[Trial]:
        """The trials of a phase on data that the study has gone on from: they count no more."""
        begun = tuple(self.ledger.trials.values())
        return [one for one in begun if one.phase == phase and one.data_version != self.ledger.data_version]

    @cached_property
    def complete(self) -> list[Trial]:
        """The finished search trials that have a finite value of every objective."""
        return [trial for trial in self.ledger.finished("search") if all(map(math.isfinite, self.values(trial)))]

    @cached_property
    def searched(self) -> list[str]:
        """The searched parameters: those of the space, then any others that trials had."""
        keys = dict.fromkeys(self.study.get("space", {}))
        for trial in self.search:
            keys |= dict.fromkeys(trial.parameters)
        return list(keys)

    @cached_property
    def front(self) -> list[Trial]:
        """The complete trials that no other dominates, as of now; the recommended one first."""
        if not self.complete:
            return []
        directions = [objective.direction for objective in self.objectives]
        chosen = pareto.non_dominated([self.values(trial) for trial in self.complete], directions)
        front = {trial.trial_id: trial for trial, member in zip(self.complete, chosen, strict=True) if member}
        ranked = [trial for trial in ranked_front(self.ledger) if trial.trial_id in front]
        return list({trial.trial_id: trial for trial in (*ranked, *front.values())}.values())

    @cached_property
    def members(self) -> list[Trial]:
        """The exact front, and who is on it in one draw of five or more; the likeliest first."""
        beside = [self.ledger.trials[name] for name in members_of(self.ledger)]
        complete = {trial.trial_id for trial in self.complete}
        known = {trial.trial_id: trial for trial in (*self.front, *beside) if trial.trial_id in complete}
        return likeliest_first(self.ledger, known.values())

    def front_probability(self, trial: Trial) -> float:
        """How probable it is that `trial` belongs on the front; NaN where the study has not chosen among others and it."""
        return probability_of(self.ledger, trial)

    @cached_property
    def recommended(self) -> Trial | None:
        """The member that the study recommends; none before its search has ended."""
        return self.ledger.trials.get(self.ledger.selection.get("recommended") or "")

    @property
    def selection_is_current(self) -> bool:
        """Whether the study has chosen among the trials that there are now."""
        return set(self.ledger.selection.get("front", [])) == {trial.trial_id for trial in self.front}

    @cached_property
    def evidence(self) -> list[Evidence]:
        """What was confirmed on the holdout; empty where nothing was or its predictions are gone."""
        return self._evidence[0]

    @cached_property
    def race(self) -> Raced | None:
        """How the members raced; `None` where they did not, or where the predictions of the race are gone."""
        try:
            return raced(self.ledger)
        except (OSError, ValueError):
            return None

    @property
    def race_under_way(self) -> str:
        """How a race stands that has not ended, in one sentence; `""` where none runs."""
        begun = course_of(self.ledger)
        return "" if begun is None or begun.winner else f"{begun.told[0].upper()}{begun.told[1:]}."

    @property
    def evidence_problem(self) -> str:
        """Why confirmations that ran cannot be shown, `""` where they can."""
        return self._evidence[1]

    @cached_property
    def devices(self) -> dict[str, str]:
        """The kind of device of each trial that has ended."""
        shared = self.study.get("device", "")  # ledgers of before trials told their own
        found = {trial.trial_id: trial.device or shared for trial in self.ledger.trials.values()}
        return {trial_id: device for trial_id, device in found.items() if device}

    @property
    def drawn(self) -> bool:
        """Whether the faces are drawn ones."""
        return bool(self.study.get("drawn")) or self.study.get("dataset") == "drawn_faces"

    def values(self, trial: Trial) -> list[float]:
        """The objectives of `trial`; NaN where it has none."""
        return objective_values(trial, [objective.metric for objective in self.objectives])

    def predictions(self, trial: Trial) -> pd.DataFrame | None:
        """The rows of `predictions.parquet`; None where the file is gone or damaged."""
        try:
            return pd.read_parquet(predictions_of(self.ledger, trial))
        except (OSError, ValueError):
            return None

    @cached_property
    def _evidence(self) -> tuple[list[Evidence], str]:
        try:
            return evidence(self.ledger), ""
        except (OSError, ValueError) as error:
            return [], f"The confirmations cannot be shown, because their predictions cannot be read ({error})."


def read_report_data(home: Path, name: str) -> ReportData:
    """The study `name` under `home`. Raises `ValueError` where it was not begun."""
    return ReportData(name=name, ledger=read_begun(home, name), written_at=datetime.now().astimezone())
