"""What a trial is worth: of a point that is new, and of one that was measured, with another seed."""

from __future__ import annotations

import dataclasses
from typing import Self

import moocore
import numpy as np

from tuning.statistics.pareto import REFERENCE_MARGIN
from tuning.statistics.search.expected_gain import Ceilings

_MOST_AGAIN = 16  # points whose further seed is weighed: the most promising


@dataclasses.dataclass(frozen=True, kw_only=True)
class Measured:
    """K points that were measured: what is expected of their quality, `mean` and `sd` `(K,)`, and their `costs` `(K, C)`.

    Quality counts above `floor`. Costs count from `low` on, in units of `span`, up to a little beyond 1.
    """

    mean: np.ndarray
    sd: np.ndarray
    costs: np.ndarray
    floor: float
    low: np.ndarray
    span: np.ndarray

    @classmethod
    def of(
        cls, mean: np.ndarray, sd: np.ndarray, costs: np.ndarray, *, beside: np.ndarray, floor: float | None = None
    ) -> Self:
        """Costs go from the least to the largest of these and those `beside` `(N, C)`; the floor is else the worst mean."""
        both = np.concatenate([costs, beside])
        low, span = both.min(axis=0), np.ptp(both, axis=0)
        span = np.where(span > 0, span, 1.0)
        worst = float(mean.min()) if floor is None else floor
        return cls(mean=mean, sd=sd, costs=(costs - low) / span, floor=worst, low=low, span=span)

    @property
    def volume(self) -> float:
        """The hypervolume of what is expected."""
        rows = (self.mean > self.floor) & (self.costs < self._corner).all(axis=1)
        table = np.column_stack([-self.mean, self.costs])[rows]
        return float(moocore.hypervolume(table, ref=np.array([-self.floor, *self._corner]))) if rows.any() else 0.0

    @property
    def _corner(self) -> np.ndarray:
        return np.full(self.costs.shape[1], 1 + REFERENCE_MARGIN)

    def new(self, mean: np.ndarray, sd: np.ndarray, costs: np.ndarray) -> np.ndarray:
        """The hypervolume that each of N new points with `costs` `(N, C)` is expected to add, `(N,)`."""
        ceilings = Ceilings.of(self.mean, self.costs, floor=self.floor, corner=self._corner)
        return ceilings.expected_gain(mean, sd, (costs - self.low) / self.span)

    def again(self, noise: float) -> np.ndarray:
        """What another score of each point, with `noise`, is expected to add to the front of what is expected, `(K,)`.

        The value of information (Frazier, Powell and Dayanik, INFORMS Journal on Computing 21(4), 2009): a score moves what is
        expected by a normal step, and a step up is worth more than one down costs; nothing, where it would change no front.
        """
        ceilings = Ceilings.of(self.mean, self.costs, floor=self.floor, corner=self._corner)
        hopes = ceilings.expected_gain(self.mean + 2 * self.sd, np.zeros(len(self.mean)), self.costs)
        found, steps = np.zeros(len(self.mean)), step_of(self.sd, noise)
        for row in np.argsort(-hopes, kind="stable")[:_MOST_AGAIN]:
            rest = np.arange(len(found)) != row
            others = Ceilings.of(self.mean[rest], self.costs[rest], floor=self.floor, corner=self._corner)
            both = np.array([steps[row], 0.0])
            after, now = others.expected_gain(self.mean[[row, row]], both, self.costs[[row, row]])
            found[row] = after - now
        return found


def step_of(sd: np.ndarray, noise: float) -> np.ndarray:
    """By how much, as a standard deviation, one score moves what is expected of qualities that are known up to `sd`."""
    return sd**2 / np.sqrt(sd**2 + noise**2 + np.finfo(float).tiny)
