"""The budget of error of a set of people: how often they may still be asked whether somebody may become champion.

It is that of all studies and homes that share a registry (docs/decisions/0032). A question is paid for before its answers are
read, and settled once it is decided:

    budget = ErrorBudget.of(tracking_uri, name, salt_of(dataset, registered_model), ledger=runner.ledger, tell=runner.noted)
    level = budget.ask(key_hash({...}), study=study.name, challenger=found.trial_id)
    ...  # read the answers, test at `level`
    budget.settle(key, promoted=True)
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable

from tuning.records.budget import asking
from tuning.records.budget.question import EVENT, Balance, Question
from tuning.records.ledger import Ledger
from tuning.statistics.gate.alpha_investing import next_level


@dataclasses.dataclass(frozen=True, kw_only=True)
class ErrorBudget:
    """The budget of the people of `salt` for the registered model `name`, in the registry that goes with `tracking_uri`.

    What is asked and settled is written into `ledger`, where one is given; `tell` hears of races that were lost.
    """

    tracking_uri: str
    name: str
    salt: str
    ledger: Ledger | None = None
    tell: Callable[[str], None] = lambda message: None

    @classmethod
    def of(
        cls,
        tracking_uri: str,
        name: str,
        salt: str,
        *,
        ledger: Ledger | None = None,
        tell: Callable[[str], None] = lambda message: None,
    ) -> ErrorBudget:
        """The budget for `name` (`registered_name`) of the people whose sides follow from `salt` (`splits.salt_of`)."""
        return cls(tracking_uri=tracking_uri, name=name, salt=salt, ledger=ledger, tell=tell)

    @property
    def questions(self) -> list[Question]:
        """All that were asked, in their order, as the registry says now."""
        return asking.questions(self.tracking_uri, self.name, self.salt)

    @property
    def balance(self) -> Balance:
        """What is left, in figures and in words, as the registry says now."""
        return Balance.after(self.name, self.questions)

    @property
    def left(self) -> float:
        """The wealth of `alpha_investing`, a share."""
        return self.balance.left

    def ask(self, key: str, *, study: str = "", challenger: str = "") -> float:
        """The level of the question `key`, which is paid for when this returns; one that was asked before costs nothing more.

        `key` is a hash of everything that is asked (`key_hash`): configurations and seeds of the challengers, version and
        seeds of the champion, folds, people, margin. Raises `TimeoutError` where others kept asking meanwhile, and
        `ConnectionError` where the registry does not answer.
        """
        asked = asking.ask(
            self.tracking_uri,
            self.name,
            self.salt,
            key,
            _level_after,
            study=study,
            challenger=challenger,
            tell=self.tell,
        )
        self._hear()
        return asked.level

    def settle(self, key: str, *, promoted: bool) -> None:
        """Write down how the question `key` ended; a promotion earns level back, of one challenger against one champion once.

        Raises `ValueError` for a question that was never asked.
        """
        known = self.questions
        pairs = [one.challenger for one in known if one.key == key and one.challenger]
        again = any(one.state == "promoted" and one.key != key and one.challenger in pairs for one in known)
        promoted = promoted and not again
        asking.settle(self.tracking_uri, self.name, self.salt, key, promoted=promoted)
        self._hear()

    def _hear(self) -> None:
        if self.ledger is not None:
            now = self.balance
            self.ledger.note(
                EVENT, model=now.model, left=now.left, asked=now.asked, promoted=now.promoted, salt=self.salt
            )


def _level_after(known: Iterable[Question]) -> float:
    return next_level(Balance.after("", known).left)
