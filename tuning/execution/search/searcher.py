"""What to try next, by ask and tell: whoever answers that, and how several of them take turns."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import Protocol

from tuning.records.ledger import Trial


class Searcher(Protocol):
    """Where the trials of a run come from."""

    def ask(self) -> Trial | None:
        """The next trial, without an id where it is new; `None` when there is nothing more to try."""
        ...

    def tell(self, trial: Trial) -> None:
        """A trial has ended: one that was asked for here, or one of an earlier run that was resumed."""
        ...

    @property
    def ready(self) -> bool:
        """Whether `ask` answers at once; whoever can wait asks then."""
        ...


class ListSearcher:
    """Trials that are known beforehand: a confirmation, a refit, an enumerated design."""

    def __init__(self, trials: list[Trial]) -> None:
        self._trials = list(trials)

    def ask(self) -> Trial | None:
        return self._trials.pop(0) if self._trials else None

    def tell(self, trial: Trial) -> None:
        """A list learns nothing."""

    @property
    def ready(self) -> bool:
        """A list is."""
        return True


class HaltedFirst:
    """Half-run trials first, then what `then` answers."""

    def __init__(self, halted: list[Trial], then: Searcher) -> None:
        self._halted, self._then = list(halted), then

    def ask(self) -> Trial | None:
        return self._halted.pop(0) if self._halted else self._then.ask()

    def tell(self, trial: Trial) -> None:
        self._then.tell(trial)

    @property
    def ready(self) -> bool:
        """Whether one is half run, or the other is ready."""
        return bool(self._halted) or self._then.ready


class InTurn:
    """Searchers by the `variant` of their trials, asked in turn, so that an early end leaves all about equally far."""

    def __init__(self, searchers: Mapping[str, Searcher]) -> None:
        self._searchers, self._turns = dict(searchers), deque(searchers)

    def ask(self) -> Trial | None:
        for _ in range(len(self._turns)):
            name = self._turns[0]
            self._turns.rotate(-1)
            trial = self._searchers[name].ask()
            if trial is not None:
                return trial
        return None

    def tell(self, trial: Trial) -> None:
        self._searchers[trial.variant].tell(trial)

    @property
    def ready(self) -> bool:
        """Whether all are: who is asked does not hang on who is quick."""
        return all(searcher.ready for searcher in self._searchers.values())
