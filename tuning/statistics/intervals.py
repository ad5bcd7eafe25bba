"""Intervals: of an accuracy, and of a difference between two variants."""

from __future__ import annotations

import dataclasses
import math
from collections import Counter
from collections.abc import Hashable, Sequence

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

NUM_RESAMPLES = 4999
SEED_SD = 0.02  # of an accuracy, between seeds of one configuration: our choice, by our own measurements (0028)
SEED_SD_WORTH = 4  # degrees of freedom that `SEED_SD` counts for beside what was measured


@dataclasses.dataclass(frozen=True, kw_only=True)
class Interval:
    """An estimate and the range that holds the truth with probability `confidence`; `method` says how it was found."""

    mean: float
    low: float
    high: float
    confidence: float
    method: str


def accuracy_interval(
    correct: ArrayLike,
    subjects: Sequence[str],
    seeds: ArrayLike | None = None,
    confidence: float = 0.95,
    seed: int = 0,
) -> Interval:
    """The accuracy on subjects nobody has seen, from `correct` `(N,)` booleans, one prediction of one clip each.

    Clips of one person are alike, so whole subjects are resampled: the BCa bootstrap (Efron, JASA 82, 1987) of the
    ratio of correct to all clips, 4,999 resamples drawn with `seed`. Where several trained seeds of one configuration
    judged the clips, `seeds` `(N,)` names them, and they are averaged within the subject: more seeds are not more
    people.

    A bootstrap cannot see the errors that happen to be missing from the sample, so the interval is never narrower than
    Wilson's for as many independent clips. Where all subjects have one and the same accuracy (all clips correct, say)
    the bootstrap collapses to a point; then each subject counts as one observation (the clips of a person could all go
    wrong together) and the interval is Clopper and Pearson's for that number of subjects.

    Raises `ValueError` for no predictions, unequal lengths, values other than 0 and 1, and a missing subject.
    """
    right, total = _counts_by_subject(correct, subjects, seeds)
    _check_confidence(confidence)
    mean = float(right.sum() / total.sum())
    if np.ptp(right / total) < 1e-12:
        low, high = _clopper_pearson(mean, len(total), confidence)
        return Interval(mean=mean, low=low, high=high, confidence=confidence, method="Clopper-Pearson over subjects")
    resampled, independent = bca_of_ratio(right, total, confidence, seed), wilson(mean, float(total.sum()), confidence)
    low, high = np.nanmin([resampled[0], independent[0]]), np.nanmax([resampled[1], independent[1]])
    return Interval(
        mean=mean, low=float(low), high=float(high), confidence=confidence, method="BCa bootstrap over subjects"
    )


def bca_of_ratio(above: np.ndarray, below: np.ndarray, confidence: float, seed: int = 0) -> tuple[float, float]:
    """The limits of the sum of `above` over the sum of `below`, both `(I,)`, by the BCa bootstrap over their units."""
    found = stats.bootstrap(
        (above, below),
        lambda above, below, axis: above.sum(axis=axis) / below.sum(axis=axis),
        paired=True,
        n_resamples=NUM_RESAMPLES,
        batch=500,
        confidence_level=confidence,
        method="BCa",
        rng=np.random.default_rng(seed),
    ).confidence_interval
    return float(found.low), float(found.high)


def crossed(scores: np.ndarray) -> tuple[np.ndarray, float, float]:
    """What people and seeds add to `scores` `(I, S)`, of I people under S seeds, two of each at least.

    Returns each person's mean over the seeds `(I,)`, the variance between seeds beyond what people's own answers explain,
    and the variance of a person's own answer to a seed: the two-way analysis of variance.
    """
    by_subject, by_seed = scores.mean(axis=1), scores.mean(axis=0)
    rest = scores - by_subject[:, None] - by_seed + scores.mean()
    num_subjects, num_seeds = scores.shape
    of_both = float((rest**2).sum()) / ((num_subjects - 1) * (num_seeds - 1))
    return by_subject, max(float(by_seed.var(ddof=1)) - of_both / num_subjects, 0.0), of_both


def seed_sd(variances: Sequence[tuple[float, int]]) -> float:
    """The standard deviation between seeds of one configuration, from `variances` with their degrees of freedom.

    `SEED_SD` counts for as much as `SEED_SD_WORTH` degrees of freedom, so that two seeds alone decide little.
    """
    degrees = SEED_SD_WORTH + sum(df for _, df in variances)
    return float(np.sqrt((SEED_SD_WORTH * SEED_SD**2 + sum(df * variance for variance, df in variances)) / degrees))


