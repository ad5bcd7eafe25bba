"""A sampler of Optuna's, by ask and tell: it is asked for parameters and told, correctly, how each trial ended.

Ray's own `OptunaSearch` tells Optuna that a trial stopped early is complete and leaves one without a value running for
ever, so this asks and tells Optuna itself. The Optuna study lives in memory and is rebuilt from the ledger.
"""

from __future__ import annotations

import contextlib
import math
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import optuna
from optuna.study import StudyDirection
from optuna.trial import TrialState

from search_spaces.core.study import Study
from tuning.execution.search.space import Space, is_open
from tuning.execution.seeds import search_seed
from tuning.records.ledger import Trial, objective_values

_MOST_REPEATED = 20  # suggestions in a row that were tried before, until a point is drawn among those that were not


class OptunaSearcher:
    """A `sampler` of Optuna's over a study's parameters, `num_samples` trials in all; without one, multi-objective TPE.

    `begun` are the search trials there are: they count, and those that finished and fit today's space teach the sampler.
    The configurations of `first` that fit it are tried before the study's first points. `changes` are those of a design's
    variant. No configuration is tried twice unless it failed: what the sampler repeats
    is asked for again, and in the end drawn among the untried; where none is left, the search is `exhausted`.
    A parameter that does not exist in a trial is neither asked for nor told.
    """

    def __init__(
        self,
        study: Study,
        *,
        num_samples: int,
        begun: list[Trial],
        first: Sequence[Trial] = (),
        changes: Mapping[str, Any] | None = None,
        sampler: optuna.samplers.BaseSampler | None = None,
    ) -> None:
        self._study, self._number, self._num_samples = study, len(begun), num_samples
        self._metrics = [objective.metric for objective in study.objectives]
        self._space = Space(study, changes)
        self._tried = self._space.tried(begun)
        self.exhausted = False
        self._asked: dict[tuple[Any, ...], list[optuna.Trial]] = {}
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            sampler = sampler or optuna.samplers.TPESampler(
                seed=study.seed + len(begun),
                multivariate=True,
                group=self._space.is_conditional,  # one model for each set of parameters that exist together
                n_startup_trials=min(10, max(4, num_samples // 3)),
            )
        direction = {"max": StudyDirection.MAXIMIZE, "min": StudyDirection.MINIMIZE}
        self._optuna = optuna.create_study(
            directions=[direction[objective.direction] for objective in study.objectives], sampler=sampler
        )
        before = [self._space.point(trial.parameters).items() for trial in begun]
        again = [trial.parameters for trial in first if self._fits(trial)]
        for point in map(self._space.point, (*again, *study.first_points)):
            if not any(point.items() <= items for items in before):
                self._optuna.enqueue_trial(point)
        for trial in begun:
            self._learn(trial)

    def ask(self) -> Trial | None:
        if self._number >= self._num_samples:
            return None
        asked = self._asked_for()
        if asked is None:
            self.exhausted = True
            return None
        self._tried.add(self._space.identity(asked.params))
        self._asked.setdefault(_key(asked.params), []).append(asked)
        seed = search_seed(self._study.seed, self._number)
        self._number += 1
        return Trial(phase="search", parameters=asked.params, seed=seed, folds=self._study.search_folds)

    def tell(self, trial: Trial) -> None:
        if is_open(trial):
            self._tried.discard(self._space.identity(trial.parameters))
        waiting = self._asked.get(_key(trial.parameters))
        if not waiting:  # asked for in an earlier run, and resumed in this one
            self._learn(trial)
            return
        asked, values = waiting.pop(), objective_values(trial, self._metrics)
        complete = trial.state == "FINISHED" and all(map(math.isfinite, values))
        # A trial stopped early has no comparable values: Optuna may not take its early ones for final.
        self._optuna.tell(asked, values if complete else None, state=None if complete else TrialState.FAIL)

    @property
    def ready(self) -> bool:
        """It works a proposal out when it is asked."""
        return True

    def _asked_for(self) -> optuna.Trial | None:
        """A trial of Optuna's with a point that is untried; `None` where there is none."""
        for _ in range(_MOST_REPEATED):
            asked = self._space.ask(self._optuna)
            if self._space.identity(asked.params) not in self._tried:
                return asked
            # Told as failed, which the sampler leaves out: nothing was measured, and a copy would weigh double.
            self._optuna.tell(asked, state=TrialState.FAIL)
        point = self._space.untried(self._tried, self._study.seed + self._number)
        if point is None:
            return None
        self._optuna.enqueue_trial(point)
        return self._space.ask(self._optuna)

    def _learn(self, trial: Trial) -> None:
        """Add a trial that was not asked for here, where it finished and fits today's space."""
        values = objective_values(trial, self._metrics)
        if trial.state == "FINISHED" and all(map(math.isfinite, values)):
            with contextlib.suppress(ValueError):
                self._optuna.add_trial(self._told(trial.parameters, values))

    def _fits(self, trial: Trial) -> bool:
        try:
            self._told(trial.parameters, [0.0] * len(self._metrics))
        except ValueError:
            return False
        return True

    def _told(self, parameters: Mapping[str, Any], values: Sequence[float]) -> optuna.trial.FrozenTrial:
        """A trial as Optuna is told it. Raises `ValueError` where `parameters` do not fit today's space."""
        if not self._space.fits(parameters):
            raise ValueError(f"{parameters} is no point of this space.")
        point = {key: value for key, value in self._space.point(parameters).items() if key in self._space.distributions}
        distributions = {key: self._space.distributions[key] for key in point}
        return optuna.trial.create_trial(params=point, distributions=distributions, values=values)


def _key(parameters: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(sorted(parameters.items()))
