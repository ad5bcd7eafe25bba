"""A baseline as a ledger keeps it and as people read it. Importing this costs nothing."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any

BASELINES = "baselines"  # the id of the job that measures them, and the ledger's event

# By name, what it is called in a table and in a sentence.
TITLES: Mapping[str, tuple[str, str]] = {
    "majority": ("majority class", "always answering the commonest class"),
    "logistic_regression": ("logistic regression", "a logistic regression"),
    "plain_network": ("plain network", "a plain network"),
}
SEEDED = ("plain_network",)  # a seed moves it; the others answer the same whenever they are fitted


@dataclasses.dataclass(frozen=True, kw_only=True)
class Baseline:
    """One baseline, scored as the trials of its study are: on `num_clips` clips of `num_people` people of `folds`.

    `what` says what it is and of how many clips it learnt, `seconds` how long it took. `accuracy` and `uar` are means over
    `folds`; `low` and `high` are the limits of the accuracy's 95 % interval over people and seeds. Where it could not be
    measured, `error` says why and the figures are `None`.
    """

    name: str
    what: str = ""
    folds: tuple[int, ...] = ()
    seconds: float = 0.0
    num_clips: int = 0
    num_people: int = 0
    accuracy: float | None = None
    uar: float | None = None
    low: float | None = None
    high: float | None = None
    error: str = ""

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Baseline:
        """From the row of a ledger; a later version's further facts are passed over."""
        known = {field.name for field in dataclasses.fields(cls)}
        given: dict[str, Any] = {key: value for key, value in row.items() if key in known}
        given["folds"] = tuple(given.get("folds", ()))
        return cls(**given)

    @property
    def title(self) -> str:
        """What it is called in a table."""
        return TITLES.get(self.name, (self.name,))[0]

    @property
    def num_seeds(self) -> int:
        """How many trainings with a seed answered: of the network one in each fold, of the others none."""
        return len(self.folds) if self.name in SEEDED else 0

    @property
    def folder(self) -> str:
        """The folder of its predictions, beside those of the trials."""
        return f"baseline-{self.name}"


def best_of(baselines: Iterable[Baseline]) -> Baseline | None:
    """The most accurate of those that were measured; `None` where none was."""
    measured = [one for one in baselines if one.accuracy is not None]
    return max(measured, key=lambda one: one.accuracy or 0.0, default=None)


def told(baselines: Iterable[Baseline]) -> str:
    """One sentence with the accuracy of each, or why it has none."""
    parts = [
        f"{one.title} not measured ({one.error})" if one.accuracy is None else f"{one.title} {100 * one.accuracy:.1f} %"
        for one in baselines
    ]
    return f"Baselines: {'; '.join(parts)}."


def figures(rows: Iterable[Mapping[str, Any]]) -> dict[str, float]:
    """What the study's run in MLflow has of them: `accuracy/<name>` and `uar/<name>`, as its trials have `accuracy`."""
    measured = [(f"{key}/{row['name']}", row.get(key)) for row in rows for key in ("accuracy", "uar")]
    return {key: value for key, value in measured if value is not None}
