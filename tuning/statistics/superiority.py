"""Whether a challenger may replace the champion: the paired test of their predictions for the same holdout people.

People and seeds are both drawn at random: another holdout would hold other people, another refit another seed. The bound
counts both; one that resamples people alone promotes too often (docs/decisions/0005, benchmarks/promotion_calibration).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy import stats

from tuning.statistics.alpha_spending import LATER_SHARE, share_of_alpha
from tuning.statistics.holm import holm_adjusted, holm_levels
from tuning.statistics.intervals import crossed
from tuning.statistics.pairing import judged
from tuning.statistics.savings import Costs, Saving, saving_of
from tuning.statistics.shortfall import least, settled_by
from tuning.statistics.units import units_of
from tuning.statistics.variance import Estimate, satterthwaite

MARGIN = 0.02  # of accuracy, that a cheaper challenger may lose
SAVING = 0.10  # of parameters or time, that makes a challenger cheaper


@dataclasses.dataclass(frozen=True, kw_only=True)
class Candidate:
    """A configuration and what its seeds answered on the holdout: clip_id, subject, seed, label, predicted (or logits).

    `look` counts how often these people are asked whether it may replace the champion (`alpha_spending`).
    """

    name: str
    predictions: pd.DataFrame
    costs: Costs
    look: int = 1


@dataclasses.dataclass(frozen=True, kw_only=True)
class Verdict:
    """Whether `name` may replace the champion, and why.

    `difference` (challenger minus champion, a share) has the one-sided lower bound `low` at `level`, which is the share of
    alpha that is left to this `look`, by Holm's step; it must exceed `required`: 0, or minus the margin where the challenger
    is `cheaper` (`saving` says by what). `superior` tells whether it exceeds 0. `p_adjusted` is compared with alpha itself.
    `people_needed` and `seeds_needed` are the totals (of people; of seeds of either configuration, at the level of the next
    look) at which the bound would do if the estimates stay as they are; `None` where no number would, or none is needed.
    """

    name: str
    look: int
    promoted: bool
    superior: bool
    cheaper: bool
    saving: Saving
    difference: float
    low: float
    level: float
    required: float
    p_value: float
    p_adjusted: float
    people_needed: int | None
    seeds_needed: int | None
    reason: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Parts:
    """A difference and its sources of error: the variance of a person's seed-averaged score, and by configuration that of
    a seed (over all people) and that of a person's own answer to a seed. `subjects` and `seeds` are how many there were;
    `subjects_are` people, clusters or clips."""

    difference: float
    clips: float
    subjects: int
    subjects_are: str
    seeds: tuple[int, int]
    of_subjects: float
    of_seeds: tuple[float, float]
    of_both: tuple[float, float]

    def estimate(
        self, required: float, *, subjects: int | None = None, seeds: tuple[int, int] | None = None
    ) -> Estimate:
        """The difference as it stands, or as it would with that many `subjects` and `seeds` if its sources stay the same."""
        num_subjects, counts = subjects or self.subjects, seeds or self.seeds
        of_subjects = self.of_subjects + sum(
            both * (1 / now - 1 / before) for both, now, before in zip(self.of_both, counts, self.seeds, strict=True)
        )
        variances = [(max(of_subjects, 0.0) / num_subjects, num_subjects - 1.0)]
        variances += [(one / count, count - 1.0) for one, count in zip(self.of_seeds, counts, strict=True)]
        # A difference of d needs a share d of clips judged differently, seen or not: people who all agree prove no more.
        share = max(abs(self.difference), abs(required))
        floor = share * (1 - share) / (self.clips * num_subjects / self.subjects)
        variance = max(sum(one for one, _ in variances), floor)
        return Estimate(
            mean=self.difference, se=variance**0.5, df=satterthwaite(*variances), method="people and seeds, crossed"
        )


def superiority(
    challengers: Sequence[Candidate],
    champion: Candidate,
    *,
    alpha: float = 0.05,
    margin: float = MARGIN,
    saving: float = SAVING,
) -> list[Verdict]:
    """Test each of `challengers` against `champion` on the same clips; a verdict each, in the order given.

    A challenger is promoted where the lower bound of its difference in accuracy exceeds 0 (superior), or exceeds
    -`margin` while it has `saving` fewer parameters or is shown to take `saving` less time (not inferior, and cheaper).
    Each is tested for the weaker condition that holds for it. Holm's step-down, on what its look may spend, keeps the chance
    of any false promotion over all looks at `alpha`; the chance that any time is falsely said to be saved is `alpha` too
    (Bonferroni).

    Raises `ValueError` for one seed, one person, and predictions of other clips.
    """
    require_allowed(alpha=alpha, margin=margin, saving=saving)
    if not challengers:
        return []
    base = _scores(champion)
    units = units_of(champion.predictions)
    parts = [_parts(_scores(challenger), base, challenger.name, champion.name, units) for challenger in challengers]
    shares = [share_of_alpha(challenger.look) for challenger in challengers]
    savings = [
        saving_of(challenger.costs, champion.costs, share=saving, level=spent * alpha / len(challengers))
        for challenger, spent in zip(challengers, shares, strict=True)
    ]
    required = [-margin if saves.enough else 0.0 for saves in savings]
    p_values = [1 - one.estimate(needs).above(needs) for one, needs in zip(parts, required, strict=True)]
    weighted = [min(p_value / spent, 1.0) for p_value, spent in zip(p_values, shares, strict=True)]
    adjusted = holm_adjusted(weighted)
    levels = [level * spent for level, spent in zip(holm_levels(weighted, alpha), shares, strict=True)]
    return [
        _verdict(challenger, *row, alpha)
        for challenger, *row in zip(challengers, parts, savings, required, p_values, adjusted, levels, strict=True)
    ]


def require_allowed(*, alpha: float, margin: float, saving: float) -> None:
    """Raises `ValueError` for what no test can be made with."""
    if not (0 < alpha < 0.5 and 0 <= margin < 1 and 0 <= saving < 1):
        raise ValueError(
            f"alpha {alpha}, margin {margin} and saving {saving} were given; an alpha between 0 and 0.5 and shares of at "
            "least 0 and below 1 are allowed."
        )


def _scores(candidate: Candidate) -> tuple[np.ndarray, pd.Series, pd.Series]:
    """Right answers `(I, S)` by person and seed, the clips of each person, the true labels of the clips."""
    table = judged(candidate.predictions)
    if "seed" not in table:
        raise ValueError(f"The predictions of {candidate.name} name no seed; a column `seed` is needed.")
    if table.duplicated(["clip_id", "seed"]).any():
        raise ValueError(f"The predictions of {candidate.name} judge a clip twice with one seed.")
    seeds = table["seed"].nunique()
    if seeds < 2:
        raise ValueError(
            f"{candidate.name} was confirmed with 1 seed; at least 2 are needed to see what a seed changes."
        )
    if table["subject_id"].nunique() < 2:
        raise ValueError("The holdout has 1 person; at least 2 are needed to say anything about others.")
    labels = table.drop_duplicates("clip_id").set_index("clip_id")["label"].sort_index()
    if len(table) != len(labels) * seeds:
        raise ValueError(f"Not every seed of {candidate.name} judged all {len(labels)} holdout clips.")
    grouped = table.groupby(["subject_id", "seed"], sort=True)["correct"]
    return grouped.sum().to_numpy().reshape(-1, seeds), grouped.size().groupby("subject_id").sum() / seeds, labels


def _parts(
    one: tuple[np.ndarray, pd.Series, pd.Series],
    other: tuple[np.ndarray, pd.Series, pd.Series],
    name: str,
    champion: str,
    subjects_are: str,
) -> _Parts:
    if not (one[2].equals(other[2]) and one[1].equals(other[1])):
        raise ValueError(f"{name} and {champion} were tested on other clips or people; the same holdout is needed.")
    clips = other[1].to_numpy(dtype=float)
    means = [correct.sum(axis=0).mean() / clips.sum() for correct in (one[0], other[0])]
    # A person's influence on the accuracy: people with more clips weigh more (linearised ratio).
    ours, theirs = (
        crossed((correct - accuracy * clips[:, None]) / clips.mean())
        for correct, accuracy in zip((one[0], other[0]), means, strict=True)
    )
    return _Parts(
        difference=float(means[0] - means[1]),
        clips=float(clips.sum()),
        subjects=len(clips),
        subjects_are=subjects_are,
        seeds=(one[0].shape[1], other[0].shape[1]),
        of_subjects=float((ours[0] - theirs[0]).var(ddof=1)),
        of_seeds=(ours[1], theirs[1]),
        of_both=(ours[2], theirs[2]),
    )


def _verdict(
    challenger: Candidate,
    parts: _Parts,
    saving: Saving,
    required: float,
    p_value: float,
    p_adjusted: float,
    level: float,
    alpha: float,
) -> Verdict:
    low = _low(parts.estimate(required), level)
    promoted = bool(p_adjusted <= alpha)
    subjects = seeds = None
    if not promoted and parts.difference > required:
        subjects = least(parts.subjects, lambda count: _low(parts.estimate(required, subjects=count), level) > required)
        later = level * LATER_SHARE
        seeds = least(
            max(parts.seeds), lambda count: _low(parts.estimate(required, seeds=(count, count)), later) > required
        )
    verdict = Verdict(
        name=challenger.name,
        look=challenger.look,
        promoted=promoted,
        superior=promoted and low > 0,
        cheaper=saving.enough,
        saving=saving,
        difference=parts.difference,
        low=low,
        level=level,
        required=required,
        p_value=float(p_value),
        p_adjusted=float(p_adjusted),
        people_needed=subjects,
        seeds_needed=seeds,
        reason="",
    )
    return dataclasses.replace(verdict, reason=_reason(verdict, parts))


def _low(estimate: Estimate, level: float) -> float:
    return estimate.mean - float(stats.t.ppf(1 - level, estimate.df)) * estimate.se


def _reason(verdict: Verdict, parts: _Parts) -> str:
    found = (
        f"the difference is {100 * verdict.difference:+.1f} points, at least {100 * verdict.low:+.1f} with "
        f"{100 * (1 - verdict.level):.4g} % confidence"
    )
    if verdict.promoted:
        how = "superior" if verdict.superior else f"not inferior, and cheaper ({verdict.saving.words})"
        return f"{verdict.name} is {how}: {found}."
    if verdict.required < 0:
        condition = f"{100 * verdict.required:+.1f} points, the margin for a cheaper one ({verdict.saving.words})"
    elif verdict.cheaper:
        condition = f"0, as nothing is left of the margin for a cheaper one ({verdict.saving.words})"
    else:
        condition = f"0, as it saves too little for the margin ({verdict.saving.words})"
    text = (
        f"{verdict.name} is not shown to be {'non-inferior' if verdict.required < 0 else 'superior'}: {found}. "
        f"{100 * (verdict.required - verdict.low):.1f} points are missing: required is more than {condition}."
    )
    ways = settled_by(
        verdict.people_needed,
        verdict.seeds_needed,
        now=(parts.subjects, min(parts.seeds)),
        reachable=parts.difference > verdict.required,
        subjects_are=parts.subjects_are,
        seeds_are="seeds of each",
    )
    return f"{text} {ways}"
