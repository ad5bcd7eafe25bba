"""A parameter as a column of numbers, for a model; and what may be drawn of it."""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Iterable, Mapping, Sequence
from numbers import Real
from typing import Any

import numpy as np
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution

_MOST_LISTED = 20  # numbers, of which those beside another are its neighbours
_NEAR = 0.15  # of a range: the standard deviation of a number drawn near another


@dataclasses.dataclass(frozen=True)
class Column:
    """One parameter. A number goes from 0 to 1, on its own scale; a choice of numbers is one, and goes by their ranks.

    Any other choice is its index.
    """

    distribution: BaseDistribution

    @functools.cached_property
    def is_number(self) -> bool:
        """Whether its values have an order."""
        found = self.distribution
        return not isinstance(found, CategoricalDistribution) or _are_numbers(found.choices)

    @property
    def values(self) -> Sequence[Any] | None:
        """Every value, as it is given; `None` of a continuous range."""
        match self.distribution:
            case CategoricalDistribution(choices=choices):
                return choices
            case IntDistribution(low=low, high=high, step=step):
                return range(low, high + 1, step)
            case FloatDistribution(low=low, high=high, step=float(step)):
                return [low + number * step for number in range(math.floor((high - low) / step + 1e-9) + 1)]
        return None

    def place(self, value: Any) -> float:
        """Where `value` stands. Raises `KeyError` for what is no choice."""
        if self._places is not None:
            return self._places[value]
        match self.distribution:
            case IntDistribution(low=low, high=high, log=log) | FloatDistribution(low=low, high=high, log=log):
                scale = math.log if log else float
                return (scale(value) - scale(low)) / (scale(high) - scale(low)) if high > low else 0.0
        raise TypeError(f"{self.distribution!r} is no distribution of a search.")

    @functools.cached_property
    def _places(self) -> dict[Any, float] | None:
        """Where each choice stands; `None` of a range."""
        if not isinstance(self.distribution, CategoricalDistribution):
            return None
        choices = self.distribution.choices
        if not self.is_number:
            return {choice: float(index) for index, choice in enumerate(choices)}
        return {choice: rank / max(len(choices) - 1, 1) for rank, choice in enumerate(_ranked(choices))}

    def drawn(self, rng: np.random.Generator, weights: Mapping[Any, float] | None = None) -> Any:
        """A value, each as likely as another on the parameter's scale, or by its weight where `weights` are given."""
        values = self.values
        if values is None or _is_log(self.distribution):
            return self._at(rng.uniform())
        if weights is None:
            return values[int(rng.integers(len(values)))]
        least = min(weights.values())
        shares = np.array([weights.get(value, least) for value in values], dtype=float)
        return values[int(rng.choice(len(values), p=shares / shares.sum()))]

    def near(self, value: Any, rng: np.random.Generator) -> list[Any]:
        """Values beside `value`: the neighbours of a number in a short list, two drawn near one in a long one, all choices."""
        values = self.values
        if values is not None and not self.is_number:
            return [other for other in values if other != value]
        if values is not None and len(values) <= _MOST_LISTED:
            ranked = _ranked(values)
            at = ranked.index(value)
            return [ranked[near] for near in (at - 1, at + 1) if 0 <= near < len(ranked)]
        places = np.clip(self.place(value) + _NEAR * rng.standard_normal(2), 0, 1)
        return [other for other in map(self._at, places) if other != value]

    def _at(self, place: float) -> Any:
        """The value at a place from 0 to 1."""
        found = self.distribution
        assert isinstance(found, IntDistribution | FloatDistribution)
        if found.log:
            value = math.exp(math.log(found.low) + place * (math.log(found.high) - math.log(found.low)))
        else:
            value = found.low + place * (found.high - found.low)
        if found.step is not None:
            value = found.low + found.step * round((value - found.low) / found.step)
        return min(max(round(value) if isinstance(found, IntDistribution) else value, found.low), found.high)


class Columns:
    """The columns of a space: points in, a table out."""

    def __init__(self, distributions: Mapping[str, BaseDistribution]) -> None:
        self.by_key = {key: Column(distribution) for key, distribution in distributions.items()}
        self.is_number = np.array([column.is_number for column in self.by_key.values()], dtype=bool)

    def row(self, point: Mapping[str, Any]) -> list[float]:
        """`point` as numbers, `(D,)`; NaN for a parameter that it does not have."""
        return [column.place(point[key]) if key in point else math.nan for key, column in self.by_key.items()]

    def table(self, points: Iterable[Mapping[str, Any]]) -> np.ndarray:
        """`(N, D)`."""
        rows = [self.row(point) for point in points]
        return np.array(rows, dtype=float).reshape(len(rows), len(self.by_key))


def _ranked(values: Sequence[Any]) -> list[Any]:
    return sorted(values)


def _are_numbers(choices: Iterable[Any]) -> bool:
    return all(isinstance(choice, Real) and not isinstance(choice, bool) for choice in choices)


def _is_log(distribution: BaseDistribution) -> bool:
    return isinstance(distribution, IntDistribution | FloatDistribution) and distribution.log
