"""How many people, or seeds, a bound that falls short would need in all."""

from __future__ import annotations

import math
from collections.abc import Callable

import pandas as pd

from tuning.statistics.intervals import Interval, crossed, wilson
from tuning.statistics.pairing import judged
from tuning.statistics.units import units_of

MOST = 10_000  # people or seeds: what would take more is not worth asking for


def settled_by(
    subjects: int | None,
    seeds: int | None,
    *,
    now: tuple[int, int],
    reachable: bool,
    subjects_are: str,
    seeds_are: str = "seeds",
) -> str:
    """In words, how many `subjects` or `seeds` in all would settle it, where there are `now` so many.

    `reachable` says that the estimate itself is on the right side; `subjects_are` people, clusters or clips.
    """
    if not reachable:
        return f"The estimate itself falls short: more {subjects_are} or seeds help only if it moves."
    ways = []
    if subjects:
        ways.append(f"about {subjects} {subjects_are} (now {now[0]})")
    if seeds:
        ways.append(f"about {seeds} {seeds_are} (now {now[1]})")
    if not ways:
        return f"Neither more {subjects_are} nor more seeds alone would settle it."
    return f"If the estimates stay, {' or '.join(ways)} would settle it."


def below_majority(
    accuracy: Interval, later: Interval, majority: float, predictions: pd.DataFrame
) -> tuple[str, int | None]:
    """By how much the lower bound of `accuracy` misses the majority baseline, and what would settle it; the seeds needed.

    `predictions` are those of all seeds; `later` is the same accuracy with the confidence that is asked for once there are
    more. The distance of the bound from the mean shrinks with the root of the people, and with the seeds by what people's
    own answers to a seed add; it stays above Wilson's for as many clips.
    """
    table = judged(predictions)
    num_subjects, num_clips, num_seeds = (table[key].nunique() for key in ("subject_id", "clip_id", "seed"))
    own = _share_of_seeds(table)

    def low(now: Interval, subjects: int, seeds: int) -> float:
        changed = 1 - own + own * num_seeds / seeds
        bound = now.mean - (now.mean - now.low) * math.sqrt(changed * num_subjects / subjects)
        return min(bound, wilson(now.mean, num_clips * subjects / num_subjects, now.confidence)[0])

    subjects = seeds = None
    reachable = accuracy.mean > majority
    if reachable:
        subjects = least(num_subjects, lambda count: low(accuracy, count, num_seeds) > majority)
        seeds = least(num_seeds, lambda count: low(later, num_subjects, count) > majority)
    ways = settled_by(
        subjects,
        seeds,
        now=(num_subjects, num_seeds),
        subjects_are=units_of(table),
        reachable=reachable,
    )
    missing = f"{100 * (majority - accuracy.low):.1f} points are missing."
    return f"{missing} {ways}", seeds


def least(start: int, holds: Callable[[int], bool]) -> int | None:
    """The least count from `start` on that `holds`, which stays true once it is; `None` above `MOST`."""
    if not holds(MOST):
        return None
    low, high = start, MOST
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle + 1, high)
    return low


def _share_of_seeds(table: pd.DataFrame) -> float:
    """The share of the variance between people's mean scores that comes of their own answers to a seed, 0 to 1."""
    scores = table.groupby(["subject_id", "seed"])["correct"].mean().unstack("seed").to_numpy()  # (I, S)
    num_subjects, num_seeds = scores.shape
    if num_subjects < 2 or num_seeds < 2:
        return 0.0
    by_subject, _, of_both = crossed(scores)
    between = float(by_subject.var(ddof=1))
    return min(of_both / num_seeds / between, 1.0) if between > 0 else 0.0
