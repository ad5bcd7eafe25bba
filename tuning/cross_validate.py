"""Nested cross-validation: a search of its own in every fold, tested on people whom that search never saw.

A search is never shown the test people of its fold, so what it chose there is tested on them without bias, and all folds
together test nearly everybody who is not locked away. It judges the search as a procedure (its space, so many trials, the
way it chooses) and no configuration: every fold may choose another. The holdout is not read, and `promote` keeps to it.
"""

from __future__ import annotations

import dataclasses
from functools import partial
from pathlib import Path
from typing import Any

from search_spaces.core.study import Study
from tuning.confirm import require_search
from tuning.confirming.beside import present_champion, trials_of_champion
from tuning.evidence.nested_cross_validation import SEARCHED, NestedResult, nested_results
from tuning.execution.devices.placement import Placement
from tuning.execution.runner import Listener, Runner
from tuning.execution.search.named import name_for, searcher_of
from tuning.execution.search.space import Space
from tuning.execution.seeds import fresh_seeds
from tuning.notifying.watched import notified
from tuning.records.front.choice import choose
from tuning.records.home import home_of, name_of
from tuning.records.ledger import Trial
from tuning.records.selection import comparable
from tuning.records.trial import identity
from tuning.text.progress import heard


def cross_validate(
    study: str | Study,
    *,
    num_samples: int,
    seeds: int = 2,
    priority: str = "normal",
    home: str | Path | None = None,
    data_root: str | Path | None = None,
    notify: str | None = None,
    progress: bool | Listener = False,
    verbose: bool = False,
) -> NestedResult:
    """Judge the search of a study that was begun, as `cross_validate_search` says.

    `priority` is that of `Placement`, `notify` that of `run`.
    """
    given: dict[str, Any] = {"home": home, "data_root": data_root, "verbose": verbose}
    given["placement"] = Placement(priority=priority)
    require = partial(_require, num_samples=num_samples, seeds=seeds)
    with (
        notified(notify, name_of(study), home_of(home), heard(progress)) as listener,
        Runner(study, listener, **given, begun=True, require=require) as runner,
    ):
        return cross_validate_search(runner, num_samples=num_samples, seeds=seeds)


def plan_cross_validation(
    study: str | Study,
    *,
    num_samples: int,
    seeds: int = 2,
    home: str | Path | None = None,
    data_root: str | Path | None = None,
    progress: bool | Listener = False,
    verbose: bool = False,
) -> NestedPlan:
    """What `cross_validate` would run."""
    given: dict[str, Any] = {"home": home, "data_root": data_root, "verbose": verbose}
    with Runner(study, heard(progress), **given, begun=True, trains=False) as runner:
        return planned(runner, num_samples=num_samples, seeds=seeds)


def cross_validate_search(runner: Runner, *, num_samples: int, seeds: int = 2) -> NestedResult:
    """Search each fold with `num_samples` trials, then test what each chose with `seeds` fresh seeds on its test people.

    The present champion is trained on the same folds with the same seeds. What finished before is not run again. A fold
    that nothing can be chosen in is left out, and `notes` says so. Raises `ValueError` for an ablation, where there are
    fewer than two folds, and where fewer than two could be tested.
    """
    plan = planned(runner, num_samples=num_samples, seeds=seeds)
    begun = runner.ledger.of_phase("nested_search")
    searcher, folds = name_for(runner.study, runner.ledger.study.get("searcher"), runner.noted), range(plan.num_folds)
    searchers = {_name(fold): _OfFold(runner.study, fold, num_samples, begun, searcher) for fold in folds}
    runner.run_in_turn("nested_search", searchers, begun=begun, num_new=plan.searches)
    chosen = {fold: best for fold in range(plan.num_folds) if (best := _chosen(runner, fold))}
    fresh = fresh_seeds(runner.ledger, seeds)
    tests = [
        Trial(phase="nested", parameters=best.parameters, seed=seed, folds=(fold,), of=best.trial_id, variant=SEARCHED)
        for seed in fresh
        for fold, best in chosen.items()
    ]
    champion = present_champion(runner) if chosen else None
    beside = trials_of_champion(champion, "nested", fresh, list(chosen)) if champion else []
    runner.run_listed("nested", tests + beside)
    known = {identity(runner.study, trial): trial for trial in runner.ledger.of_phase("nested")}

    def of(asked: list[Trial]) -> list[Trial]:
        return [known[one] for one in (identity(runner.study, trial) for trial in asked) if one in known]

    return nested_results(
        runner.ledger,
        runner.splits,
        chosen,
        tests=of(tests),
        beside=of(beside),
        num_seeds=seeds,
    )


