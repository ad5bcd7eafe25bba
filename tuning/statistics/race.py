"""A race of configurations by cross-validation: who is clearly worse leaves, and what choosing the best of them flatters.

Every racer is trained on the same folds with the same seeds, so that two are compared by the same people. Maron and Moore's
racing (Artificial Intelligence Review 11, 1997) with paired differences, as Birattari's F-race has them.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping, Sequence

import numpy as np
from scipy import stats

from tuning.statistics.intervals import Interval
from tuning.statistics.pareto import one_standard_error_below
from tuning.statistics.variance import Estimate, least_variance

LEVEL = 0.05  # of the one-sided test by which a member leaves
# That a member has run before it may leave: one fold is one training, whose seed moves everybody in it.
FEWEST_FOLDS = 2
NUM_RESAMPLES = 2000


@dataclasses.dataclass(frozen=True, kw_only=True)
class Answers:
    """What one racer answered: a row is a person in a fold.

    `right` `(R,)` counts that person's right answers, the mean over seeds, of `clips` `(R,)`; `people` and `folds` `(R,)` say
    who and where.
    """

    right: np.ndarray
    clips: np.ndarray
    people: np.ndarray
    folds: np.ndarray

    @property
    def accuracy(self) -> float:
        """The share of right answers."""
        return float(self.right.sum() / self.clips.sum())

    @property
    def num_folds(self) -> int:
        return len(set(self.folds.tolist()))

    def rows(self) -> dict[tuple[object, object], tuple[float, float]]:
        """Right answers and clips by person and fold."""
        keys = zip(self.people.tolist(), self.folds.tolist(), strict=True)
        return dict(zip(keys, zip(self.right.tolist(), self.clips.tolist(), strict=True), strict=True))


def paired(one: Answers, other: Answers) -> Estimate:
    """The accuracy of `one` minus that of `other` on the people and folds that both ran, with people as its source of error.

    Each person counts once, with all its clips. Raises `ValueError` for fewer than two people in common.
    """
    mine, theirs = one.rows(), other.rows()
    above: dict[object, float] = {}
    below: dict[object, float] = {}
    for (person, fold), (right, clips) in mine.items():
        if (person, fold) in theirs:
            above[person] = above.get(person, 0.0) + right - theirs[person, fold][0]
            below[person] = below.get(person, 0.0) + clips
    if len(above) < 2:
        raise ValueError(
            f"{len(above)} people were answered for by both racers; at least 2 are needed to compare them."
        )
    differences, clips = np.array(list(above.values())), np.array(list(below.values()))
    mean = float(differences.sum() / clips.sum())
    rest = differences - mean * clips
    variance = len(rest) / (len(rest) - 1) * float(rest @ rest) / float(clips.sum()) ** 2
    se = float(np.sqrt(max(variance, least_variance(mean, float(clips.sum())))))
    return Estimate(mean=mean, se=se, df=len(rest) - 1, method="paired by person")


def clearly_worse(
    racers: Mapping[str, Answers], level: float = LEVEL, *, num_clips: float | None = None
) -> dict[str, Estimate]:
    """Who is worse than the leader beyond chance, with the difference to it.

    The leader is the most accurate on the folds that all of `racers` ran, the first of equal ones. A racer is worse where the
    one-sided upper bound of its difference lies below 0; nobody is before `FEWEST_FOLDS` folds. Each is tested at `level`: a
    bound that were corrected for their number would keep more of them.

    With `num_clips`, those of the whole race, the bound has to lie below one standard error beneath the leader instead: the
    floor of `pareto.one_standard_error_below`, above which a smaller or faster racer may be taken.
    """
    if len(racers) < 2 or min(answers.num_folds for answers in racers.values()) < FEWEST_FOLDS:
        return {}
    leader = max(racers, key=lambda name: racers[name].accuracy)
    best = racers[leader].accuracy
    least = 0.0 if num_clips is None else one_standard_error_below(best, num_clips) - best
    behind = {name: paired(answers, racers[leader]) for name, answers in racers.items() if name != leader}
    return {
        name: found
        for name, found in behind.items()
        if found.mean + stats.t.ppf(1 - level, found.df) * found.se < least
    }


def corrected(racers: Sequence[Answers], confidence: float = 0.95, seed: int = 0) -> Interval:
    """The accuracy of whichever of `racers` is best, corrected for the choice by bootstrapping it (BBC-CV).

    People are drawn with replacement; the racer that is best on those drawn is scored on those not drawn, and the scores'
    mean and quantiles are taken over 2,000 draws with `seed`. `racers` are those that ran all folds: who left does not count.
    Source: Tsamardinos, Greasidou and Borboudakis, Machine Learning 107, 2018, section 4.

    Raises `ValueError` for no racer and fewer than three people.
    """
    people = sorted({str(person) for answers in racers for person in answers.people.tolist()})
    if len(people) < 3:
        raise ValueError(f"{len(people)} people were tested; at least 3 are needed to bootstrap a choice.")
    place = {person: row for row, person in enumerate(people)}
    right, clips = np.zeros((2, len(people), len(racers)))
    for column, answers in enumerate(racers):
        rows = np.array([place[str(person)] for person in answers.people.tolist()])
        np.add.at(right[:, column], rows, answers.right)
        np.add.at(clips[:, column], rows, answers.clips)
    rng = np.random.default_rng(seed)
    drawn = rng.multinomial(len(people), np.full(len(people), 1 / len(people)), size=NUM_RESAMPLES)  # (B, P)
    chosen = _shares(drawn @ right, drawn @ clips).argmax(axis=1)
    outside = (drawn == 0).astype(float)
    rows = np.arange(NUM_RESAMPLES)
    scores = _shares((outside @ right)[rows, chosen], (outside @ clips)[rows, chosen])
    scores = scores[scores >= 0]
    low, high = np.quantile(scores, [(1 - confidence) / 2, (1 + confidence) / 2])
    return Interval(
        mean=float(scores.mean()),
        low=float(low),
        high=float(high),
        confidence=confidence,
        method="bootstrap bias-corrected cross-validation, over people",
    )


def among(answers: Answers, folds: Collection[int]) -> Answers:
    """`answers` in these folds alone."""
    kept = np.isin(answers.folds, list(folds))
    return Answers(
        right=answers.right[kept], clips=answers.clips[kept], people=answers.people[kept], folds=answers.folds[kept]
    )


def _shares(right: np.ndarray, clips: np.ndarray) -> np.ndarray:
    """Right of all clips; -1 where there are none."""
    return np.where(clips > 0, right / np.where(clips > 0, clips, 1.0), -1.0)
