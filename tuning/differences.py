"""Differences between variants on the same people, folds and seeds, as a family: intervals, tests, probabilities, words."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import TypeVar

import numpy as np
from scipy import stats
from statsmodels.stats.multitest import multipletests

from tuning.paired_runs import PairedRuns
from tuning.power import POWER, detectable_effect, power_for
from tuning.statistics import NUM_RESAMPLES, Interval, nadeau_bengio_interval
from tuning.variance import Estimate, Sources, fold_estimate, people_estimate, sources

Key = TypeVar("Key")

EFFECT_OF_INTEREST = 0.02  # two points: what the power is stated for where nothing is published


@dataclasses.dataclass(frozen=True, kw_only=True)
class Difference:
    """A contrast of variants in accuracy, as a share: 0.01 is one point.

    `interval` is the one to read (docs/decisions/0005); `nadeau_bengio` and `bootstrap` (BCa over people, `None` without
    predictions) stand beside it for those who know them. `p_adjusted` is Holm's over the family. `better`, `equivalent` and
    `worse` are probabilities of lying above, within and below the region of practical equivalence. `detectable` is what
    this run finds with a power of 80 %, `power` its power for a true difference of `effect`. `words` say what follows.
    """

    interval: Interval
    nadeau_bengio: Interval
    bootstrap: Interval | None
    p_value: float
    p_adjusted: float
    better: float
    equivalent: float
    worse: float
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
    adjusted = multipletests(raw, alpha=1 - confidence, method="holm")[1]
    found = {}
    for (key, one), p_value, p_adjusted in zip(estimates.items(), raw, adjusted, strict=True):
        alpha = (1 - confidence) / len(estimates)  # of Holm's first step
        effect = abs(wanted.get(key, 0.0)) or EFFECT_OF_INTEREST
        above, below = one.above(rope), 1 - one.above(-rope)
        difference = Difference(
            interval=one.interval(confidence),
            nadeau_bengio=_nadeau_bengio(paired, contrasts[key], confidence),
            bootstrap=_bootstrap(paired, contrasts[key], confidence),
            p_value=p_value,
            p_adjusted=float(p_adjusted),
            better=above,
            equivalent=max(1 - above - below, 0.0),
            worse=below,
            detectable=detectable_effect(one.se, one.df, alpha, POWER),
            effect=effect,
            power=power_for(effect, one.se, one.df, alpha),
            words="",
        )
        found[key] = dataclasses.replace(difference, words=_words(difference, rope))
    return found


def estimate(paired: PairedRuns, weights: Mapping[str, float]) -> Estimate:
    """The weighted sum of the variants' accuracies, by person where predictions were kept and by fold where not."""
    if paired.correct:
        return people_estimate(error_sources(paired, weights), paired.test_over_train)
    return fold_estimate(by_fold(paired, weights), paired.test_over_train)


def error_sources(paired: PairedRuns, weights: Mapping[str, float]) -> Sources:
    """Where the error of that sum comes from; needs predictions."""
    return sources(_totals(paired, weights), paired.clips, paired.people, paired.folds)


def by_fold(paired: PairedRuns, weights: Mapping[str, float]) -> np.ndarray:
    """The weighted sum of accuracies `(K, S)`."""
    return np.sum([weight * paired.measured[name]["accuracy"] for name, weight in weights.items()], axis=0)


def _nadeau_bengio(paired: PairedRuns, weights: Mapping[str, float], confidence: float) -> Interval:
    means = by_fold(paired, weights).mean(axis=1)
    return nadeau_bengio_interval(means, num_train=1.0, num_test=paired.test_over_train, confidence=confidence)


def _bootstrap(paired: PairedRuns, weights: Mapping[str, float], confidence: float) -> Interval | None:
    """BCa over people of the difference per clip, seeds averaged: people alone as source of error."""
    if not paired.correct:
        return None
    people = np.unique(paired.people, return_inverse=True)[1].ravel()
    totals = _totals(paired, weights).mean(axis=1)
    by_person, clips = np.bincount(people, totals), np.bincount(people, paired.clips)
    mean, method = float(by_person.sum() / clips.sum()), "BCa bootstrap over people"
    if np.ptp(by_person / clips) < 1e-12:  # nothing to resample: all people alike
        return Interval(mean=mean, low=mean, high=mean, confidence=confidence, method=method)
    found = stats.bootstrap(
        (by_person, clips),
        lambda totals, clips, axis: totals.sum(axis=axis) / clips.sum(axis=axis),
        paired=True,
        n_resamples=NUM_RESAMPLES,
        batch=500,
        confidence_level=confidence,
        method="BCa",
        rng=np.random.default_rng(0),
    ).confidence_interval
    return Interval(mean=mean, low=float(found.low), high=float(found.high), confidence=confidence, method=method)


def _totals(paired: PairedRuns, weights: Mapping[str, float]) -> np.ndarray:
    """The weighted sum of right answers `(R, S)`."""
    return np.sum([weight * paired.correct[name] for name, weight in weights.items()], axis=0)


def _words(difference: Difference, rope: float) -> str:
    """What follows from the numbers, and no more."""
    interval = difference.interval
    confidence = interval.confidence
    limits = f"{100 * interval.low:+.1f} to {100 * interval.high:+.1f} points"
    if interval.low == interval.high == 0:
        return "no difference could be resolved: the results are identical"
    if difference.p_adjusted <= 1 - confidence:
        word = "better" if interval.mean > 0 else "worse"
        return f"{word} by {100 * abs(interval.mean):.1f} points ({limits})"
    if difference.equivalent >= confidence:
        return f"equivalent within {100 * rope:g} points ({limits})"
    return (
        f"no difference could be resolved ({limits}; {100 * difference.detectable:.1f} points would be found with a power of "
        f"{100 * POWER:.0f} %)"
    )
