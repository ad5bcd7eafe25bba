"""Selecting among finished trials: the Pareto front, its hypervolume, and the one member to recommend.

Every function takes `values` `(N, M)`, N trials by M objectives, and one direction ("max" or "min") per objective, and
raises `ValueError` for an empty or misshaped table. A row with a NaN or an infinity is a trial that did not answer
every question: it is never on the front, never dominates and adds no volume.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import NormalDist
from typing import Literal

import moocore
import numpy as np
from numpy.typing import ArrayLike

Direction = Literal["max", "min"]

REAL_CHANCE = 0.05  # of lying above another: what is less likely is as good as ruled out, the usual level of one test
REFERENCE_MARGIN = 0.1  # of an objective's range, so that the worst point of an objective still adds volume


def non_dominated(values: ArrayLike, directions: Sequence[Direction]) -> np.ndarray:
    """Which rows no other row dominates: boolean `(N,)`. Equal rows are all kept."""
    costs, finite = _costs(values, directions)
    front = np.zeros(len(costs), dtype=bool)
    if finite.any():
        front[finite] = moocore.is_nondominated(costs[finite], keep_weakly=True)
    return front


def not_ruled_out(values: ArrayLike, directions: Sequence[Direction], num_clips: Sequence[int | None]) -> np.ndarray:
    """Which rows have a real chance to be on the front: boolean `(N,)`; the front is among them.

    `num_clips` gives for each objective the number of clips that it is a rate on, `None` where it is exact. A row is ruled
    out by one other that is no worse in every exact objective, and better in every rate with a probability above
    1 - `REAL_CHANCE`: by more than 1.64 standard errors of the difference, which are binomial as those of
    `one_standard_error_below`, and of two independent rates. Both have the same clips, so this keeps a few more than a
    paired test would.
    """
    costs, finite = _costs(values, directions)
    front = non_dominated(values, directions)
    rated = [column for column, count in enumerate(num_clips) if count is not None]
    exact = [column for column, count in enumerate(num_clips) if count is None]
    counts = np.array([num_clips[column] for column in rated], dtype=float)
    rates = np.abs(costs[:, rated])
    variances = np.clip(rates * (1 - rates), 0, None) / counts
    ruled_out = np.zeros(len(costs), dtype=bool)
    for row in np.flatnonzero(front):  # whoever is ruled out by another is so by one of these
        no_worse = (costs[row, exact] <= costs[:, exact]).all(axis=1)
        margins = NormalDist().inv_cdf(1 - REAL_CHANCE) * np.sqrt(variances + variances[row])
        ruled_out |= no_worse & (costs[:, rated] - costs[row, rated] > margins).all(axis=1)
    return finite & (front | ~ruled_out)


def hypervolume(values: ArrayLike, directions: Sequence[Direction], reference: ArrayLike) -> float:
    """The volume between the front and `reference` `(M,)`, in the product of the objectives' units.

    Rows that are not better than the reference in every objective add nothing; without any, the volume is 0.
    Source: Zitzler and Thiele, IEEE Transactions on Evolutionary Computation 3(4), 1999 ("size of the space covered").
    """
    costs, finite = _costs(values, directions)
    corner = np.asarray(reference, dtype=float)
    if corner.shape != costs.shape[1:] or not np.isfinite(corner).all():
        raise ValueError(f"The reference needs one finite number per objective ({costs.shape[1]}), not {reference!r}.")
    corner = corner * _signs(directions)
    inside = finite & (costs < corner).all(axis=1)
    return float(moocore.hypervolume(costs[inside], ref=corner)) if inside.any() else 0.0


def reference_point(values: ArrayLike, directions: Sequence[Direction]) -> np.ndarray:
    """A point `(M,)` worse than every finite row: the worst of each objective, moved out by 10 % of its range.

    A constant objective has no range; it is moved out by 10 % of its size, or by 0.1 where it is 0. Hypervolumes
    compare only under one reference, so take it once, from all the trials that are to be compared.
    Source: Ishibuchi et al., Evolutionary Computation 26(3), 2018, who show why the point must lie beyond the worst.
    """
    costs, finite = _costs(values, directions)
    if not finite.any():
        raise ValueError("No row is finite in every objective, so there is no worst point to start from.")
    worst = costs[finite].max(axis=0)
    span = worst - costs[finite].min(axis=0)
    size = np.where(worst != 0, np.abs(worst), 1.0)
    return (worst + REFERENCE_MARGIN * np.where(span > 0, span, size)) * _signs(directions)


def knee(values: ArrayLike, directions: Sequence[Direction], *, floor: float | None = None) -> int:
    """The row to recommend: the member of the front whose weakest objective is strongest.

    Each objective is scaled over the front from 0 (the front's worst) to 1 (its best); a constant one is ignored. The
    recommended row has the largest minimum of these, the compromise solution of infinite order (Yu, Management Science
    19(8), 1973; Zeleny 1973): nearest to the ideal point in the Chebyshev distance. The maximum norm is chosen because
    training time and parameter count go together, and any norm that adds them up counts cost twice against accuracy.
    Equal scores go to the better first objective, then the second and so on, then the earlier row; so among the
    extremes of a front without a middle the first objective decides.

    The first objective is the primary one: rows worse than `floor` in it are left out before the scaling, so that a
    chance-level network is not recommended for being tiny. Where nothing reaches the floor the best first objective is
    taken.
    """
    costs, finite = _costs(values, directions)
    if not finite.any():
        raise ValueError("No row is finite in every objective, so there is none to recommend.")
    if floor is not None and not np.isfinite(floor):
        raise ValueError(f"The floor must be a finite number or None, not {floor!r}.")
    rows = np.flatnonzero(non_dominated(values, directions))
    if floor is not None:
        above = rows[costs[rows, 0] <= floor * _signs(directions)[0]]
        if not above.size:
            return int(min(rows, key=lambda row: (*costs[row], row)))
        rows = above
    front = costs[rows]
    best, worst = front.min(axis=0), front.max(axis=0)
    varied = worst > best
    scaled = (worst - front)[:, varied] / (worst - best)[varied]
    weakest = scaled.min(axis=1) if varied.any() else np.zeros(len(rows))
    return int(min(zip(-weakest, *front.T, rows, strict=True))[-1])


def one_standard_error_below(best: float, num_clips: float) -> float:
    """What a rate must reach to pass for as good as the `best` one measured on `num_clips` clips.

    Breiman's rule (Classification and Regression Trees, 1984, section 3.4.3), with the binomial standard error.
    """
    return best - math.sqrt(best * (1 - best) / num_clips)


def _costs(values: ArrayLike, directions: Sequence[Direction]) -> tuple[np.ndarray, np.ndarray]:
    """`values` with every objective to be minimised, and which rows are finite."""
    table = np.asarray(values, dtype=float)
    if table.ndim != 2 or not table.size:
        raise ValueError(f"The values need the shape (trials, objectives) and one row at least, not {table.shape}.")
    if isinstance(directions, str) or len(directions) != table.shape[1]:
        raise ValueError(f"There are {table.shape[1]} objectives and these directions: {directions!r}; give one each.")
    return table * _signs(directions), np.asarray(np.isfinite(table).all(axis=1))


def _signs(directions: Sequence[Direction]) -> np.ndarray:
    for direction in directions:
        if direction not in ("max", "min"):
            raise ValueError(f"A direction is 'max' or 'min', not {direction!r}.")
    return np.array([-1.0 if direction == "max" else 1.0 for direction in directions])
