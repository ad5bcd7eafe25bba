"""What to try next, by ask and tell: an Optuna study is asked for parameters and told, correctly, how each trial ended.

Ray's own `OptunaSearch` tells Optuna that a trial stopped early is complete and leaves one without a value running for
ever, so this asks and tells Optuna itself. The Optuna study lives in memory and is rebuilt from the ledger.
"""

from __future__ import annotations

import contextlib
import math
import warnings
from collections import deque
from collections.abc import Mapping
from typing import Any, Protocol

import optuna
from optuna.study import StudyDirection
from optuna.trial import TrialState
from ray.tune.search.optuna import OptunaSearch

from search_spaces.core.study import Study
from tuning.execution.seeds import search_seed
from tuning.records.ledger import Trial, objective_values


class Searcher(Protocol):
    """Where the trials of a run come from."""

    def ask(self) -> Trial | None:
        """The next trial, without an id where it is new; `None` when there is nothing more to try."""
        ...

    def tell(self, trial: Trial) -> None:
        """A trial has ended: one that was asked for here, or one of an earlier run that was resumed."""
        ...


class OptunaSearcher:
    """Multi-objective TPE over a study's parameters, `num_samples` trials in all.

    `begun` are the search trials there are: they count, and those that finished and fit today's space teach the sampler.
    """

    def __init__(self, study: Study, *, num_samples: int, begun: list[Trial]) -> None:
        self._study, self._number, self._num_samples = study, len(begun), num_samples
        self._metrics = [objective.metric for objective in study.objectives]
        self._space = OptunaSearch.convert_search_space(dict(study.parameters))
        self._asked: dict[tuple[Any, ...], list[optuna.Trial]] = {}
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            sampler = optuna.samplers.TPESampler(
                seed=study.seed + len(begun), multivariate=True, n_startup_trials=min(10, max(4, num_samples // 3))
            )
        direction = {"max": StudyDirection.MAXIMIZE, "min": StudyDirection.MINIMIZE}
        self._optuna = optuna.create_study(
            directions=[direction[objective.direction] for objective in study.objectives], sampler=sampler
        )
        for point in study.first_points:
            if not any(dict(point).items() <= trial.parameters.items() for trial in begun):
                self._optuna.enqueue_trial(dict(point))
        for trial in begun:
            self._learn(trial)

    def ask(self) -> Trial | None:
        if self._number >= self._num_samples:
            return None
        asked = self._optuna.ask(self._space)
        self._asked.setdefault(_key(asked.params), []).append(asked)
        seed = search_seed(self._study.seed, self._number)
        self._number += 1
        return Trial(phase="search", parameters=asked.params, seed=seed, folds=self._study.search_folds)

    def tell(self, trial: Trial) -> None:
        waiting = self._asked.get(_key(trial.parameters))
        if not waiting:  # asked for in an earlier run, and resumed in this one
            self._learn(trial)
            return
        asked, values = waiting.pop(), objective_values(trial, self._metrics)
        complete = trial.state == "FINISHED" and all(map(math.isfinite, values))
        # A trial stopped early has no comparable values: Optuna may not take its early ones for final.
        self._optuna.tell(asked, values if complete else None, state=None if complete else TrialState.FAIL)

    def _learn(self, trial: Trial) -> None:
        """Add a trial that was not asked for here, where it finished and fits today's space."""
        values = objective_values(trial, self._metrics)
        same_keys = trial.parameters.keys() == self._space.keys()
        if trial.state != "FINISHED" or not same_keys or not all(map(math.isfinite, values)):
            return
        with contextlib.suppress(ValueError):  # Optuna's word for a value outside today's space
            self._optuna.add_trial(
                optuna.trial.create_trial(params=trial.parameters, distributions=self._space, values=values)
            )


class ListSearcher:
    """Trials that are known beforehand: a confirmation, a refit, an enumerated design."""

    def __init__(self, trials: list[Trial]) -> None:
        self._trials = list(trials)

    def ask(self) -> Trial | None:
        return self._trials.pop(0) if self._trials else None

    def tell(self, trial: Trial) -> None:
        """A list learns nothing."""


class HaltedFirst:
    """Half-run trials first, then what `then` answers."""

    def __init__(self, halted: list[Trial], then: Searcher) -> None:
        self._halted, self._then = list(halted), then

    def ask(self) -> Trial | None:
        return self._halted.pop(0) if self._halted else self._then.ask()

    def tell(self, trial: Trial) -> None:
        self._then.tell(trial)


class InTurn:
    """Searchers by the `variant` of their trials, asked in turn, so that an early end leaves all about equally far."""

    def __init__(self, searchers: Mapping[str, Searcher]) -> None:
        self._searchers, self._turns = dict(searchers), deque(searchers)

    def ask(self) -> Trial | None:
        for _ in range(len(self._turns)):
            name = self._turns[0]
            self._turns.rotate(-1)
            trial = self._searchers[name].ask()
            if trial is not None:
                return trial
        return None

    def tell(self, trial: Trial) -> None:
        self._searchers[trial.variant].tell(trial)


def _key(parameters: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(sorted(parameters.items()))
