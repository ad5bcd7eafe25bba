"""Attainment surfaces of a search that has chosen: what fronts may look like, were people, seeds and clocks drawn anew."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tuning.records.front.noise import noises_of
from tuning.records.ledger import Ledger, Trial, objective_values
from tuning.statistics.front_probability import attainment, draw
from tuning.statistics.pareto import Direction

Surfaces = dict[int, np.ndarray]

_NUM_DRAWS = 400  # enough for lines; their corners are drawn, not judged


def surfaces(
    ledger: Ledger, trials: Sequence[Trial], objectives: Sequence[tuple[str, Direction]], num_clips: int
) -> list[Surfaces]:
    """For each objective after the first, the surfaces of it and the first, as `attainment` has them: `(K, 2)` by level.

    Of finished `trials` of one search; empty where none of the objectives varies, or fewer than two trials are there.
    """
    metrics, directions = [metric for metric, _ in objectives], [direction for _, direction in objectives]
    values = [objective_values(trial, metrics) for trial in trials]
    noises = noises_of(ledger, trials, metrics, num_clips)
    if len(trials) < 2 or not any(noises):
        return []
    draws = draw(values, noises, num_draws=_NUM_DRAWS)
    return [
        attainment(draws[:, :, [0, column]], [directions[0], directions[column]]) for column in range(1, len(metrics))
    ]
