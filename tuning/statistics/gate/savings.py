"""Savings of one configuration over another: parameters are counted, times are measured and vary."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
from scipy import stats

from tuning.statistics.variance import satterthwaite


@dataclasses.dataclass(frozen=True, kw_only=True)
class Costs:
    """What a configuration costs; `train_times_s` has one for each seed, `timed_on` says under which conditions."""

    param_count: float
    train_times_s: tuple[float, ...] = ()
    timed_on: str = ""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Saving:
    """Whether it is enough, in words what is saved or why it is not enough.

    `time_ratio` is the challenger's time over the champion's (geometric means over seeds), `time_ratio_high` its one-sided
    upper bound at `level`; both are `None` where times are not comparable.
    """

    enough: bool
    words: str
    time_ratio: float | None
    time_ratio_high: float | None


def saving_of(challenger: Costs, champion: Costs, *, share: float, level: float) -> Saving:
    """Whether `challenger` has `share` fewer parameters, or takes `share` less time, than `champion`; never an equal one.

    Of time the upper bound of the ratio must say so (Welch's test on the logarithms), for times measured under the same
    conditions and at least two of each: two times that differ by chance save nothing.
    """
    parameters = challenger.param_count / champion.param_count
    ratio, high = _time_ratio(challenger, champion, level)
    found, lacking = [], []
    if _saves(parameters, share):
        found.append(f"{100 * (1 - parameters):.0f} % fewer parameters")
    if high is not None and ratio is not None:
        times = (
            f"at most {100 * high:.0f} % of its time with {100 * (1 - level):.4g} % confidence, {100 * ratio:.0f} % measured"
            f"{f' on {challenger.timed_on}' if challenger.timed_on else ''}"
        )
        (found if _saves(high, share) else lacking).append(times)
    elif challenger.timed_on != champion.timed_on:
        lacking.append(f"times are not compared: {challenger.timed_on}, against {champion.timed_on}")
    counted = (
        f"{100 * parameters:.0f} % of its parameters" if math.isfinite(parameters) else "parameters were not counted"
    )
    summary = " and ".join(found) if found else "; ".join([counted, *lacking])
    return Saving(enough=bool(found), words=summary, time_ratio=ratio, time_ratio_high=high)


def _saves(ratio: float, share: float) -> bool:
    return ratio < 1 and ratio <= 1 - share


def _time_ratio(challenger: Costs, champion: Costs, level: float) -> tuple[float | None, float | None]:
    one, other = np.array(challenger.train_times_s, dtype=float), np.array(champion.train_times_s, dtype=float)
    usable = all(len(times) > 1 and np.isfinite(times).all() and (times > 0).all() for times in (one, other))
    if not usable or challenger.timed_on != champion.timed_on:
        return None, None
    one, other = np.log(one), np.log(other)
    parts = [(float(times.var(ddof=1)) / len(times), len(times) - 1.0) for times in (one, other)]
    mean, se = float(one.mean() - other.mean()), math.sqrt(sum(variance for variance, _ in parts))
    return math.exp(mean), math.exp(mean + float(stats.t.ppf(1 - level, satterthwaite(*parts))) * se)
