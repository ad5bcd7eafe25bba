"""The gain of a challenger over a champion by cross-validation, with people, seeds and training sets as sources of its error.

The formulas and what they assume: docs/statistics.md. How often a test on them errs: `benchmarks/promotion_calibration`.
"""

from __future__ import annotations

import dataclasses

import numpy as np
from scipy import optimize, stats

from tuning.statistics.variance import Estimate, least_variance, satterthwaite

# Of what Nadeau and Bengio add for overlapping training sets, on the part that seeds do not explain. Single folds cannot show
# it (docs/decisions/0005); the learners of the calibration need none to a tenth of it, and an ablation takes a third.
TRAINING_SHARE = 0.05


@dataclasses.dataclass(frozen=True, kw_only=True)
class Gain:
    """The challenger's accuracy minus the champion's, and where its error comes from, as variances of that mean.

    `of_people` is of people, each with the mean over seeds, with `people_df` degrees of freedom. `of_seeds` has for each of
    the two what a seed does to all people of a fold at once (below 0 by chance), `of_answers` what of people's variance is
    their own answers to a seed. `training` is what training sets add, as a share of the rest of people's variance.
    `num_seeds` are those of each of the two in a fold.
    """

    mean: float
    of_people: float
    people_df: float
    of_seeds: tuple[float, float]
    of_answers: tuple[float, float]
    training: float
    num_people: int
    num_clips: int
    num_folds: int
    num_seeds: tuple[int, int]

    def estimate(self, required: float = 0.0, *, people: int | None = None, seeds: int | None = None) -> Estimate:
        """As it stands, or as it would with that many `people` and `seeds` a fold if its sources stay the same.

        A difference of d needs a share d of the clips judged differently, seen or not, so for a test against `required` the
        variance is never less than that needs: people who all agree prove no more.
        """
        counts = self.num_seeds if seeds is None else (seeds, seeds)
        more_people = (people or self.num_people) / self.num_people
        changed = [before / now for before, now in zip(self.num_seeds, counts, strict=True)]
        of_seeds = sum(one * ratio for one, ratio in zip(self.of_seeds, changed, strict=True))
        fewer = sum(one * (ratio - 1) for one, ratio in zip(self.of_answers, changed, strict=True))
        of_training = self.training * max(self.of_people - sum(self.of_answers), 0.0)
        parts = (
            ((max(self.of_people + fewer, 0.0) + of_training) / more_people, self.people_df * more_people),
            (max(of_seeds, 0.0), self.num_folds * (sum(counts) - 2.0)),
        )
        floor = least_variance(max(abs(self.mean), abs(required)), self.num_clips) / more_people
        variance = max(sum(variance for variance, _ in parts), floor)
        return Estimate(
            mean=self.mean, se=variance**0.5, df=satterthwaite(*parts), method="people, seeds and training sets"
        )


def gain(one: np.ndarray, other: np.ndarray, people: np.ndarray, folds: np.ndarray, *, test_over_train: float) -> Gain:
    """The gain of `one` `(C, S)` over `other` `(C, T)`: right answers to C clips by each of the seeds of a fold.

    `people` and `folds` `(C,)` are numbers from 0 on: who a clip shows, and the fold that tests that person.
    `test_over_train` is the size of a fold's test part over that of its train part.

    Raises `ValueError` for one seed, one person and one fold.
    """
    num_people, num_folds, num_clips = int(people.max()) + 1, int(folds.max()) + 1, len(people)
    for count, unit in ((one.shape[1], "seed"), (other.shape[1], "seed"), (num_people, "person"), (num_folds, "fold")):
        if count < 2:
            raise ValueError(f"There is 1 {unit}; at least 2 are needed to see what another one changes.")
    difference = one.mean(axis=1) - other.mean(axis=1)
    of_people, people_df = _of_people(difference, people)
    shared = [_of_seeds(answers, people, folds) for answers in (one, other)]
    return Gain(
        mean=float(difference.mean()),
        of_people=of_people,
        people_df=people_df,
        of_seeds=(shared[0][0], shared[1][0]),
        of_answers=(shared[0][1], shared[1][1]),
        training=TRAINING_SHARE * num_folds * test_over_train,
        num_people=num_people,
        num_clips=num_clips,
        num_folds=num_folds,
        num_seeds=(one.shape[1], other.shape[1]),
    )


