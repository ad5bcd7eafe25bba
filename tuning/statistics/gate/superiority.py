"""Whether a challenger may replace the champion: the test of their cross-validated answers to the same people.

What it estimates and assumes, and how often it errs where that fails: docs/statistics.md.
"""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd

from tuning.statistics.gate import gain
from tuning.statistics.gate.savings import Costs, Saving, saving_of
from tuning.statistics.shortfall import least

MARGIN = 0.02  # of accuracy, that a cheaper challenger may lose
MOST_SEEDS = 150  # of one configuration in a fold, that may be asked for
SAVING = 0.10  # of parameters or time, that makes a challenger cheaper


@dataclasses.dataclass(frozen=True, kw_only=True)
class Candidate:
    """A configuration and what it answered in the folds of a race.

    `answers` has a row for each clip: `clip_id`, `subject` (who or what is a unit), `fold`, `label`, and a column for each
    seed of the fold, by number, with 1 for a right answer; of trainings that answer together these are the parts of their
    answer (`ensembles.parts`). `subjects_are` says what the units are called.
    """

    name: str
    answers: pd.DataFrame
    costs: Costs
    subjects_are: str = "people"

    @property
    def correct(self) -> np.ndarray:
        """`(C, S)`."""
        return self.answers[[column for column in self.answers.columns if isinstance(column, int)]].to_numpy(float)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Verdict:
    """Whether `name` may replace the champion, and why.

    `difference` (challenger minus champion, a share) has the one-sided lower bound `low` at `level / family`: the share of
    error that is left to this question, over all that entered the race. It must exceed `required`: 0, or minus the margin
    where the challenger is `cheaper` (`saving` says by what). `superior` tells whether it exceeds 0. `p_adjusted` is compared
    with `level`. `people_needed` and `seeds_needed` are the totals (of people; of seeds of each in a fold) at which the bound
    would do at the level of the next question, if the estimates stay; `None` where no number would, or none is needed.
    """

    name: str
    promoted: bool
    superior: bool
    cheaper: bool
    saving: Saving
    difference: float
    low: float
    level: float
    family: int
    required: float
    p_value: float
    p_adjusted: float
    num_people: int
    num_clips: int
    num_folds: int
    num_seeds: tuple[int, int]
    people_needed: int | None
    seeds_needed: int | None
    reason: str
    subjects_are: str = "people"

    @property
    def confidence(self) -> float:
        """That of the bound."""
        return 1 - self.level / self.family


def superiority(
    challenger: Candidate,
    champion: Candidate,
    *,
    level: float,
    family: int = 1,
    margin: float = MARGIN,
    saving: float = SAVING,
    later: float | None = None,
    more_seeds: bool = True,
    test_over_train: float,
) -> Verdict:
    """Test `challenger`, chosen by its answers as one of `family` that entered a race, against `champion`.

    It is promoted where the lower bound of its gain exceeds 0 (superior), or exceeds -`margin` while it has `saving` fewer
    parameters or is shown to take `saving` less time (not inferior, and cheaper). Whoever is chosen among `family` could have
    been any of them, so `level` is divided by their number (Bonferroni); a false saving of time has as much again. What would
    settle it is said for the next question, at the level `later`; seeds only where there can be `more_seeds`.

    Raises `ValueError` for one seed or one person, and for answers to other clips.
    """
    require_allowed(margin=margin, saving=saving)
    tested = level / family
    saves = saving_of(challenger.costs, champion.costs, share=saving, level=tested)
    required = -margin if saves.enough else 0.0
    found = gain_of(challenger, champion, test_over_train=test_over_train)
    p_value = gain.p_value(found, required)
    low = gain.lower_bound(found.estimate(required), tested)
    promoted = p_value <= tested
    people, seeds = (None, None) if promoted else needed(found, required, (level if later is None else later) / family)
    seeds = seeds if more_seeds and seeds is not None and seeds <= MOST_SEEDS else None
    verdict = Verdict(
        name=challenger.name,
        promoted=promoted,
        superior=promoted and low > 0,
        cheaper=saves.enough,
        saving=saves,
        difference=found.mean,
        low=low,
        level=level,
        family=family,
        required=required,
        p_value=p_value,
        p_adjusted=min(family * p_value, 1.0),
        num_people=found.num_people,
        num_clips=found.num_clips,
        num_folds=found.num_folds,
        num_seeds=found.num_seeds,
        people_needed=people,
        seeds_needed=seeds,
        reason="",
        subjects_are=challenger.subjects_are,
    )
    return dataclasses.replace(verdict, reason=_reason(verdict))


def gain_of(challenger: Candidate, champion: Candidate, *, test_over_train: float) -> gain.Gain:
    """The gain on the clips that both answered. Raises `ValueError` where these are not the same ones."""
    one, other = (each.answers.set_index("clip_id").sort_index() for each in (challenger, champion))
    if not one[["subject", "fold", "label"]].equals(other[["subject", "fold", "label"]]):
        raise ValueError(
            f"{challenger.name} and {champion.name} were tested on other clips or people, or in other folds."
        )
    people, folds = (np.unique(one[key].to_numpy(), return_inverse=True)[1] for key in ("subject", "fold"))
    sides = (
        dataclasses.replace(side, answers=rows.reset_index()) for side, rows in ((challenger, one), (champion, other))
    )
    return gain.gain(*(side.correct for side in sides), people, folds, test_over_train=test_over_train)


def needed(found: gain.Gain, required: float, level: float) -> tuple[int | None, int | None]:
    """How many people, and how many seeds of each in a fold, would settle it if the estimates stay; `None`: no number would."""
    if found.mean <= required:
        return None, None

    def settled(**counts: int) -> bool:
        return gain.lower_bound(found.estimate(required, **counts), level) > required

    people = least(found.num_people, lambda count: settled(people=count))
    return people, least(max(found.num_seeds), lambda count: settled(seeds=count))


def require_allowed(*, margin: float, saving: float) -> None:
    """Raises `ValueError` for what no test can be made with."""
    if not (0 <= margin < 1 and 0 <= saving < 1):
        raise ValueError(
            f"margin {margin} and saving {saving} were given; shares of at least 0 and below 1 are allowed."
        )


def _reason(verdict: Verdict) -> str:
    found = (
        f"the difference is {100 * verdict.difference:+.1f} points, at least {100 * verdict.low:+.1f} with "
        f"{100 * verdict.confidence:.4g} % confidence, on {verdict.num_people} {verdict.subjects_are} "
        f"({verdict.num_clips} clips) in {verdict.num_folds} folds"
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
    return (
        f"{verdict.name} is not shown to be {'non-inferior' if verdict.required < 0 else 'superior'}: {found}. "
        f"{100 * (verdict.required - verdict.low):.1f} points are missing: required is more than {condition}."
    )
