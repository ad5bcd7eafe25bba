"""What a search may try: which parameters exist beside which, which configurations are one, and how many are left."""

from __future__ import annotations

import itertools
import random
from collections.abc import Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from ray.tune.search.optuna import OptunaSearch

from search_spaces.core.conditions import needed_by
from search_spaces.core.study import Study
from trainables.core.config import has_effect
from trainables.core.training.memory.fitting import DoesNotFit
from trainables.core.wording import counted
from tuning.execution.search.columns import Columns
from tuning.records.ledger import Trial

_MOST_CHOSEN_FROM = 1000  # untried configurations, of which one is drawn
_MOST_DRAWS = 1000  # of a space that cannot be listed, before nothing new is expected of it


class Space:
    """The points that a search of `study` may try, with the `changes` of a design's variant.

    A point has the searched parameters that exist beside one another. Two points of equal canonical configuration are
    one, so that a search tries neither twice.
    """

    def __init__(self, study: Study, changes: Mapping[str, Any] | None = None) -> None:
        self._study, self._changes = study, dict(changes or {})
        self._only_if = study.exists_only_if
        self._beside = {**study.defaults, **study.settings, **self._changes}
        converted = OptunaSearch.convert_search_space(dict(study.parameters))
        order = dict.fromkeys(one for key in converted for one in (*needed_by(key, self._only_if), key))
        self.distributions: dict[str, BaseDistribution] = {key: converted[key] for key in order if key in converted}
        self.columns = Columns(self.distributions)
        self.is_conditional = any(other in converted for key in converted for other in needed_by(key, self._only_if))

    def ask(self, study: optuna.Study) -> optuna.Trial:
        """A trial of `study` that is asked for the parameters that exist, each after those that it needs."""
        asked = study.ask()
        for key, distribution in self.distributions.items():
            if self._exists(key, asked.params):
                _suggest(asked, key, distribution)
        return asked

    def point(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Those of `parameters` that exist beside one another."""
        return {key: value for key, value in parameters.items() if self._exists(key, parameters)}

    def fits(self, parameters: Mapping[str, Any]) -> bool:
        """Whether `parameters`, of an earlier run, train what a point with all parameters that exist would."""
        point = self.point(parameters)
        searched = {key: value for key, value in point.items() if key in self.distributions}
        lacking = [key for key in self.distributions if key not in point and self._exists(key, point)]
        return not lacking and self.identity(searched) == self.identity(parameters)

    def has(self, key: str, value: Any) -> bool:
        """Whether the parameter `key` may be `value`."""
        try:
            optuna.trial.create_trial(params={key: value}, distributions={key: self.distributions[key]}, value=0.0)
        except (TypeError, ValueError):
            return False
        return True

    def admits(self, parameters: Mapping[str, Any]) -> bool:
        """Whether `parameters`, of an earlier run, are a point of today's space."""
        point = self.point(parameters)
        return self.fits(parameters) and all(self.has(key, point[key]) for key in self.distributions if key in point)

    def identity(self, parameters: Mapping[str, Any]) -> Hashable:
        """Equal for points that train the same."""
        try:
            return self._study.config({**self._changes, **parameters})
        except (TypeError, ValueError):  # it fails when it is trained, and says so there
            return tuple(sorted(parameters.items()))

    def tried(self, trials: Iterable[Trial]) -> set[Hashable]:
        """What `trials` have tried, or are about to, on the folds of today's search; one that failed leaves its point open."""
        folds = tuple(self._study.search_folds)
        return {self.identity(t.parameters) for t in trials if not is_open(t) and tuple(t.folds) == folds}

    def untried(self, tried: Collection[Hashable], seed: int) -> dict[str, Any] | None:
        """A point beside those `tried`, drawn by `seed`; `None` where there is none, or none was found in many draws."""
        if self._is_finite:
            left = list(itertools.islice(self._left(tried), _MOST_CHOSEN_FROM))
            return random.Random(seed).choice(left) if left else None
        draws = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed))
        points = (self.ask(draws).params for _ in range(_MOST_DRAWS))
        return next((point for point in points if self.identity(point) not in tried), None)

    def num_new(self, num_samples: int, begun: Sequence[Trial]) -> int:
        """How many trials a search of `num_samples` may still begin after those `begun`: no more than points are left."""
        wanted = max(0, num_samples - len(begun))
        return len(list(itertools.islice(self._left(self.tried(begun)), wanted))) if self._is_finite else wanted

    def points(self, most: int) -> list[dict[str, Any]] | None:
        """Every point of a finite space of at most `most` points; `None` of any other."""
        if not self._is_finite:
            return None
        found = list(itertools.islice(self._points({}, tuple(self.distributions)), most + 1))
        return found if len(found) <= most else None

    def drawn(
        self,
        rng: np.random.Generator,
        weights: Mapping[str, Mapping[Any, float]] | None = None,
        given: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """A point drawn anew, by the `weights` of choices where there are any; it has what is `given`, where that exists."""
        point: dict[str, Any] = {}
        for key, column in self.columns.by_key.items():
            if not self._exists(key, point):
                continue
            fixed = given is not None and key in given
            point[key] = given[key] if given and fixed else column.drawn(rng, (weights or {}).get(key))
        return point

    def near(self, point: Mapping[str, Any], rng: np.random.Generator) -> list[dict[str, Any]]:
        """Points that differ from `point` in one parameter, and in what exists for that reason alone, which is drawn."""
        return [
            self.drawn(rng, given={**point, key: value})
            for key, column in self.columns.by_key.items()
            if key in point
            for value in column.near(point[key], rng)
        ]

    @property
    def _is_finite(self) -> bool:
        return all(column.values is not None for column in self.columns.by_key.values())

    def _exists(self, key: str, chosen: Mapping[str, Any]) -> bool:
        return has_effect(key, {**self._beside, **chosen}, self._only_if)

    def _left(self, tried: Collection[Hashable]) -> Iterator[dict[str, Any]]:
        """The points of a finite space beside those `tried`, each once."""
        seen = set(tried)
        for point in self._points({}, tuple(self.distributions)):
            if (found := self.identity(point)) not in seen:
                seen.add(found)
                yield point

    def _points(self, chosen: dict[str, Any], keys: tuple[str, ...]) -> Iterator[dict[str, Any]]:
        if not keys:
            yield chosen
        elif not self._exists(keys[0], chosen):
            yield from self._points(chosen, keys[1:])
        else:
            for value in self.columns.by_key[keys[0]].values or ():
                yield from self._points({**chosen, keys[0]: value}, keys[1:])


def is_open(trial: Trial) -> bool:
    """Whether what `trial` tried may be tried again: it failed, and not because it is too large for the device."""
    return trial.state == "FAILED" and not trial.error.startswith(DoesNotFit.__name__)


def all_tried(name: str, num_trials: int, *, again: bool = False) -> str:
    """The sentence for a search that ends before its time, with `num_trials`, because nothing is left to try, also `again`."""
    rest = "further seeds of its best would tell no more" if again else "none is tried twice"
    return (
        f"The search of {name} ends with {counted(num_trials, 'trial')}: its space has no more configurations, and {rest}. "
        "To go on, widen `parameters`."
    )


def _suggest(trial: optuna.Trial, key: str, distribution: BaseDistribution) -> None:
    match distribution:
        case CategoricalDistribution(choices=choices):
            trial.suggest_categorical(key, choices)
        case IntDistribution(low=low, high=high, step=step, log=log):
            trial.suggest_int(key, low, high, step=step, log=log)
        case FloatDistribution(low=low, high=high, step=step, log=log):
            trial.suggest_float(key, low, high, step=step, log=log)
