"""From the times of steps and of the reference beside them to the seconds of a whole schedule on an idle device."""

from __future__ import annotations

import dataclasses
import math
import statistics
from collections.abc import Sequence

WARM_UP = 3  # steps at the begin of a phase that do not count, or the half of fewer than six
_OF_DEVIATION = 1.4826  # from the median absolute deviation of normal values to their standard deviation
_OF_MEDIAN = math.sqrt(math.pi / 2)  # from the standard error of a mean to that of a median, of normal values


@dataclasses.dataclass(frozen=True, kw_only=True)
class Estimate:
    """Seconds of a schedule; `spread_s`, their standard error over the blocks, is None where no phase has two of them."""

    seconds: float
    spread_s: float | None


def scheduled(
    step_times_s: Sequence[float],
    references: Sequence[tuple[int, float]],
    phases: Sequence[int],
    idle_s: float | None = None,
    workers: int = 1,
) -> Estimate:
    """That of a schedule whose `phases` have so many steps each.

    `step_times_s` are those of the steps that were done, in order; `references` are runs of the reference, each after so many
    steps, with their seconds; `idle_s` is its time on an idle device, without which the fastest that was seen stands for it.
    The steps up to a reference, after a warm-up of three in each phase, are a block: its median step over its reference. Of a
    phase the median over its blocks counts, of one that was not reached that of the last before it. Without references the
    steps' times stand as they are. `workers` take as many device-seconds.
    """
    known = sorted(references)
    idle = workers * (idle_s or min((seconds for _, seconds in known), default=1.0))
    total, variance, begun = 0.0, 0.0, 0
    ratio, error = 0.0, None
    spreads = False
    for num_steps in phases:
        end = min(begun + num_steps, len(step_times_s))
        if end > begun:
            first = begun + min(WARM_UP, (end - begun) // 2)
            ratio, error = _middle(_blocks(step_times_s, known, first, end))
        total += num_steps * ratio
        if error is not None:
            variance, spreads = variance + (num_steps * error) ** 2, True
        begun += num_steps
    return Estimate(seconds=total * idle, spread_s=math.sqrt(variance) * idle if spreads else None)


def _blocks(times_s: Sequence[float], references: Sequence[tuple[int, float]], first: int, end: int) -> list[float]:
    """The blocks' ratios of the steps from `first` to `end`; what comes after the last reference belongs to that one."""
    ratios: list[float] = []
    begun = first
    for number, (after, seconds) in enumerate(references or [(end, 1.0)]):
        until = end if number + 1 >= len(references) else min(after, end)
        if until > begun:
            ratios.append(statistics.median(times_s[begun:until]) / seconds)
            begun = until
    return ratios


def _middle(ratios: Sequence[float]) -> tuple[float, float | None]:
    """The median and its standard error, by the median absolute deviation."""
    middle = statistics.median(ratios)
    if len(ratios) < 2:
        return middle, None
    deviation = _OF_DEVIATION * statistics.median(abs(ratio - middle) for ratio in ratios)
    return middle, _OF_MEDIAN * deviation / math.sqrt(len(ratios))
