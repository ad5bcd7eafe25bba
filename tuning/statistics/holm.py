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
