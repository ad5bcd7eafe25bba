"""The hypervolume that a point is expected to add to a front, where its costs are known and its quality is normal.

All costs are to be small, quality is to be large. Each place in the room of costs that lies below `corner` has a ceiling: the
best quality of whoever costs no more there. A point of costs c adds, at each place that costs as much as c or more, what its
quality lies above the ceiling. The ceiling is constant within the cells of a grid through the members' costs, so the sum over
cells is exact, in closed form; for one quality and no costs it is the expected improvement of Jones et al. (1998). Source of
expected hypervolume improvement: Emmerich, Giannakoglou and Naujoks, IEEE Transactions on Evolutionary Computation 10(4), 2006.
"""

from __future__ import annotations

import dataclasses
from typing import Self

import moocore
import numpy as np
from scipy import special

MOST_MEMBERS = 64  # of a front, those that add most to it: a grid has the square of it in cells, for two costs
_MOST_AT_ONCE = 2_000_000  # cells times points


@dataclasses.dataclass(frozen=True, kw_only=True)
class Ceilings:
    """By place, the quality that is there already. `edges` has the lower edges of the cells of each cost, from -inf on."""

    edges: tuple[np.ndarray, ...]
    heights: np.ndarray
    corner: np.ndarray

    @classmethod
    def of(cls, quality: np.ndarray, costs: np.ndarray, *, floor: float, corner: np.ndarray) -> Self:
        """Those of members with `quality` `(K,)` and `costs` `(K, C)`; `floor` is the quality that counts nothing."""
        rows = members(quality, costs, floor=floor, corner=corner)
        quality, costs = quality[rows], costs[rows]
        edges = tuple(np.concatenate([[-np.inf], np.unique(column)]) for column in costs.T)
        heights = np.full([len(one) for one in edges], floor, dtype=float)
        for value, place in zip(quality, costs, strict=True):
            covered = tuple(
                slice(int(np.searchsorted(one, cost)), None) for one, cost in zip(edges, place, strict=True)
            )
            heights[covered] = np.maximum(heights[covered], value)
        return cls(edges=edges, heights=heights, corner=corner)

    def expected_gain(self, mean: np.ndarray, sd: np.ndarray, costs: np.ndarray) -> np.ndarray:
        """`(N,)` of points with costs `(N, C)` whose quality is normal with `mean` and `sd`, each `(N,)`; 0 is a known one."""
        levels, cell = np.unique(self.heights, return_inverse=True)
        above = partial_expectation(mean[:, np.newaxis] - levels, sd[:, np.newaxis])
        cell, found = cell.ravel(), np.zeros(len(mean))
        step = max(1, _MOST_AT_ONCE // max(1, cell.size))
        for begin in range(0, len(mean), step):
            rows = slice(begin, begin + step)
            volume = np.ones((len(mean[rows]), 1))
            for lower, last, cost in zip(self.edges, self.corner, costs[rows].T, strict=True):
                upper = np.append(lower[1:], last)
                width = np.maximum(np.minimum(upper, last) - np.maximum(lower, cost[:, np.newaxis]), 0.0)
                volume = (volume[:, :, np.newaxis] * width[:, np.newaxis, :]).reshape(len(volume), -1)
            found[rows] = (volume * above[rows][:, cell]).sum(axis=1)
        return found


def members(quality: np.ndarray, costs: np.ndarray, *, floor: float, corner: np.ndarray) -> np.ndarray:
    """The rows that no other dominates, above `floor` and below `corner`: at most `MOST_MEMBERS`, those that add most."""
    table = np.column_stack([-quality, costs])
    rows = np.flatnonzero((quality > floor) & (costs < corner).all(axis=1))
    if not rows.size:
        return rows
    rows = rows[moocore.is_nondominated(table[rows])]
    if rows.size > MOST_MEMBERS:
        added = moocore.hv_contributions(table[rows], ref=np.array([-floor, *corner]))
        rows = np.sort(rows[np.argsort(-added, kind="stable")[:MOST_MEMBERS]])
    return rows


def partial_expectation(mean: np.ndarray, sd: np.ndarray) -> np.ndarray:
    """The mean of what a normal variable has above 0."""
    certain = sd <= 0
    scaled = mean / np.where(certain, 1.0, sd)
    normal = sd * (np.exp(-(scaled**2) / 2) / np.sqrt(2 * np.pi) + scaled * special.ndtr(scaled))
    return np.where(certain, np.maximum(mean, 0.0), np.maximum(normal, 0.0))
