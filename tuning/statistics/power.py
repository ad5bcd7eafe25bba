"""Power of a comparison for a given difference, and its minimum detectable effect."""

from __future__ import annotations

import functools
from collections.abc import Callable

import numpy as np
from scipy import optimize, stats

from tuning.statistics.variance import FOLDS_DIFFER, satterthwaite

POWER = 0.8  # that a difference counts as detectable with


def power_for(effect: float, se: float, df: float, alpha: float) -> float:
    """The probability that a two-sided t test at `alpha` rejects when the true difference is `effect`.

    `se` is the standard error of the estimate, `df` its degrees of freedom. It is the non-central t distribution's, averaged
    over what standard error a sample may show, because scipy's (and with it statsmodels' `TTestPower`) is NaN for the far
    tails that small families of folds lead to.
    """
    if se == 0:
        return float(effect != 0)
    shown = float(stats.t.isf(alpha / 2, df)) * _shown_over_true(df)
    return float(np.mean(stats.norm.sf(shown - effect / se) + stats.norm.cdf(-shown - effect / se)))


def detectable_effect(se: float, df: float, alpha: float, power: float = POWER) -> float:
    """The difference that a two-sided t test at `alpha` finds with probability `power`; the inverse of `power_for`."""
    return _least(lambda effect: power_for(effect, se, df, alpha), se, power)


def planned_effect(se: float, num_subjects: int, num_folds: int, alpha: float, power: float = POWER) -> float:
    """The same before a run whose people are its units.

    Now and then folds differ by chance as if trainings were unstable, and the test then goes by the folds
    (`subject_estimate`): it finds less, and the plan has to reckon with it.
    """
    subjects_df, folds_df = num_subjects - 1, num_folds - 1
    ratio = float(stats.f.isf(FOLDS_DIFFER / 2, folds_df, subjects_df))  # how much more they differ then, in the middle
    mistaken = float(stats.t.isf(alpha / 2, satterthwaite((1.0, subjects_df), (ratio - 1, folds_df)))) * ratio**0.5

    def found(effect: float) -> float:
        as_planned = power_for(effect, se, subjects_df, alpha)
        return (1 - FOLDS_DIFFER) * as_planned + FOLDS_DIFFER * float(stats.norm.sf(mistaken - effect / se))

    return _least(found, se, power)


@functools.lru_cache(maxsize=256)
def _shown_over_true(df: float) -> np.ndarray:
    """The standard error that a sample shows over the true one, at the midpoints of 2,000 equally likely ranges."""
    return np.sqrt(stats.chi2.ppf((np.arange(2000) + 0.5) / 2000, df) / df)


def _least(power_of: Callable[[float], float], se: float, power: float) -> float:
    """The effect at which `power_of` reaches `power`."""
    if se == 0:
        return 0.0
    high = 4 * se
    while power_of(high) < power:
        high *= 2
    return float(optimize.brentq(lambda effect: power_of(effect) - power, 0, high))
