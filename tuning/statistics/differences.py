"""Differences between variants on the same people, folds and seeds, as a family: intervals, tests, probabilities, verdicts."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Literal

import numpy as np

from tuning.statistics.holm import holm_adjusted
from tuning.statistics.intervals import Interval, bca_of_ratio, nadeau_bengio_interval
from tuning.statistics.pairing import PairedRuns
from tuning.statistics.power import POWER, detectable_effect, power_for
from tuning.statistics.variance import (
    Estimate,
    Sources,
    fold_estimate,
    least_variance,
    numbered,
    sources,
    subject_estimate,
    weights_in_mean,
)

Kind = Literal["difference", "effect", "interaction"]  # of a variant to the reference; of a factorial's components
Key = tuple[Kind, str]  # with its name: a component's effect may bear the name of a variant

EFFECT_OF_INTEREST = 0.02  # two points: what the power is stated for where nothing is published


@dataclasses.dataclass(frozen=True, kw_only=True)
class Difference:
    """A contrast of variants in accuracy, as a share: 0.01 is one point. `kind` says what it is a contrast for.

    `interval` is the one to read (docs/decisions/0005); `nadeau_bengio` and `bootstrap` (BCa over people, `None` without
    predictions) stand beside it for those who know them. `p_adjusted` is Holm's over the family. `better`, `equivalent` and
    `worse` are probabilities of lying above, within and below the region of practical equivalence, of this contrast by
    itself; `p_equivalence`, one minus `equivalent`, is adjusted by Holm over the same family, for itself. `detectable` is
    what this run finds with a power of 80 % at Holm's first step, `power` that for a true difference of `effect`. `words`
    say what follows, by the adjusted values alone. `uar` and `train_time_s` (in seconds) are the same contrast of these,
    with folds as units; limits that are equal are no interval: nothing differs from fold to fold.
    """

    kind: Kind
    interval: Interval
    nadeau_bengio: Interval
    bootstrap: Interval | None
    uar: Interval
    train_time_s: Interval
    p_value: float
    p_adjusted: float
    better: float
    equivalent: float
    worse: float
    p_equivalence: float
    detectable: float
    effect: float
    power: float
    words: str


def differences(
    paired: PairedRuns,
    contrasts: Mapping[Key, Mapping[str, float]],
    *,
    wanted: Mapping[Key, float],
    confidence: float,
    rope: float,
) -> dict[Key, Difference]:
    """Each of `contrasts`, weights by variant under a key; together they are the family that Holm adjusts for.

    `wanted` gives by key the true difference for which the power is stated, where two points are not what matters.
    """
    estimates = {key: estimate(paired, weights) for key, weights in contrasts.items()}
    if not estimates:
        return {}
    raw = [one.p_value() for one in estimates.values()]
    adjusted = holm_adjusted(raw)
    floored = [_with_least_error(one, rope, paired.num_clips) for one in estimates.values()]
    shares = [(one.above(rope), 1 - one.above(-rope)) for one in floored]
    equivalent = [max(1 - above - below, 0.0) for above, below in shares]
    p_equivalence = holm_adjusted([1 - share for share in equivalent])
    found: dict[Key, Difference] = {}
    for index, (key, one) in enumerate(estimates.items()):
        weights = contrasts[key]
        alpha = (1 - confidence) / len(estimates)  # of Holm's first step
        effect = abs(wanted.get(key, 0.0)) or EFFECT_OF_INTEREST
        times = fold_estimate(by_fold(paired, weights, "train_time_s"), 0.0)  # nobody is tested in a time
        uar = fold_estimate(by_fold(paired, weights, "uar"), paired.test_over_train, paired.num_clips)
        difference = Difference(
            kind=key[0],
            interval=one.interval(confidence),
            nadeau_bengio=_nadeau_bengio(paired, weights, confidence),
            bootstrap=_bootstrap(paired, weights, confidence),
            uar=uar.interval(confidence),
            train_time_s=times.interval(confidence),
            p_value=raw[index],
            p_adjusted=float(adjusted[index]),
            better=shares[index][0],
            equivalent=equivalent[index],
            worse=shares[index][1],
            p_equivalence=float(p_equivalence[index]),
            detectable=detectable_effect(floored[index].se, one.df, alpha, POWER),
            effect=effect,
            power=power_for(effect, floored[index].se, one.df, alpha),
            words="",
        )
        found[key] = dataclasses.replace(difference, words=_summary(difference, rope))
    return found


def estimate(paired: PairedRuns, weights: Mapping[str, float]) -> Estimate:
    """The weighted sum of the variants' accuracies, by person where predictions were kept and by fold where not."""
    if paired.correct:
        return subject_estimate(error_sources(paired, weights), paired.test_over_train)
    return fold_estimate(by_fold(paired, weights), paired.test_over_train, paired.num_clips)


