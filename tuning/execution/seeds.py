"""Which seeds belong to which phase, so that what a search saw is never confirmed by itself.

A search of the study and those of nested cross-validation never meet in a comparison, nor do the two kinds of
confirmation: each pair shares its seeds.

| phase | seeds |
|---|---|
| search, nested_search | `study.seed` x 100,000 and up, one a trial |
| confirm, nested, race | 100,000,000 and up |
| race, of the champion | 100,000,200 and up: not those by whose answers it was chosen |
| refit | 100,000,500 and up, one a member of the model |
| ablation | 200,000,000 and up |
"""

from __future__ import annotations

import itertools

from trainables.core.phases import Phase
from tuning.records.ledger import Ledger

SEARCH_STRIDE = 100_000  # trials that a search may have
MOST_STUDY_SEEDS = 1000
CONFIRM_SEED = MOST_STUDY_SEEDS * SEARCH_STRIDE
CHAMPION_SEED = CONFIRM_SEED + 200
MOST_CONFIRMED = 150  # seeds; fifty more may be skipped
REFIT_SEED = CONFIRM_SEED + 500
MOST_REFITS = 100  # each is one more network that the registered model runs
ABLATION_SEED = 2000 * SEARCH_STRIDE


def search_seed(study_seed: int, number: int) -> int:
    """The seed of trial `number` (from 0) of a search. Raises `ValueError` past the range of searches."""
    if number >= SEARCH_STRIDE:
        raise ValueError(f"Trial {number + 1:,} of a search was asked for; at most {SEARCH_STRIDE:,} are allowed.")
    return study_seed * SEARCH_STRIDE + number


def require_study_seed(study_seed: int, ledger: Ledger) -> None:
    """Raises `ValueError` for a seed that no search may begin with. One that was begun with it goes on."""
    begun = {trial.seed // SEARCH_STRIDE for trial in ledger.of_phase("search")}
    if study_seed not in begun and not 0 <= study_seed < MOST_STUDY_SEEDS:
        raise ValueError(f"The study's seed is {study_seed}; 0 to {MOST_STUDY_SEEDS - 1} are allowed.")


def refit_seeds(count: int) -> list[int]:
    """The first `count` seeds of refits: the same ones at every call. Raises `ValueError` for none, and for too many."""
    if count not in range(1, MOST_REFITS + 1):
        raise ValueError(f"refit_seeds={count} was given; whole numbers from 1 to {MOST_REFITS} are allowed.")
    return [REFIT_SEED + number for number in range(count)]


def champion_seeds(count: int) -> list[int]:
    """The first `count` seeds of the present champion beside its challengers: the same ones in every study.

    It was chosen by what it answered with others: with those again it would seem better than it is.
    Raises `ValueError` for too many.
    """
    _require_confirmed(count)
    return [CHAMPION_SEED + number for number in range(count)]


def fresh_seeds(ledger: Ledger, count: int) -> list[int]:
    """The first `count` seeds of confirmations that no search trial had: the same ones at every call.

    Raises `ValueError` for more than there are before the seed of a refit.
    """
    _require_confirmed(count)
    phases: tuple[Phase, ...] = ("search", "nested_search")
    searched = {trial.seed for phase in phases for trial in ledger.of_phase(phase)}
    return list(itertools.islice((seed for seed in itertools.count(CONFIRM_SEED) if seed not in searched), count))


def _require_confirmed(count: int) -> None:
    if count > MOST_CONFIRMED:
        raise ValueError(f"{count} seeds were given; at most {MOST_CONFIRMED} are allowed.")
