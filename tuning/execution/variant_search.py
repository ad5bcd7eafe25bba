"""Tuning every variant of a design alike: one search of the same number of trials for each, on validation data."""

from __future__ import annotations

import dataclasses
from collections import Counter
from typing import Any

from search_spaces.core.designs import Design
from search_spaces.core.study import Study
from tuning.execution.ahead import chosen_of, lacking_searches
from tuning.execution.runner import Runner
from tuning.execution.search.named import name_for, searcher_of
from tuning.execution.search.space import all_tried
from tuning.records.ledger import Trial
from tuning.records.selection import searches_of


def search_each(
    runner: Runner, *, deadline: float | None = None, keep_weights: str | None = None, searcher: str | None = None
) -> bool:
    """Bring every variant to as many search trials as the design gives each, in one Ray Tune run.

    Every variant's searcher has the same seeds and begins with the same points. Half-run trials go on first. Tells whether
    all variants have had theirs (`deadline` may have come before). Weights go as at the end of any search.
    """
    design = runner.study.design
    assert design is not None
    begun = searches_of(runner.ledger, design)
    name = name_for(runner.study, searcher or runner.ledger.study.get("searcher"), runner.noted)
    searchers = {one: _OfVariant(runner.study, design, one, begun, name) for one in design.variants}
    lacking = lacking_searches(runner.study, begun)
    facts = {"searcher": name} | ({"keep_weights": keep_weights} if keep_weights else {})
    runner.run_in_turn("search", searchers, begun=begun, num_new=sum(lacking.values()), deadline=deadline, **facts)
    runner.free()
    ended = [trial for trial in searches_of(runner.ledger, design) if trial.ended]
    lacking, has = lacking_searches(runner.study, ended), Counter(trial.variant for trial in ended)
    few = {name: has[name] + more for name, more in lacking.items() if has[name] + more < design.tune_each}
    for name in few.keys() - runner.ledger.study.get("few_searches", {}).keys():
        runner.noted(all_tried(name, few[name]))
    if few or "few_searches" in runner.ledger.study:
        runner.ledger.open_study(few_searches=few)
    return not any(lacking.values())


class _OfVariant:
    """The searcher of one variant: what is asked for gets the variant's own changes, which are no choice of the searcher."""

    def __init__(self, study: Study, design: Design, name: str, begun: list[Trial], searcher: str) -> None:
        self._study, self._name, self._changes = study, name, design.variants[name]
        own = [chosen_of(study, trial) for trial in begun if trial.variant == name]
        given: dict[str, Any] = {"num_samples": design.tune_each, "begun": own, "changes": self._changes}
        self._searcher = searcher_of(searcher, study, **given)

    def ask(self) -> Trial | None:
        trial = self._searcher.ask()
        if trial is None:
            return None
        parameters = self._study.effective({**self._changes, **trial.parameters})
        return dataclasses.replace(trial, variant=self._name, parameters=parameters)

    def tell(self, trial: Trial) -> None:
        self._searcher.tell(chosen_of(self._study, trial))

    @property
    def ready(self) -> bool:
        """Whether its searcher is."""
        return self._searcher.ready
