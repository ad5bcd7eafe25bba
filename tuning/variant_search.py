"""Tuning every variant of a design alike: one search of the same number of trials for each, on validation data."""

from __future__ import annotations

import dataclasses
import math
from collections import Counter, deque
from typing import TYPE_CHECKING, Any

from search_spaces.core.designs import Design
from search_spaces.core.study import Study
from tuning.ablation import searches_of
from tuning.ledger import Ledger, Trial, objective_values
from tuning.searcher import Chain, OptunaProposer

if TYPE_CHECKING:
    from tuning.study_runner import Runner


def search_each(runner: Runner, *, deadline: float | None = None) -> bool:
    """Bring every variant to as many search trials as the design gives each, in one Ray Tune run.

    Half-run trials go on first. Tells whether all variants have had theirs (`deadline` may have come before).
    """
    design = runner.study.design
    assert design is not None
    begun = searches_of(runner.ledger, design)
    halted = [trial for trial in begun if trial.state in ("RUNNING", "INTERRUPTED")]
    count = _num_lacking(design, begun) + len(halted)
    if count:
        runner.run("search", Chain(halted, EachVariant(runner.study, begun)), count, deadline=deadline)
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


class EachVariant:
    """The proposers of all variants, asked in turn, so that an early end leaves them about equally far.

    Every variant's searcher has the same seeds and begins with the same points.
    """

    def __init__(self, study: Study, begun: list[Trial]) -> None:
        assert study.design is not None
        self._study, self._variants = study, study.design.variants
        self._proposers = {
            name: OptunaProposer(
                study,
                num_samples=study.design.tune_each,
                begun=[self._searched(trial) for trial in begun if trial.variant == name],
            )
            for name in self._variants
        }
        self._turns = deque(self._variants)

    def propose(self) -> Trial | None:
        for _ in range(len(self._turns)):
            name = self._turns[0]
            self._turns.rotate(-1)
            trial = self._proposers[name].propose()
            if trial is not None:
                parameters = {**self._variants[name], **trial.parameters}
                return dataclasses.replace(trial, variant=name, parameters=parameters)
        return None

    def told(self, trial: Trial) -> None:
        self._proposers[trial.variant].told(self._searched(trial))

    def _searched(self, trial: Trial) -> Trial:
        """The trial with what was searched alone: a variant's own changes are no choice of its searcher."""
        searched = {key: value for key, value in trial.parameters.items() if key in self._study.parameters}
        return dataclasses.replace(trial, parameters=searched)


def _num_lacking(design: Design, trials: list[Trial]) -> int:
    """How many search trials the variants lack; one that has more than its share makes up for no other."""
    has = Counter(trial.variant for trial in trials)
    return sum(max(0, design.tune_each - has[name]) for name in design.variants)