def with_seeds(found: Interval, correct: ArrayLike, subjects: Sequence[str], seeds: Sequence[Hashable]) -> Interval:
    """`found`, the interval of an accuracy over people, widened by what the seeds of its trainings add.

    `correct` `(N,)` holds one prediction each, of a person in `subjects` by a training in `seeds`. Each distance from the mean
    becomes the root of its square plus that of the mean's error by seeds: `seed_sd` of what moves everybody at once
    (`crossed`), by the t quantile with its degrees of freedom. Of one seed, and of one person, that is the usual one.
    """
    return with_trainings(found, len(dict.fromkeys(seeds)), between_seeds(correct, subjects, seeds))


def between_seeds(correct: ArrayLike, subjects: Sequence[str], seeds: Sequence[Hashable]) -> list[tuple[float, int]]:
    """The variance between `seeds`, with its degrees of freedom, of an accuracy as `with_seeds` has it.

    Empty for one seed, and for one person.
    """
    names = {seed: place for place, seed in enumerate(dict.fromkeys(seeds))}
    people = {subject: place for place, subject in enumerate(dict.fromkeys(subjects))}
    if len(names) < 2 or len(people) < 2:
        return []
    right, clips = np.zeros((2, len(people), len(names)))
    rows = [people[subject] for subject in subjects], [names[seed] for seed in seeds]
    np.add.at(right, rows, np.asarray(correct, dtype=float))
    np.add.at(clips, rows, 1.0)
    shares = right / np.maximum(clips, 1.0) * clips.mean(axis=1, keepdims=True) / clips.mean()
    return [(crossed(shares)[1], len(names) - 1)]


def with_trainings(found: Interval, num_trainings: int, measured: Sequence[tuple[float, int]] = ()) -> Interval:
    """`found`, the interval of an accuracy over people, widened by what the seeds of `num_trainings` add to their mean.

    `measured` are variances between seeds with their degrees of freedom, as `seed_sd` has them; without any the usual one.
    """
    return _with_seeds_of(found, 1 / num_trainings, measured, least=0.0)


def difference_with_trainings(
    found: Interval, one: int, other: int, measured: Sequence[tuple[float, int]] = ()
) -> Interval:
    """`found`, of the accuracy of `one` trainings minus that of `other` ones, widened as `with_trainings` widens an accuracy.

    0 trainings are an answer that no seed moves, such as the commonest class.
    """
    return _with_seeds_of(found, sum(1 / count for count in (one, other) if count), measured, least=-1.0)


def _with_seeds_of(found: Interval, share: float, measured: Sequence[tuple[float, int]], *, least: float) -> Interval:
    """Each distance from the mean, beside that of an error whose variance is `share` of one training's."""
    df = SEED_SD_WORTH + sum(one for _, one in measured)
    half = float(stats.t.ppf((1 + found.confidence) / 2, df)) * seed_sd(measured) * math.sqrt(share)
    low = found.mean - math.hypot(found.mean - found.low, half)
    high = found.mean + math.hypot(found.high - found.mean, half)
    method = found.method if "seeds" in found.method or not share else f"{found.method}, and seeds"
    return dataclasses.replace(found, low=max(low, least), high=min(high, 1.0), method=method)


def majority_share(labels: Sequence[Hashable]) -> float:
    """The accuracy of always answering the commonest class: what a model must beat to have learnt anything."""
    if not len(labels):
        raise ValueError("There are no labels to take the commonest of.")
    return Counter(np.asarray(labels).tolist()).most_common(1)[0][1] / len(labels)


def nadeau_bengio_interval(
    differences: ArrayLike, num_train: float, num_test: float, confidence: float = 0.95
) -> Interval:
    """The mean of paired `differences` `(K,)`, one per fold (and seed), with the corrected resampled t interval.

    Training sets of different folds overlap, so their results are correlated and the ordinary variance of the mean is
    too small; it becomes (1/K + `num_test`/`num_train`) times the sample variance, with K - 1 degrees of freedom.
    Equal differences have no variance, and the interval is then a point.
    Source: Nadeau and Bengio, Machine Learning 52, 2003, section 3.

    Raises `ValueError` for fewer than two differences or for sizes that are not positive.
    """
    values = np.asarray(differences, dtype=float)
    if values.ndim != 1 or len(values) < 2 or not np.isfinite(values).all():
        raise ValueError(f"An interval needs two or more finite differences in one row, not {differences!r}.")
    if not (num_train > 0 and num_test > 0):
        raise ValueError(f"The sizes of the train and test sets must be positive, not {num_train} and {num_test}.")
    _check_confidence(confidence)
    mean = float(values.mean())
    half = stats.t.ppf((1 + confidence) / 2, len(values) - 1) * np.sqrt(
        (1 / len(values) + num_test / num_train) * values.var(ddof=1)
    )
    return Interval(
        mean=mean, low=float(mean - half), high=float(mean + half), confidence=confidence, method="Nadeau-Bengio"
    )


