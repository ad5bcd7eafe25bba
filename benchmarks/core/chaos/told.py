"""What a driver's own searcher told Optuna, as its driver prints it at its end and as it is read from its words."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from optuna.trial import TrialState

from tuning.execution.search import named
from tuning.execution.search.optuna_searcher import OptunaSearcher

MARK = "Optuna: "
# Of each complete trial its parameters by name, and its values; and how many trials are neither complete nor failed.
Table = tuple[list[tuple[dict[str, Any], list[float]]], int]


class Watched(OptunaSearcher):
    """A searcher that is known to its process: the last one that was made is `last`."""

    last: OptunaSearcher | None = None

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        Watched.last = self


def watch() -> None:
    """The searchers of a run are `Watched` from now on."""
    named.OptunaSearcher = Watched  # ty: ignore[invalid-assignment]


def table_of(searcher: OptunaSearcher) -> Table:
    """What `searcher` told Optuna, in an order that does not depend on that of the trials."""
    trials = searcher._optuna.trials
    complete = [(dict(one.params), list(one.values or ())) for one in trials if one.state == TrialState.COMPLETE]
    return in_order(complete), sum(one.state in (TrialState.WAITING, TrialState.RUNNING) for one in trials)


def in_order(complete: list[tuple[dict[str, Any], list[float]]]) -> list[tuple[dict[str, Any], list[float]]]:
    """By parameters, then values."""
    return sorted(complete, key=lambda one: (sorted(one[0].items()), one[1]))


def line_of(table: Table) -> str:
    """What a driver prints."""
    return MARK + json.dumps(table)


def read_table(log: Path) -> Table | None:
    """The last table among a driver's words; `None` where it told none."""
    lines = log.read_text(errors="replace").splitlines() if log.exists() else []
    for line in reversed(lines):
        if line.startswith(MARK):
            complete, waiting = json.loads(line.removeprefix(MARK))
            return [(params, values) for params, values in complete], waiting
    return None
