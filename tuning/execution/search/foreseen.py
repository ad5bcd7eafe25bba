"""What trials will cost, before they begin: exactly by the shapes of their networks, nearly by the trials that ended."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np

from search_spaces.core.study import Study
from trainables.core import lookup
from trainables.core.config import make_config
from trainables.core.training.costs import planned_costs, shapes_network
from trainables.core.training.metrics import METRICS
from tuning.execution.search.space import Space
from tuning.records.trial import Trial
from tuning.statistics.search.gaussian_process import GaussianProcess, pooled

SECONDS = "wall_time_s"
_MOST_BUILT = 64  # networks whose shapes are looked at for a whole space; of more, others are told by these
_MOST_LISTED = 1024  # points of a space whose networks are counted
_LEAST = 1e-12  # a cost of 0 has no logarithm
Point = Mapping[str, Any]


def can_foresee(study: Study) -> bool:
    """Whether all objectives of `study` but one, its quality, are known before a trial begins."""
    return sum(not METRICS[objective.metric].known for objective in study.objectives) == 1


def quality_of(study: Study) -> str:
    """The objective that is not known before a trial."""
    return next(one.metric for one in study.objectives if not METRICS[one.metric].known)


def seconds_of(trial: Trial) -> float:
    """What `trial` took of the time of whoever waits, NaN where nobody knows: also one that was stopped early."""
    if SECONDS in trial.metrics:
        return trial.metrics[SECONDS]
    if trial.state == "KILLED" and trial.ended_at is not None:
        return trial.ended_at - trial.started_at
    return math.nan


@dataclasses.dataclass(frozen=True, kw_only=True)
class Costs:
    """The logarithms of N points' costs, `logs` `(N, C)` in the order of `Foreseen.metrics`, and of their `seconds` `(N,)`.

    Something has `told` of those metrics; those that are `exact` are no estimates. `some_estimated` is whether shapes, which
    tell exactly, were not looked at for all.
    """

    logs: np.ndarray
    seconds: np.ndarray
    told: frozenset[str]
    exact: frozenset[str]
    some_estimated: bool = False

    def part(self, rows: Any) -> Costs:
        """Those of some points alone."""
        return dataclasses.replace(self, logs=self.logs[rows], seconds=self.seconds[rows])


@dataclasses.dataclass(frozen=True, kw_only=True)
class Ended:
    """M trials that ended: their points, these as columns `(M, D)`, and of each metric the `values` `(M,)`, NaN for none."""

    points: Sequence[Point]
    table: np.ndarray
    values: Mapping[str, np.ndarray]


class Foreseen:
    """What points of `space` will cost. An answer depends on what is asked alone, not on what was asked before.

    Networks are built on shapes, once each. Of a space of more than `_MOST_BUILT` networks as many drawn ones are, and tell
    those of the others; `exactly` tells one point without an error.
    """

    def __init__(self, study: Study, space: Space, changes: Mapping[str, Any] | None = None) -> None:
        self._study, self._space, self._changes = study, space, dict(changes or {})
        self.metrics = [one.metric for one in study.objectives if METRICS[one.metric].known]
        self._exact = [metric for metric in self.metrics if METRICS[metric].known == "exactly"]
        self._built: dict[Hashable, dict[str, float]] = {}
        self._looked_at: list[dict[str, Any]] | None = None
        self._num_noted = 0

    def costs(self, points: Sequence[Point], ended: Ended) -> Costs:
        """Of `points`, as far as shapes and the trials that `ended` tell. What nothing tells yet is 0 for all of them."""
        columns = self._space.columns
        table, measured = columns.table(points), ended.table
        by_shapes, is_exact = self._by_shapes([*points, *ended.points], np.concatenate([table, measured]))
        is_number = columns.is_number
        if by_shapes:  # a time follows the size of a network
            size = by_shapes[self._exact[0]]
            size = (size - size.min()) / (np.ptp(size) or 1.0)
            table = np.column_stack([table, size[: len(points)]])
            measured = np.column_stack([measured, size[len(points) :]])
            is_number = np.append(is_number, True)
        near = [metric for metric in dict.fromkeys([*self.metrics, SECONDS]) if metric not in by_shapes]
        nothing = np.full(len(measured), math.nan)
        learnt = {metric: _learnt(table, measured, ended.values.get(metric, nothing), is_number) for metric in near}
        found = {metric: values[: len(points)] for metric, values in by_shapes.items()} | learnt
        logs = np.array([found[metric] for metric in self.metrics]).reshape(len(self.metrics), len(points)).T
        measured_ones = [metric for metric, values in ended.values.items() if np.isfinite(values).any()]
        return Costs(
            logs=logs,
            seconds=learnt[SECONDS],
            told=frozenset([*by_shapes, *measured_ones]),
            exact=frozenset(by_shapes if is_exact else ()),
            some_estimated=bool(by_shapes) and not is_exact,
        )

    def corrected(self, costs: Costs, points: Sequence[Point]) -> Costs:
        """The `costs` of `points`, of which the shapes of each network are looked at where they were not."""
        if not costs.some_estimated:
            return costs
        logs, whole = costs.logs.copy(), True
        for row, point in enumerate(points):
            found = self.exactly(point)
            whole &= len(found) == len(self._exact)
            for metric, value in found.items():
                if metric in self.metrics:
                    logs[row, self.metrics.index(metric)] = math.log(max(value, _LEAST))
        exact = frozenset(self._exact) if whole else costs.exact
        return dataclasses.replace(costs, logs=logs, exact=exact)

    def look(self) -> None:
        """Build what is looked at of a space, so that it is there when it is needed."""
        for point in self._networks() if self._exact else ():
            self.exactly(point)

    def exactly(self, point: Point) -> dict[str, float]:
        """The costs of `point` that its network's shapes tell; none where it cannot be built."""
        network = self._network(point)
        if network not in self._built:
            module = lookup.load("trainables", self._study.trainable, "trainable")
            try:
                config = make_config(module.Config, {**self._study.settings, **self._changes, **point})
                found = planned_costs(module.build_model, config)
            except Exception:  # whatever a network raises: its trial will say so
                found = {}
            self._built[network] = found
        return {metric: self._built[network][metric] for metric in self._exact if metric in self._built[network]}

    def note(self, ended: Sequence[tuple[Point, Mapping[str, float]]]) -> None:
        """What trials that `ended` measured exactly need not be looked at again; those of before were noted."""
        for point, values in ended[self._num_noted :]:
            found = {metric: values.get(metric, math.nan) for metric in self._exact}
            if all(map(math.isfinite, found.values())):
                self._built.setdefault(self._network(point), found)
        self._num_noted = len(ended)

    def _by_shapes(self, points: Sequence[Point], table: np.ndarray) -> tuple[dict[str, np.ndarray], bool]:
        """The logarithm of each exact cost at `points`, `(N,)`; and whether it is that of each, not of some like it."""
        if not self._exact:
            return {}, False
        looked_at = self._networks()
        told = [found for one in looked_at if len(found := self.exactly(one)) == len(self._exact)]
        if not told:
            return {}, False
        known = {self._network(one) for one in looked_at}
        everyone = [self.exactly(one) if self._network(one) in known else {} for one in points]
        if all(len(one) == len(self._exact) for one in everyone):
            return {metric: np.log([max(one[metric], _LEAST) for one in everyone]) for metric in self._exact}, True
        rows = self._space.columns.table([one for one in looked_at if self.exactly(one)])
        return {
            metric: _learnt(table, rows, np.array([one[metric] for one in told]), self._space.columns.is_number)
            for metric in self._exact
        }, False

    def _networks(self) -> list[dict[str, Any]]:
        """A point of each network that is looked at: of all where they are few, else of some that are drawn."""
        if self._looked_at is None:
            points, rng = self._space.points(_MOST_LISTED), np.random.default_rng(self._study.seed)
            if points is None:
                points = [self._space.drawn(rng) for _ in range(4 * _MOST_BUILT)]
            different = list({self._network(point): point for point in reversed(points)}.values())[::-1]
            if len(different) > _MOST_BUILT:
                rows = np.sort(rng.permutation(len(different))[:_MOST_BUILT])
                different = [different[row] for row in rows]
            self._looked_at = different
        return self._looked_at

    @staticmethod
    def _network(point: Point) -> Hashable:
        return tuple((key, value) for key, value in sorted(point.items()) if shapes_network(key))


def _learnt(table: np.ndarray, measured: np.ndarray, values: np.ndarray, is_number: np.ndarray) -> np.ndarray:
    """The logarithm of a cost at the points of `table` `(N, D)`, from its `values` `(M,)` at those `measured` `(M, D)`."""
    told = np.isfinite(values)
    if not told.any():
        return np.zeros(len(table))
    logs = np.log(np.maximum(values[told], _LEAST))
    mean, _ = GaussianProcess.fit(pooled(measured[told], logs, is_number)).predict(table)
    return mean