def paired_difference(
    correct: ArrayLike, other: ArrayLike, subjects: Sequence[str], confidence: float = 0.95
) -> Interval:
    """The accuracy in `correct` `(N,)` minus that in `other` `(N,)`, of the same clips, on subjects nobody has seen.

    Whole subjects are resampled (BCa bootstrap), as in `accuracy_interval`. Never narrower than the normal interval for as
    many independent clips, of which one at least is judged differently: that all subjects agree proves no more.
    """
    above = np.asarray(correct, dtype=float) - np.asarray(other, dtype=float)
    _, rows = np.unique(np.asarray(subjects, dtype=str), return_inverse=True)
    by_subject, clips = np.bincount(rows, weights=above), np.bincount(rows).astype(float)
    mean, num = float(above.mean()), len(above)
    differing = max(float((above**2).mean()), 1 / num)
    half = float(stats.norm.ppf((1 + confidence) / 2)) * math.sqrt(max(differing - mean**2, differing / num) / num)
    low, high = mean - half, mean + half
    if np.ptp(by_subject / clips) > 1e-12:
        resampled = bca_of_ratio(by_subject, clips, confidence)
        low, high = np.nanmin([low, resampled[0]]), np.nanmax([high, resampled[1]])
    return Interval(
        mean=mean, low=float(low), high=float(high), confidence=confidence, method="BCa bootstrap over subjects"
    )


def independent_difference(one: Interval, other: Interval) -> Interval:
    """`one` minus `other`, of people who have nothing to do with each other.

    Each limit combines the distances of the two estimates from their own limits, so that skew is kept. Source: Zou and
    Donner, Statistics in Medicine 27, 2008, section 2 (for two proportions it is Newcombe's method 10).
    """
    mean = one.mean - other.mean
    return Interval(
        mean=mean,
        low=mean - math.hypot(one.mean - one.low, other.high - other.mean),
        high=mean + math.hypot(one.high - one.mean, other.mean - other.low),
        confidence=min(one.confidence, other.confidence),
        method=f"Zou and Donner, from two intervals: {other.method}",
    )


def _counts_by_subject(
    correct: ArrayLike, subjects: Sequence[str], seeds: ArrayLike | None
) -> tuple[np.ndarray, np.ndarray]:
    """Correct and all clips of each subject, each the mean over the seeds that judged that subject: two `(S,)`."""
    values = np.asarray(correct, dtype=float)
    if values.ndim != 1 or not len(values):
        raise ValueError(f"An accuracy needs one row of predictions and one at least, not the shape {values.shape}.")
    if not np.isin(values, (0.0, 1.0)).all():
        raise ValueError("`correct` holds something other than true and false (1 and 0).")
    seed_of = [0] * len(values) if seeds is None else np.asarray(seeds).tolist()
    if not len(values) == len(subjects) == len(seed_of):
        raise ValueError(
            f"One subject and one seed belong to each prediction; given are {len(values)} predictions, "
            f"{len(subjects)} subjects and {len(seed_of)} seeds."
        )
    if any(subject is None or subject != subject for subject in subjects):  # a NaN differs from itself
        raise ValueError("Some predictions name no subject; where the data knows none, give the clip ids instead.")
    seeds_of: dict[str, set] = {}
    for subject, one in zip(subjects, seed_of, strict=True):
        seeds_of.setdefault(subject, set()).add(one)
    index = {subject: i for i, subject in enumerate(seeds_of)}
    rows = np.array([index[subject] for subject in subjects])
    num_seeds = np.array([len(found) for found in seeds_of.values()])
    return np.bincount(rows, weights=values) / num_seeds, np.bincount(rows) / num_seeds


def _clopper_pearson(share: float, num: int, confidence: float) -> tuple[float, float]:
    """The exact binomial interval for `share` of `num`; a number of successes that is not whole is taken as it is."""
    hits, tail = share * num, (1 - confidence) / 2
    low = stats.beta.ppf(tail, hits, num - hits + 1) if hits > 0 else 0.0
    high = stats.beta.ppf(1 - tail, hits + 1, num - hits) if hits < num else 1.0
    return float(low), float(high)


def wilson(share: float, num: float, confidence: float) -> tuple[float, float]:
    z = stats.norm.ppf((1 + confidence) / 2)
    middle = (share + z**2 / (2 * num)) / (1 + z**2 / num)
    half = z * np.sqrt(share * (1 - share) / num + z**2 / (4 * num**2)) / (1 + z**2 / num)
    return float(middle - half), float(middle + half)


def _check_confidence(confidence: float) -> None:
    if not 0 < confidence < 1:
        raise ValueError(f"A confidence lies between 0 and 1, exclusively; given is {confidence!r}.")
