"""Selection from a search's table: the candidates to confirm, and the one to recommend."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from tuning.statistics import pareto


def choose(
    values: ArrayLike, directions: Sequence[pareto.Direction], *, num_clips: int | None = None
) -> tuple[np.ndarray, int | None]:
    """The rows of the exact Pareto front of `values` `(N, M)`, and the one to recommend; none where no row is finite.

    The recommended one is the knee among the members whose first objective, where it is a rate on `num_clips` clips, is
    within one standard error of the best (Breiman's rule): a network that is cheap because it guesses is never
    recommended.
    """
    table = np.asarray(values, dtype=float)
    front = np.flatnonzero(pareto.non_dominated(table, directions))
    if not front.size:
        return front, None
    kept = table[front]
    floor = None if num_clips is None else pareto.one_standard_error_below(float(kept[:, 0].max()), num_clips)
    return front, int(front[pareto.knee(kept, directions, floor=floor)])
