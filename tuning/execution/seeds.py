"""Which seeds belong to which phase. No two phases share one, so that what a search saw is never confirmed by itself.

| phase | seeds |
|---|---|
| search, nested_search | `study.seed` x 100,000 and up, one a trial |
| confirm, nested | 100,000,000 and up |
| refit | 100,000,500 |
| ablation | 200,000,000 and up |
"""

from __future__ import annotations

import itertools

from trainables.core.phases import Phase
from tuning.records.ledger import Ledger

SEARCH_STRIDE = 100_000  # no search has more trials
CONFIRM_SEED = 1000 * SEARCH_STRIDE
REFIT_SEED = CONFIRM_SEED + 500  # no confirmation reaches so far
ABLATION_SEED = 2000 * SEARCH_STRIDE


def search_seed(study_seed: int, number: int) -> int:
    """The seed of trial `number` (from 0) of a search."""
    return study_seed * SEARCH_STRIDE + number


def fresh_seeds(ledger: Ledger, count: int) -> list[int]:
    """The first `count` seeds of confirmations that no search trial had: the same ones at every call."""
    phases: tuple[Phase, ...] = ("search", "nested_search")
    searched = {trial.seed for phase in phases for trial in ledger.of_phase(phase)}
    return list(itertools.islice((seed for seed in itertools.count(CONFIRM_SEED) if seed not in searched), count))
