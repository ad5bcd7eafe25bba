"""The point that is expected to add most hypervolume for its time: costs are known beforehand, quality alone is modelled.

docs/decisions/0041. Nothing here remembers: what it proposes follows from the `History` that it is given, and from the seed.
"""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np

from search_spaces.core.prior import weights_of
from search_spaces.core.study import Study
from trainables.core.training.metrics import METRICS
from tuning.execution.search.foreseen import SECONDS, Costs, Foreseen, quality_of
from tuning.execution.search.history import History, Outlook, Point, key_of, outlook_of
from tuning.execution.search.proposal import Proposal
from tuning.execution.search.space import Space
from tuning.statistics.search.gaussian_process import apart
from tuning.statistics.search.worth import Measured

NUM_FIRST = 3  # points that are begun without the model
LEAST_SCORED = 2  # points with a score that it needs
_NUM_FIRST_DRAWN = 24  # of which that one is begun that is least like the others
_MOST_LISTED = 1024  # points of a space that are all compared; of a larger one some are drawn
_NUM_DRAWN, _NUM_NEAR = 256, 8  # and more near so many of the best
_NUM_EXACT = 2  # of the best, whose networks are built where not all are
_BELIEF = 4.0  # trials, at which what the author believes counts as its first power: beta of piBO
_AGAIN = 0.1  # of what another seed is worth counts against a new point
_LEAST_AGAIN = 1e-5  # of the hypervolume: what another seed must be worth where nothing new is left


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Scene:
    """What a proposal is chosen by: the outlook, the costs of its points, `measured`, and those of `candidates`, `costs`."""

    outlook: Outlook
    candidates: Sequence[dict[str, Any]]
    costs: Costs
    measured: Measured
    measured_costs: Costs
    volume: float