def chance_to_pass(margin: float, of_person: float, num_people: int, level: float) -> float:
    """How probable it is that an equal challenger is shown to lose less than `margin`, tested at `level` on `num_people`.

    `of_person` is the variance of a person's difference. What seeds do to all people of a fold is not in it.
    """
    se = max((of_person / num_people) ** 0.5, 1e-12)
    df = num_people - 1
    return float(stats.t.sf(stats.t.isf(level, df) - margin / se, df))


def variance_of_people(difference: np.ndarray, people: np.ndarray) -> float:
    """The variance of one person's `difference` `(C,)` in a mean over clips: that of the mean, times the number of people."""
    return _of_people(difference, people)[0] * (int(people.max()) + 1)


def _of_people(difference: np.ndarray, people: np.ndarray) -> tuple[float, float]:
    """The variance of the mean over clips, with people drawn at random, and its degrees of freedom.

    A random effect of the person and one of the clip, so that somebody with many clips does not estimate the variance alone.
    The first is Paule and Mandel's (J. Research of the National Bureau of Standards 87, 1982), below 0 where a person's clips
    are less alike than others'; its precision is by Fisher's information.
    """
    clips = np.bincount(people).astype(float)
    num_people, num_clips = len(clips), len(people)
    means = np.bincount(people, difference) / clips
    within = 0.0
    if num_clips > num_people:
        within = float(((difference - means[people]) ** 2).sum()) / (num_clips - num_people)
    between = _paule_mandel(means, within / clips)
    weights = 1 / np.maximum(between + within / clips, 1e-300)
    weight = float((clips**2).sum()) / num_clips**2  # of the person's effect in the variance of the mean
    variance = weight * between + within / num_clips
    if variance <= 0:
        return 0.0, num_people - 1.0
    of_between = weight**2 * 2 / float((weights**2).sum())
    return variance, 2 * variance**2 / of_between * (num_people - 1) / num_people


def _paule_mandel(means: np.ndarray, variances: np.ndarray) -> float:
    """The variance between units by which their weighted squares `(I,)` are as many as their degrees of freedom."""

    def excess(between: float) -> float:
        weights = 1 / (between + variances)
        middle = weights @ means / weights.sum()
        return float(weights @ (means - middle) ** 2) - (len(means) - 1)

    low, high = -0.999 * float(variances.min()), float(means.var(ddof=1)) + 1e-12
    if float(np.ptp(means)) == 0 or excess(low + 1e-15) <= 0:
        return low
    return float(optimize.brentq(excess, low + 1e-15, 2 * high))


def _of_seeds(answers: np.ndarray, people: np.ndarray, folds: np.ndarray) -> tuple[float, float]:
    """What seeds add to the variance of the mean beyond people's own answers to them, and these answers' part."""
    num_clips, num_seeds = answers.shape
    apart = answers - answers.mean(axis=1, keepdims=True)
    by_person, by_fold = (
        sum(float((np.bincount(units, column) ** 2).sum()) for column in apart.T) for units in (people, folds)
    )
    scale = num_seeds * (num_seeds - 1) * num_clips**2
    return (by_fold - by_person) / scale, by_person / scale


def p_value(found: Gain, required: float) -> float:
    """Of the one-sided test that the gain is at most `required`."""
    return 1 - found.estimate(required).above(required)


def lower_bound(estimate: Estimate, level: float) -> float:
    """The one-sided lower bound, wrong with probability `level`."""
    return estimate.mean - float(stats.t.ppf(1 - level, estimate.df)) * estimate.se
