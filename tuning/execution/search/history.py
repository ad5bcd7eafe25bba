"""What a search knows when it proposes, as plain values: nothing that runs on can change them."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np

from tuning.execution.search.columns import Columns
from tuning.execution.search.foreseen import Ended
from tuning.statistics.pareto import non_dominated
from tuning.statistics.search.gaussian_process import MOST_POINTS, GaussianProcess, kept_rows, pooled

Point = Mapping[str, Any]

_MOST_TIMED = 128  # trials that costs are learnt from, the last ones


@dataclasses.dataclass(frozen=True, kw_only=True)
class History:
    """The trials that `ended` with finite values, each its point and these, in order; the points that are `running`.

    `number` is how many trials were begun before, `closed` has the identities of what is not to be proposed as if it were new,
    `failed` those of points that may be tried again once nothing else is left. `given` is what the proposal is to have.
    """

    ended: Sequence[tuple[Point, Mapping[str, float]]]
    running: Sequence[Point]
    number: int
    closed: frozenset[Hashable]
    failed: frozenset[Hashable] = frozenset()
    given: Point = dataclasses.field(default_factory=dict)

    @property
    def num_scored(self) -> int:
        """How many points have a score."""
        return len({key_of(point) for point, _ in self.ended})


@dataclasses.dataclass(frozen=True, kw_only=True)
class Outlook:
    """A `model` of quality, large is good; K `points` that have a score or run, `counts` `(K,)` says how many scores."""

    model: GaussianProcess
    points: Sequence[Point]
    counts: np.ndarray
    ended: Ended


def outlook_of(history: History, columns: Columns, quality: str, sign: float, known: Sequence[str]) -> Outlook:
    """What `history` tells of the objective `quality`, times `sign`; those `known` are to be small."""
    points = list({key_of(point): point for point, _ in reversed(history.ended)}.values())[::-1]
    place = {key_of(point): row for row, point in enumerate(points)}
    rows = np.array([place[key_of(point)] for point, _ in history.ended])
    metrics = dict.fromkeys(name for _, found in history.ended for name in found)
    values = {one: np.array([found.get(one, math.nan) for _, found in history.ended]) for one in metrics}
    table, scores = columns.table(point for point, _ in history.ended), sign * values[quality]
    on_front = non_dominated(np.column_stack([-scores, *(values[one] for one in known)]), ["min"] * (1 + len(known)))
    keep = np.zeros(len(points), dtype=bool)
    keep[rows[on_front]] = True
    whole = pooled(table, scores, columns.is_number)
    kept = kept_rows(whole, MOST_POINTS, keep)
    running = [point for key, point in {key_of(one): one for one in history.running}.items() if key not in place]
    return Outlook(
        model=GaussianProcess.fit(whole.of(kept)).believing(columns.table(history.running)),
        points=[*(points[row] for row in kept), *running],
        counts=np.concatenate([whole.counts[kept], np.zeros(len(running))]),
        ended=Ended(
            points=[point for point, _ in history.ended[-_MOST_TIMED:]],
            table=table[-_MOST_TIMED:],
            values={metric: found[-_MOST_TIMED:] for metric, found in values.items()},
        ),
    )


def key_of(point: Point) -> Hashable:
    """Equal for points of the same values."""
    return tuple(sorted(point.items()))
