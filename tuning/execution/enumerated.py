"""An enumerated design: which folds an ablation trains on, and every training of it, in order."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from search_spaces.core.study import Study
from tuning.execution.seeds import ABLATION_SEED
from tuning.records.ledger import Trial

NUM_SEEDS = 3  # of each variant on each fold


def default_seeds(study: Study) -> int:
    """How many seeds each variant has on each fold where nobody says."""
    return 1 if study.is_smoke else NUM_SEEDS


def chosen_folds(study: Study, folds: tuple[int, ...] | None, num_folds: int) -> tuple[int, ...]:
    """The folds to train on of the `num_folds` there are, each once: `folds`, or all, or two in a smoke run.

    Raises `ValueError` for a fold that there is not, and for none.
    """
    if folds is None:
        return tuple(range(min(num_folds, 2) if study.is_smoke else num_folds))
    unknown = sorted(fold for fold in folds if not 0 <= fold < num_folds)
    if unknown or not folds:
        given = ", ".join(map(str, unknown)) or "none"
        raise ValueError(f"Folds were given as {given}; the data set has folds 0 to {num_folds - 1}.")
    return tuple(sorted(set(folds)))


def trainings(compared: Mapping[str, Mapping[str, Any]], folds: tuple[int, ...], seeds: int) -> list[Trial]:
    """What an ablation trains, in order; `compared` maps a variant to its settings."""
    return [
        Trial(phase="ablation", parameters=dict(found), seed=ABLATION_SEED + number, folds=(fold,), variant=name)
        for number in range(seeds)
        for fold in folds
        for name, found in compared.items()
    ]
