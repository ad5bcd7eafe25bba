"""Tuning every variant of a design alike: one search of the same number of trials for each, on validation data."""

from __future__ import annotations

import dataclasses
from collections import Counter

from search_spaces.core.designs import Design
from search_spaces.core.study import Study
from tuning.execution.runner import Runner
from tuning.execution.searcher import OptunaSearcher
from tuning.records.ledger import Trial
from tuning.records.selection import searches_of


def search_each(runner: Runner, *, deadline: float | None = None) -> bool:
    """Bring every variant to as many search trials as the design gives each, in one Ray Tune run.

    Every variant's searcher has the same seeds and begins with the same points. Half-run trials go on first. Tells whether
    all variants have had theirs (`deadline` may have come before).
    """
    design = runner.study.design
    assert design is not None
    begun = searches_of(runner.ledger, design)
    searchers = {name: _OfVariant(runner.study, design, name, begun) for name in design.variants}
    runner.run_in_turn("search", searchers, begun=begun, num_new=_num_lacking(design, begun), deadline=deadline)
    ended = [trial for trial in searches_of(runner.ledger, design) if trial.ended]
    return _num_lacking(design, ended) == 0


class _OfVariant:
    """The searcher of one variant: what is asked for gets the variant's own changes, which are no choice of the searcher."""

    def __init__(self, study: Study, design: Design, name: str, begun: list[Trial]) -> None:
        self._name, self._changes, self._searched = name, design.variants[name], study.parameters
        own = [self._without_changes(trial) for trial in begun if trial.variant == name]
        self._searcher = OptunaSearcher(study, num_samples=design.tune_each, begun=own)

    def ask(self) -> Trial | None:
        trial = self._searcher.ask()
        if trial is None:
            return None
        return dataclasses.replace(trial, variant=self._name, parameters={**self._changes, **trial.parameters})

    def tell(self, trial: Trial) -> None:
        self._searcher.tell(self._without_changes(trial))

    def _without_changes(self, trial: Trial) -> Trial:
        searched = {key: value for key, value in trial.parameters.items() if key in self._searched}
        return dataclasses.replace(trial, parameters=searched)


def _num_lacking(design: Design, trials: list[Trial]) -> int:
    """How many search trials the variants lack; one that has more than its share makes up for no other."""
    has = Counter(trial.variant for trial in trials)
    return sum(max(0, design.tune_each - has[name]) for name in design.variants)
