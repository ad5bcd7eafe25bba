"""Which trials of a search are worth a second look, and which one to recommend."""

from __future__ import annotations

import math

from search_spaces.core.study import Study
from tuning import pareto
from tuning.ledger import Trial, objective_values


def choose(study: Study, trials: list[Trial], num_validation: int) -> tuple[list[Trial], Trial]:
    """The exact Pareto front of finished trials, and the member to recommend.

    The recommended one is the knee among the members whose first objective is within one standard error of the best
    (Breiman's rule): a network that is cheap because it guesses is never recommended.
    """
    metrics = [objective.metric for objective in study.objectives]
    directions = [objective.direction for objective in study.objectives]
    values = [objective_values(trial, metrics) for trial in trials]
    on_front = pareto.non_dominated(values, directions)
    front = [trial for trial, chosen in zip(trials, on_front, strict=True) if chosen]
    floor = None
    if metrics[0] == "accuracy":
        best = max(trial.metrics["accuracy"] for trial in front)
        floor = best - math.sqrt(best * (1 - best) / num_validation)
    kept = [value for value, chosen in zip(values, on_front, strict=True) if chosen]
    return front, front[pareto.knee(kept, directions, floor=floor)]
