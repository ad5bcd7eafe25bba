"""Standard error of a cross-validated mean: people, seeds and training sets each add their share.

Why not the fold-wise t test or Nadeau and Bengio's correction: docs/decisions/0005.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from tuning.statistics.intervals import Interval, wilson

# The influence of whom one trains on, as a share of what Nadeau and Bengio add for it. Folds cannot show it (every fold
# trains on nearly the same people); see docs/decisions/0005 for where a third comes from.
TRAINING_SHARE = 1 / 3
FOLDS_DIFFER = 0.1  # level of the F test that folds differ by more than their people and seeds explain


@dataclasses.dataclass(frozen=True, kw_only=True)
class Estimate:
    """A mean with its standard error `se` and the degrees of freedom `df` of the latter; `method` says how it was found."""

    mean: float
    se: float
    df: float
    method: str

    def interval(self, confidence: float = 0.95) -> Interval:
        """The two-sided t interval."""
        half = float(stats.t.ppf((1 + confidence) / 2, self.df)) * self.se
        return Interval(
            mean=self.mean, low=self.mean - half, high=self.mean + half, confidence=confidence, method=self.method
        )

    def p_value(self) -> float:
        """Of the two-sided test that the truth is 0."""
        if self.se == 0:
            return float(self.mean == 0)
        return float(2 * stats.t.sf(abs(self.mean) / self.se, self.df))

    def above(self, value: float) -> float:
        """The probability that the truth exceeds `value`, by the t posterior under a flat prior.

        With the standard error of Nadeau and Bengio this is the correlated t test of Corani and Benavoli (Machine
        Learning 100, 2015, section 4). One minus it is the p-value of the one-sided test against `value`.
        """
        if self.se == 0:
            return float(self.mean > value)
        return float(stats.t.cdf((self.mean - value) / self.se, self.df))


@dataclasses.dataclass(frozen=True, kw_only=True)
class Sources:
    """A cross-validated mean and where its error comes from, as variances of that mean.

    `between_subjects` is of people, each with the mean over seeds; `of_seeds` between the seeds of a fold, and
    `within_subjects` what of it is people's own answers to a seed; `between_folds` is of the folds' means.
    """

    mean: float
    between_subjects: float
    of_seeds: float
    within_subjects: float
    between_folds: float
    num_subjects: int
    num_folds: int
    num_seeds: int
    num_clips: float

    @property
    def of_trainings(self) -> float:
        """What a seed does to all people of a fold at once."""
        return max(self.of_seeds - self.within_subjects, 0.0)


def sources(totals: ArrayLike, clips: ArrayLike, subjects: ArrayLike, folds: ArrayLike) -> Sources:
    """Take apart the mean over folds of a score per clip.

    A row is a person in a fold: `totals` `(R, S)` sums the scores of the `clips` `(R,)` of that person under each of S
    seeds (right answers, or right minus the reference's right answers); `subjects` and `folds` `(R,)` say who and where.

    Raises `ValueError` for fewer than two folds or people.
    """
    totals, clips = np.asarray(totals, dtype=float), np.asarray(clips, dtype=float)
    subjects, folds = numbered(subjects), numbered(folds)
    num_subjects, num_folds = int(subjects.max()) + 1, int(folds.max()) + 1
    _require_two(num_folds, num_subjects)
    weights = weights_in_mean(clips, folds)
    by_seed = totals / clips[:, None]
    by_fold = num_folds * np.stack([np.bincount(folds, weights * scores) for scores in by_seed.T], axis=1)  # (K, S)
    mean = float(by_fold.mean())
    shares = np.bincount(subjects, weights * (by_seed.mean(axis=1) - mean))
    of_seeds, within_subjects = _seed_variances(by_seed, by_fold, weights, folds)
    return Sources(
        mean=mean,
        between_subjects=num_subjects / (num_subjects - 1) * float(shares @ shares),
        of_seeds=of_seeds,
        within_subjects=within_subjects,
        between_folds=float(by_fold.mean(axis=1).var(ddof=1)) / num_folds,
        num_subjects=num_subjects,
        num_folds=num_folds,
        num_seeds=by_seed.shape[1],
        num_clips=float(clips.sum()),
    )


def subject_estimate(found: Sources, test_over_train: float) -> Estimate:
    """The mean with people, seeds and training sets as sources of error.

    `test_over_train` is the size of a fold's test part over that of its train part.

    The variance is that between people (each tested once, seeds averaged), plus a `TRAINING_SHARE` of what Nadeau and
    Bengio add for overlapping training sets, on the part that seeds do not explain, plus what a seed does to all people
    of a fold at once (crossed clusters: Cameron, Gelbach and Miller, J. Business & Economic Statistics 29, 2011). Where
    folds differ by more than that, their spread is taken. Degrees of freedom are Satterthwaite's, except for that spread:
    there they are a heuristic of his form, which the calibration bears out. The two parts that it adds (what people and
    seeds explain, and what the folds' spread exceeds that by) are not independent, and the second is a difference.
    """
    share = TRAINING_SHARE * found.num_folds * test_over_train
    trained = found.between_subjects + share * max(found.between_subjects - found.within_subjects, 0.0)
    variance, method = trained + found.of_trainings, "people and seeds"
    subjects_df, folds_df = found.num_subjects - 1, found.num_folds - 1
    df = satterthwaite((trained, subjects_df), (found.of_trainings, found.num_folds * max(found.num_seeds - 1, 1)))
    explained = found.between_subjects + found.of_trainings
    # Where people cancel out (`tuning.evidence.nested_cross_validation`), folds show nothing beyond them.
    rounding = 1e-12 * found.between_folds
    if explained > rounding and found.between_folds > explained * stats.f.isf(FOLDS_DIFFER, folds_df, subjects_df):
        variance, method = found.between_folds * (1 + share), "folds"
        df = satterthwaite((explained, subjects_df), (found.between_folds - explained, folds_df))
    least = least_variance(found.mean, found.num_clips)
    return Estimate(mean=found.mean, se=float(np.sqrt(max(variance, least))), df=df, method=method)


def least_variance(difference: float, num_clips: float) -> float:
    """A difference of d needs at least a share d of the clips judged differently: no sample shows less variance than that.

    Where all clips are judged differently, one counts as if it were not: they do not prove what the next one will be.
    """
    share = min(abs(difference), 1 - 1 / num_clips)
    return share * (1 - share) / num_clips


def share_interval(found: Estimate, num_clips: float, num_units: int, confidence: float = 0.95) -> Interval:
    """The interval of a share itself, no difference of two: it lies between 0 and 1, and is seldom symmetric near them.

    As in `accuracy_interval` it is never narrower than Wilson's for as many independent clips. Where all clips are right, or
    all wrong, each of `num_units` (people; folds, where nobody is known) counts as one observation, since its clips could
    all go wrong together, and the interval is Clopper and Pearson's for that number.
    """
    plain = found.interval(confidence)
    if min(found.mean, 1 - found.mean) < 1e-12:
        exact = stats.binomtest(round(found.mean) * num_units, num_units).proportion_ci(confidence, method="exact")
        low, high = exact.low, exact.high
    else:
        low, high = wilson(found.mean, num_clips, confidence)
    return dataclasses.replace(
        plain, low=float(max(min(plain.low, low), 0.0)), high=float(min(max(plain.high, high), 1.0))
    )


def variances_of_one_run(found: Sequence[Sources]) -> tuple[float, float]:
    """The variance of one result (one fold, one seed), pooled over `found`: what no seed changes, and the seed's own."""
    folds, seeds = found[0].num_folds, found[0].num_seeds
    subjects = np.mean([one.between_subjects + one.of_trainings for one in found])
    of_means = folds * max(float(subjects), float(np.mean([one.between_folds for one in found])))
    of_seeds = folds * seeds * float(np.mean([one.of_seeds for one in found]))
    return max(of_means - of_seeds / seeds, 0.0), of_seeds


def fold_estimate(values: ArrayLike, test_over_train: float, num_clips: float | None = None) -> Estimate:
    """The mean of `values` `(K, S)` over folds and seeds, with folds as units: seeds of a fold share its people.

    For what cannot be told apart by person (UAR, say). K - 1 degrees of freedom; the share for training sets as above, and
    the least variance where `num_clips` are told. Without them (a time has none) folds that are all alike show no error
    at all, which proves nothing. Raises `ValueError` for fewer than two folds.
    """
    values = np.asarray(values, dtype=float)
    num_folds, num_seeds = values.shape
    _require_two(num_folds, num_folds)
    spread = float(values.mean(axis=1).var(ddof=1)) / num_folds
    of_seeds = float(values.var(axis=1, ddof=1).mean()) / (num_folds * num_seeds) if num_seeds > 1 else 0.0
    variance = spread + TRAINING_SHARE * num_folds * test_over_train * max(spread - of_seeds, 0.0)
    mean = float(values.mean())
    least = least_variance(mean, num_clips) if num_clips else 0.0
    return Estimate(mean=mean, se=float(np.sqrt(max(variance, least))), df=float(num_folds - 1), method="folds")


def satterthwaite(*parts: tuple[float, float]) -> float:
    """Degrees of freedom of a sum of independent variances, each given with its own (Biometrics Bulletin 2, 1946)."""
    below = sum(variance**2 / df for variance, df in parts)
    return sum(variance for variance, _ in parts) ** 2 / below if below > 0 else float(parts[0][1])


def _seed_variances(
    by_seed: np.ndarray, by_fold: np.ndarray, weights: np.ndarray, folds: np.ndarray
) -> tuple[float, float]:
    """Two variances of the mean: between the seeds of a fold, and of that what people's own answers to a seed explain.

    The difference is what a seed does to all people of a fold at once. Both are 0 with a single seed.
    """
    num_folds, num_seeds = by_fold.shape
    if num_seeds == 1:
        return 0.0, 0.0
    of_seeds = by_fold.var(axis=1, ddof=1) / (num_seeds * num_folds**2)  # (K,)
    deviations = by_seed - by_seed.mean(axis=1, keepdims=True) - (by_fold - by_fold.mean(axis=1, keepdims=True))[folds]
    rows = np.bincount(folds)
    squares = np.bincount(folds, ((weights[:, None] * deviations) ** 2).sum(axis=1))
    own = rows / np.maximum(rows - 1, 1) * squares / (num_seeds * (num_seeds - 1))
    own = np.where(rows > 1, own, of_seeds)  # one person alone: fold and person are the same thing
    return float(of_seeds.sum()), float(own.sum())


def weights_in_mean(clips: np.ndarray, folds: np.ndarray) -> np.ndarray:
    """What the clips of each row `(R,)` weigh in the mean over folds; `folds` `(R,)` are numbered from 0."""
    by_fold = np.bincount(folds, clips)
    return clips / (len(by_fold) * by_fold)[folds]


def numbered(names: ArrayLike) -> np.ndarray:
    """Each of `names` by its place among those there are, from 0."""
    return np.unique(np.asarray(names), return_inverse=True)[1].ravel()


def _require_two(num_folds: int, num_subjects: int) -> None:
    if num_folds < 2:
        raise ValueError("1 fold was given; at least 2 are needed for an interval, as one fold shows no spread.")
    if num_subjects < 2:
        raise ValueError("All clips are of 1 person; at least 2 are needed to say anything about others.")