@dataclasses.dataclass(frozen=True, kw_only=True)
class NestedPlan:
    """What nested cross-validation will take: trials to search with that are missing yet, and trainings to test with in all."""

    num_folds: int
    searches: int
    tests: int
    with_champion: int

    def lines(self) -> list[str]:
        """For people."""
        return [
            f"Nested cross-validation: {self.searches} search trials to run in {self.num_folds} folds, then {self.tests} "
            f"trainings to test what they chose ({self.with_champion} where there is a champion to compare with)."
        ]


def planned(runner: Runner, *, num_samples: int, seeds: int = 2) -> NestedPlan:
    """What `cross_validate_search` would run; it raises the same."""
    _require(runner, num_samples=num_samples, seeds=seeds)
    num_folds = len(runner.splits.folds)
    if num_folds < 2:
        raise ValueError(
            f"Study {runner.study.name} has 1 fold; nested cross-validation needs at least 2. `confirm` tests "
            "the holdout."
        )
    begun = runner.ledger.of_phase("nested_search")
    searches = sum(
        Space(_study_of(runner.study, fold)).num_new(num_samples, _trials_of(begun, fold)) for fold in range(num_folds)
    )
    tests = num_folds * seeds
    return NestedPlan(num_folds=num_folds, searches=searches, tests=tests, with_champion=2 * tests)


def _require(runner: Runner, *, num_samples: int, seeds: int) -> None:
    """Raises what is known without the data."""
    require_search(runner)
    if num_samples < 1 or seeds < 1:
        raise ValueError(f"{num_samples} trials and {seeds} seeds were given; whole numbers of at least 1 are allowed.")
    fresh_seeds(runner.ledger, seeds)


class _OfFold:
    """The searcher of one fold, which learns from the trials of that fold alone."""

    def __init__(self, study: Study, fold: int, num_samples: int, begun: list[Trial], searcher: str) -> None:
        self._name = _name(fold)
        own = _trials_of(begun, fold)
        self._searcher = searcher_of(searcher, _study_of(study, fold), num_samples=num_samples, begun=own)

    def ask(self) -> Trial | None:
        trial = self._searcher.ask()
        return None if trial is None else dataclasses.replace(trial, phase="nested_search", variant=self._name)

    def tell(self, trial: Trial) -> None:
        self._searcher.tell(trial)

    @property
    def ready(self) -> bool:
        """Whether its searcher is."""
        return self._searcher.ready


def _name(fold: int) -> str:
    return f"fold-{fold}"


def _study_of(study: Study, fold: int) -> Study:
    return dataclasses.replace(study, search_folds=(fold,))


def _trials_of(trials: list[Trial], fold: int) -> list[Trial]:
    return [trial for trial in trials if trial.folds == (fold,)]


def _chosen(runner: Runner, fold: int) -> Trial | None:
    """What the search of `fold` recommends, as every search does, on the validation people of that fold."""
    trials = _trials_of(runner.ledger.finished("nested_search"), fold)
    trials = comparable(runner.study, runner.ledger, trials, runner.noted)
    if not trials:
        return None
    found = choose(runner.study, runner.ledger, trials, len(runner.splits.view("nested_search", fold).validation))
    return None if found.recommended is None else runner.ledger.trials[found.recommended]
