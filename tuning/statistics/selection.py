"""Which trials of a search are worth a second look, and which one to recommend."""

from __future__ import annotations

from search_spaces.core.study import Study
from tuning.records.ledger import Trial, objective_values
from tuning.statistics import pareto

RATES = ("accuracy", "uar")  # objectives that are shares of clips, and so have a binomial standard error


def choose(study: Study, trials: list[Trial], num_validation: int) -> tuple[list[Trial], Trial | None]:
    """The exact Pareto front of finished trials, and the member to recommend; empty where no objective is finite.

    The recommended one is the knee among the members whose first objective, where it is a rate on `num_validation` clips,
    is within one standard error of the best (Breiman's rule): a network that is cheap because it guesses is never
    recommended.
    """
    metrics = [objective.metric for objective in study.objectives]
    directions = [objective.direction for objective in study.objectives]
    values = [objective_values(trial, metrics) for trial in trials]
    on_front = pareto.non_dominated(values, directions)
    front = [trial for trial, chosen in zip(trials, on_front, strict=True) if chosen]
    if not front:
        return [], None
    kept = [value for value, chosen in zip(values, on_front, strict=True) if chosen]
    floor = None
    if metrics[0] in RATES:
        floor = pareto.one_standard_error_below(max(value[0] for value in kept), num_validation)
    return front, front[pareto.knee(kept, directions, floor=floor)]