def error_sources(paired: PairedRuns, weights: Mapping[str, float]) -> Sources:
    """Where the error of that sum comes from; needs predictions."""
    return sources(_totals(paired, weights), paired.clips, paired.subjects, paired.folds)


def by_fold(paired: PairedRuns, weights: Mapping[str, float], metric: str = "accuracy") -> np.ndarray:
    """The weighted sum of a metric `(K, S)`."""
    return np.sum([weight * paired.measured[name][metric] for name, weight in weights.items()], axis=0)


def _with_least_error(one: Estimate, rope: float, num_clips: int) -> Estimate:
    """The error is at least that of a difference of `rope`: variants that agree on a small sample may differ by as much."""
    least = least_variance(max(abs(one.mean), rope), num_clips)
    return dataclasses.replace(one, se=max(one.se, least**0.5))


def _nadeau_bengio(paired: PairedRuns, weights: Mapping[str, float], confidence: float) -> Interval:
    means = by_fold(paired, weights).mean(axis=1)
    return nadeau_bengio_interval(means, num_train=1.0, num_test=paired.test_over_train, confidence=confidence)


def _bootstrap(paired: PairedRuns, weights: Mapping[str, float], confidence: float) -> Interval | None:
    """BCa over people of the mean over folds, seeds averaged: people alone as source of error."""
    if not paired.correct:
        return None
    in_mean = weights_in_mean(paired.clips, numbered(paired.folds))
    scores = _totals(paired, weights).mean(axis=1) / paired.clips
    by_subject, shares = (np.bincount(numbered(paired.subjects), values) for values in (in_mean * scores, in_mean))
    mean, method = float(by_subject.sum()), "BCa bootstrap over people"
    if np.ptp(by_subject / shares) < 1e-12:  # nothing to resample: all people alike
        return Interval(mean=mean, low=mean, high=mean, confidence=confidence, method=method)
    low, high = bca_of_ratio(by_subject, shares, confidence)
    return Interval(mean=mean, low=low, high=high, confidence=confidence, method=method)


def _totals(paired: PairedRuns, weights: Mapping[str, float]) -> np.ndarray:
    """The weighted sum of right answers `(R, S)`."""
    return np.sum([weight * paired.correct[name] for name, weight in weights.items()], axis=0)


def _summary(difference: Difference, rope: float) -> str:
    """What follows from the numbers, and no more."""
    interval, kind = difference.interval, difference.kind
    alpha = 1 - interval.confidence
    identical = interval.low == interval.high == 0
    limits = f"{100 * interval.low:+.1f} to {100 * interval.high:+.1f} points"
    shown = "the results are identical" if identical else limits
    if difference.p_equivalence <= alpha:
        small = "equivalent within" if kind == "difference" else f"no {kind} beyond"
        though = ", though not 0" if difference.p_adjusted <= alpha else ""
        return f"{small} {100 * rope:g} points{though} ({shown})"
    if difference.p_adjusted <= alpha:
        return f"{_size(interval.mean, kind)} ({limits})"
    needed = f"minimum detectable effect {100 * difference.detectable:.1f} points at a power of {100 * POWER:.0f} %"
    return f"no significant {kind} ({shown}; {needed})"


def _size(mean: float, kind: Kind) -> str:
    points = f"{100 * abs(mean):.1f} points"
    if kind == "interaction":
        return f"interaction of {'+' if mean > 0 else '-'}{points}"
    verbs = ("better", "worse") if kind == "difference" else ("raises accuracy", "lowers accuracy")
    return f"{verbs[0] if mean > 0 else verbs[1]} by {points}"
