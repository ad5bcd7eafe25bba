"""The baselines of a study (docs/decisions/0025): the first job of its first slot, so that they have a trial's devices."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from search_spaces.core.starting import first_parameters
from search_spaces.core.study import Study
from trainables.core import files
from trainables.core.baselines.record import BASELINES, TITLES, Baseline, told
from trainables.core.phases import Phase
from trainables.core.training.trial import TrialSpec
from trainables.core.wording import first_line
from tuning.execution.ahead import chosen_folds
from tuning.records.ledger import Ledger
from tuning.statistics.intervals import accuracy_interval, with_trainings
from tuning.statistics.pairing import judged

BEFORE_TRIALS = "Baselines first, about a minute."  # where no other slot trains beside them


@dataclasses.dataclass(frozen=True, kw_only=True)
class Baselines:
    """A job of `Bookkeeper`: what is measured, and where it is written down and told."""

    spec: TrialSpec
    ledger: Ledger
    tell: Callable[[str], None]

    def ended(self, result: Mapping[str, Any], error: bool) -> None:
        """Write down what was measured, or why nothing was. An interruption leaves no trace: the next run measures."""
        if not (error or result.keys() & {"baselines", "failed"}):
            return
        reason = first_line(result.get("failed", "")) or "the process that measured it died; see the logs of Ray"
        rows = result.get("baselines") or [dataclasses.asdict(Baseline(name=name, error=reason)) for name in TITLES]
        found = [self._with_interval(Baseline.of(row)) for row in rows]
        self.ledger.note(
            BASELINES,
            phase=self.spec.phase,
            folds=list(self.spec.folds),
            rows=[dataclasses.asdict(one) for one in found],
        )
        self.tell(told(found))

    def _with_interval(self, one: Baseline) -> Baseline:
        if one.error:
            return one
        rows = judged(pd.read_parquet(Path(self.spec.folder) / one.folder / files.PREDICTIONS))
        interval = accuracy_interval(rows["correct"], rows["subject_id"].tolist())
        if one.num_seeds:
            interval = with_trainings(interval, one.num_seeds)
        return dataclasses.replace(one, low=interval.low, high=interval.high)


def baselines_due(
    study: Study, ledger: Ledger, phase: Phase, num_folds: int, spec: TrialSpec, tell: Callable[[str], None]
) -> Baselines | None:
    """The job that is to come before the trials of `phase`; `None` where it is done, not wanted, or chooses nothing.

    It is done once a baseline that learns was measured: where all of them failed, a study that goes on tries again.

    `spec` is that of any trial of the study. Of a search the folds are those that it searches on. An ablation compares on
    its test people, before the searches of its variants too, and its folds are all.
    """
    measured = [one for one in ledger.baselines if one.name != "majority" and not one.error]
    if not study.baselines or measured or phase not in ("search", "ablation"):
        return None
    whole = study.design is not None
    job = dataclasses.replace(
        spec,
        trial_id=BASELINES,
        phase="ablation" if whole else "search",
        parameters=first_parameters(study) or spec.parameters,
        folds=chosen_folds(study, None, num_folds) if whole else tuple(study.search_folds),
        seed=study.seed,
        folder=str(Path(ledger.folder) / files.TRIALS),
    )
    return Baselines(spec=job, ledger=ledger, tell=tell)