class Ehvi:
    """Proposals for `study`, which `can_foresee` its costs. Without `again` no point is proposed with another seed."""

    def __init__(
        self,
        study: Study,
        space: Space,
        *,
        changes: Mapping[str, Any] | None = None,
        again: bool = True,
    ) -> None:
        self._study, self._space, self._again = study, space, again
        self._foreseen = Foreseen(study, space, changes)
        self._quality = quality_of(study)
        self._sign = 1.0 if METRICS[self._quality].direction == "max" else -1.0
        self._weights = weights_of(study.prior, study.parameters)
        self._listed: list[dict[str, Any]] | None = None
        self._identities: dict[Hashable, Hashable] = {}

    def propose(self, history: History) -> Proposal | None:
        """What to try next, with what is `given` where that is new; `None` where nothing is left that is worth it."""
        found = self._proposed(history)
        return self._proposed(dataclasses.replace(history, given={})) if found is None and history.given else found

    def _proposed(self, history: History) -> Proposal | None:
        rng = np.random.default_rng([self._study.seed, history.number])
        if history.number < NUM_FIRST or history.num_scored < LEAST_SCORED:
            self._foreseen.look()  # while the first trials run
            if found := self._at_random(history, rng):
                return found
        if history.num_scored < LEAST_SCORED:
            return None
        scene = self._scene(history, rng)
        found = self._new(history, scene)
        return self._again_or(found, scene) if self._again and not history.given else found

    def _at_random(self, history: History, rng: np.random.Generator) -> Proposal | None:
        """Of some points that are drawn the one that is least like those that were begun."""
        columns, begun = self._space.columns, [*(point for point, _ in history.ended), *history.running]
        drawn = [self._space.drawn(rng, self._weights, history.given) for _ in range(_NUM_FIRST_DRAWN)]
        closed = history.closed | history.failed
        points = [point for point in drawn if self._is_open(point, closed)]
        if not points:
            rest = (one for one in self._all() or self._drawn(history, rng) if history.given.items() <= one.items())
            points = list(itertools.islice((point for point in rest if self._is_open(point, closed)), 1))
        if not points:
            return None
        far = apart(columns.table(points), columns.table(begun), columns.is_number).sum(axis=0)
        point = points[int(np.argmax(far.min(axis=1)))] if begun else points[0]
        return Proposal(point=point, why="first" if history.given else "random")

    def _candidates(self, history: History, outlook: Outlook, rng: np.random.Generator) -> list[dict[str, Any]]:
        """Points that may be new: all there are, or some that are drawn, and some near the best of what was measured."""
        points = self._all()
        if not points:
            mean, _ = outlook.model.predict(self._space.columns.table(outlook.points))
            best = [outlook.points[row] for row in np.argsort(-mean, kind="stable")[:_NUM_NEAR]]
            near = (point for one in best for point in self._space.near(one, rng))
            points = [*self._drawn(history, rng), *near]
        seen = {key_of(point) for point in outlook.points}
        different = {key_of(point): point for point in points if history.given.items() <= point.items()}
        return [point for key, point in different.items() if key not in seen]

    def _all(self) -> list[dict[str, Any]]:
        """Every point of a small space; none of a larger one."""
        if self._listed is None:
            self._listed = self._space.points(_MOST_LISTED) or []
        return self._listed

    def _drawn(self, history: History, rng: np.random.Generator) -> list[dict[str, Any]]:
        return [self._space.drawn(rng, given=history.given) for _ in range(_NUM_DRAWN)]

    def _is_open(self, point: Point, closed: frozenset[Hashable]) -> bool:
        key = key_of(point)
        if key not in self._identities:
            self._identities[key] = self._space.identity(point)
        return self._identities[key] not in closed

    def _scene(self, history: History, rng: np.random.Generator) -> _Scene:
        self._foreseen.note(history.ended)
        outlook = outlook_of(history, self._space.columns, self._quality, self._sign, self._foreseen.metrics)
        candidates = self._candidates(history, outlook, rng)
        costs = self._foreseen.costs([*candidates, *outlook.points], outlook.ended)
        own, theirs = costs.part(slice(len(candidates), None)), costs.part(slice(len(candidates)))
        own = self._foreseen.corrected(own, outlook.points)
        mean, sd = outlook.model.predict(self._space.columns.table(outlook.points))
        measured = Measured.of(mean, sd, own.logs, beside=theirs.logs)
        return _Scene(
            outlook=outlook,
            candidates=candidates,
            costs=theirs,
            measured=measured,
            measured_costs=own,
            volume=measured.volume,
        )

    def _new(self, history: History, scene: _Scene) -> Proposal | None:
        """The best of the candidates that are open; of those that failed only where no other is left."""
        if not scene.candidates:
            return None
        score, _ = self._weighed(history, scene, scene.candidates, scene.costs)
        ranked, most = np.argsort(-score, kind="stable"), _NUM_EXACT if scene.costs.some_estimated else 1
        for closed in (history.closed | history.failed, history.closed):
            is_open = (row for row in ranked if self._is_open(scene.candidates[row], closed))
            rows = np.array(list(itertools.islice(is_open, most)), dtype=int)
            if not rows.size:
                continue
            points = [scene.candidates[row] for row in rows]
            costs = self._foreseen.corrected(scene.costs.part(rows), points)
            score, gain = self._weighed(history, scene, points, costs)
            best = int(np.argmax(score))
            return dataclasses.replace(
                self._told(scene, points[best], costs.part([best]), float(gain[best])),
                why="first" if history.given else "model",
                prior=self._believed(points[best]) if self._weights else None,
                num_compared=len(scene.candidates),
            )
        return None

    def _weighed(
        self, history: History, scene: _Scene, points: Sequence[Point], costs: Costs
    ) -> tuple[np.ndarray, np.ndarray]:
        """By what to choose among N `points`, and the hypervolume that each is expected to add, `(N,)` each."""
        mean, sd = scene.outlook.model.predict(self._space.columns.table(points))
        gain = scene.measured.new(mean, sd, costs.logs)
        prior = np.array([self._believed(point) for point in points])
        return gain * prior ** (_BELIEF / max(history.number, 1)) / np.exp(costs.seconds), gain

    def _again_or(self, new: Proposal | None, scene: _Scene) -> Proposal | None:
        """`new`, or what was measured with another seed: where that is worth far more, or nothing new is left."""
        worth, costs = scene.measured.again(scene.outlook.model.noise), scene.measured_costs
        row = int(np.argmax(worth / np.exp(costs.seconds)))
        found = self._told(scene, scene.outlook.points[row], costs.part([row]), float(worth[row]))
        if new is None and worth[row] <= _LEAST_AGAIN * scene.volume:
            return None
        if new is not None and _AGAIN * found.worth <= new.worth:
            return new
        return dataclasses.replace(found, why="again", num_scores=int(scene.outlook.counts[row]))

    def _told(self, scene: _Scene, point: Point, costs: Costs, gain: float) -> Proposal:
        """A proposal of `point`, with what is expected of it."""
        mean, sd = scene.outlook.model.predict(self._space.columns.table([point]))
        told = dict(zip(self._foreseen.metrics, np.exp(costs.logs[0]), strict=True))
        return Proposal(
            point=dict(point),
            why="model",
            expected={self._quality: (self._sign * float(mean[0]), float(sd[0]))},
            known={metric: float(told[metric]) for metric in self._foreseen.metrics if metric in costs.told},
            exact=tuple(metric for metric in self._foreseen.metrics if metric in costs.exact),
            gain=gain / scene.volume if scene.volume > 0 else None,
            seconds=float(np.exp(costs.seconds[0])) if SECONDS in costs.told else None,
            worth=gain / float(np.exp(costs.seconds[0])),
        )

    def _believed(self, point: Point) -> float:
        """The product of what the author believes of the values of `point`; 1 for the best that there is."""
        return math.prod(weights[point[key]] for key, weights in self._weights.items() if key in point)
