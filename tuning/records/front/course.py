"""The course of a race, as the events of a ledger tell it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from trainables.core.wording import counted
from tuning.records.ledger import Ledger

EVENT = "race"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Course:
    """What a race was before it began, how it stands and how it ended: the last of its events in the ledger.

    `members` are search trials, `champion` the URI of the version that ran beside them, `""` for none. All run `folds` in this
    order, with `seeds`; the champion with `champion_seeds`, as many as answer in it. `test_over_train` is the size of a fold's
    test part over that of its train part. `left` says after how many folds a member left, `failed` who could not be trained
    and why. `winner` is `""` until it has ended.
    """

    members: tuple[str, ...]
    champion: str = ""
    folds: tuple[int, ...]
    seeds: tuple[int, ...]
    champion_seeds: tuple[int, ...] = ()
    test_over_train: float = 0.0
    prefer: str = "knee"
    left: Mapping[str, int] = dataclasses.field(default_factory=dict)
    failed: Mapping[str, str] = dataclasses.field(default_factory=dict)
    winner: str = ""

    @property
    def as_begun(self) -> Course:
        """The race as it was before its first training."""
        return dataclasses.replace(self, left={}, failed={}, winner="")

    @property
    def told(self) -> str:
        """How it stands, or how it ended, in one sentence."""
        of = f"a race of {counted(len(self.members), 'configuration')} over {counted(len(self.folds), 'fold')}"
        how = f"{self.winner} won {of}" if self.winner else f"{of} is not at its end"
        gone = [f"{', '.join(self.left)} left early"] * bool(self.left)
        gone += [f"{', '.join(self.failed)} could not be trained"] * bool(self.failed)
        return "; ".join([how, *gone])

    def seeds_of(self, racer: str) -> tuple[int, ...]:
        """The seeds that a racer is trained with in each fold."""
        return self.champion_seeds if racer == self.champion else self.seeds


def course_of(ledger: Ledger, *, ended: bool = False) -> Course | None:
    """The last race on the present data, or the last that has `ended`; `None` where there was none."""
    events = [event for event in ledger.events_of_data() if event["event"] == EVENT and (event["winner"] or not ended)]
    if not events:
        return None
    known = {field.name for field in dataclasses.fields(Course)}
    facts: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value for key, value in events[-1].items() if key in known
    }
    return Course(**facts)
