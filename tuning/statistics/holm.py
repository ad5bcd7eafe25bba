"""Holm's step-down: several tests at once, with the chance of any false rejection held at one level."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def holm_adjusted(p_values: Sequence[float]) -> np.ndarray:
    """The adjusted p-values `(N,)`, each to be compared with the level of the whole family.

    The smallest is multiplied by N, the next by N - 1 and so on; none is smaller than the one before, none exceeds 1.
    Source: Holm, Scandinavian Journal of Statistics 6, 1979.
    """
    values = np.asarray(p_values, dtype=float)
    order = np.argsort(values, kind="stable")
    stepped = np.maximum.accumulate(values[order] * np.arange(len(values), 0, -1))
    adjusted = np.empty_like(values)
    adjusted[order] = np.minimum(stepped, 1.0)
    return adjusted


def holm_levels(p_values: Sequence[float], alpha: float) -> list[float]:
    """The level at which each is tested: `alpha` over how many are left, and no further once one fails."""
    levels, left, failed = [0.0] * len(p_values), len(p_values), False
    for index in np.argsort(p_values, kind="stable"):
        levels[index] = alpha / left
        failed = failed or p_values[index] > alpha / left
        left -= not failed
    return levels
