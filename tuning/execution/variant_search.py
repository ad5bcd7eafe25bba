"""Tuning every variant of a design alike: one search of the same number of trials for each, on validation data."""

from __future__ import annotations

import dataclasses
import math
from collections import Counter
from typing import TYPE_CHECKING, Any

from search_spaces.core.designs import Design
from search_spaces.core.study import Study
from tuning.evidence.ablation import searches_of
from tuning.execution.in_turn import run_in_turn
from tuning.execution.searcher import OptunaProposer
from tuning.records.ledger import Ledger, Trial, objective_values

if TYPE_CHECKING:
    from tuning.execution.runner import Runner


def search_each(runner: Runner, *, deadline: float | None = None) -> bool:
    """Bring every variant to as many search trials as the design gives each, in one Ray Tune run.

    Every variant's searcher has the same seeds and begins with the same points. Half-run trials go on first. Tells whether
    all variants have had theirs (`deadline` may have come before).
    """
    design = runner.study.design
    assert design is not None
    begun = searches_of(runner.ledger, design)
    proposers = {name: _OfVariant(runner.study, design, name, begun) for name in design.variants}
    run_in_turn(runner, "search", proposers, begun=begun, num_new=_num_lacking(design, begun), deadline=deadline)
    ended = [trial for trial in searches_of(runner.ledger, design) if trial.state in ("FINISHED", "FAILED")]
    return _num_lacking(design, ended) == 0


def best_by_variant(ledger: Ledger, study: Study) -> dict[str, dict[str, Any]]:
    """The settings of each variant's best trial by the study's first objective; a variant without one is left out."""
    assert study.design is not None
    first = study.objectives[0]
    sign = 1 if first.direction == "max" else -1
    best: dict[str, tuple[float, Trial]] = {}
    for trial in searches_of(ledger, study.design):
        value = sign * objective_values(trial, [first.metric])[0]
        usable = trial.state == "FINISHED" and math.isfinite(value)
        if usable and (trial.variant not in best or value > best[trial.variant][0]):
            best[trial.variant] = value, trial
    return {name: best[name][1].parameters for name in study.design.variants if name in best}


class _OfVariant:
    """The searcher of one variant: what is proposed gets the variant's own changes, which are no choice of the searcher."""

    def __init__(self, study: Study, design: Design, name: str, begun: list[Trial]) -> None:
        self._name, self._changes, self._searched = name, design.variants[name], study.parameters
        own = [self._without_changes(trial) for trial in begun if trial.variant == name]
        self._proposer = OptunaProposer(study, num_samples=design.tune_each, begun=own)

    def propose(self) -> Trial | None:
        trial = self._proposer.propose()
        if trial is None:
            return None
        return dataclasses.replace(trial, variant=self._name, parameters={**self._changes, **trial.parameters})

    def told(self, trial: Trial) -> None:
        self._proposer.told(self._without_changes(trial))

    def _without_changes(self, trial: Trial) -> Trial:
        searched = {key: value for key, value in trial.parameters.items() if key in self._searched}
        return dataclasses.replace(trial, parameters=searched)


def _num_lacking(design: Design, trials: list[Trial]) -> int:
    """How many search trials the variants lack; one that has more than its share makes up for no other."""
    has = Counter(trial.variant for trial in trials)
    return sum(max(0, design.tune_each - has[name]) for name in design.variants)
