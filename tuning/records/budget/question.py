"""A question that was put to a set of people, as a tag of the registered model; and what all of them leave of the level.

One tag a question: who asks at the same time overwrites nobody, and no value grows. A store in a database keeps 5000 characters
of a registered model's tag and 250 of its name (MLflow 3.17). Nothing here reads a store.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from trainables.core.wording import counted
from tuning.records import tags
from tuning.statistics.gate.alpha_investing import HOPELESS, WEALTH, wealth

EVENT = "error_budget"  # of a ledger, which so knows what it heard last where the registry is a server
STATES = ("asking", "asked", "refused", "promoted")
MOST_NAMED = 300  # characters of a study, a challenger and a salt


@dataclasses.dataclass(frozen=True, kw_only=True)
class Question:
    """What was asked of `people` (`people_hash`) under `key` (`key_hash`), at `level`; `nonce` tells apart who asks at once.

    `state` is `asking` until it is sure that nobody else asked meanwhile, then `asked`, and in the end `refused` or `promoted`.
    `salt` is that of the people's sides, which names the data set and the task; `asked_at` counts seconds since 1970.
    """

    people: str
    key: str
    nonce: str
    level: float
    state: str
    study: str
    challenger: str
    salt: str
    asked_at: float

    @property
    def tag(self) -> str:
        """The name of its tag."""
        return f"{prefix(self.people)}{self.key}.{self.nonce}"

    @property
    def value(self) -> str:
        """What its tag says."""
        told: dict[str, Any] = {"level": self.level, "state": self.state, "asked_at": self.asked_at}
        for field in ("study", "challenger", "salt"):
            told[field] = getattr(self, field)[:MOST_NAMED]
        return json.dumps(told, ensure_ascii=False)


def people_hash(salt: str) -> str:
    """Names the people whose sides follow from `salt` (`splits.salt_of`): 16 hexadecimal digits."""
    return hashlib.sha256(salt.encode()).hexdigest()[:16]


def key_hash(asked: object) -> str:
    """Names all that was asked, as plain values of any depth: 16 hexadecimal digits."""
    canonical = json.dumps(asked, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(canonical.encode()).hexdigest()[:16]


def prefix(people: str = "") -> str:
    """How the names of the tags begin of all questions, or of those to `people`."""
    return f"{tags.QUESTION}." + (f"{people}." if people else "")


def questions_in(stated: Mapping[str, str], people: str = "") -> list[Question]:
    """The questions among the tags `stated` of a registered model, in the order in which they were asked.

    Raises `ValueError` for a tag that cannot be read: passed over, what it paid would be there again.
    """
    found = [_read(name, value) for name, value in stated.items() if name.startswith(prefix(people))]
    return sorted(found, key=lambda one: (one.asked_at, one.nonce))


def _read(name: str, value: str) -> Question:
    try:
        people, key, nonce = name.removeprefix(prefix()).split(".")
        question = Question(people=people, key=key, nonce=nonce, **json.loads(value))
        if question.state not in STATES or not 0 <= question.level <= 1:
            raise ValueError(f"state {question.state!r}, level {question.level!r}")
    except (ValueError, TypeError) as error:
        raise ValueError(
            f"The registered model has a tag {name} that is no question of fertune ({error}). It tells what was paid of the "
            "error level; restore it from a copy of the registry."
        ) from error
    return question


@dataclasses.dataclass(frozen=True, kw_only=True)
class Balance:
    """What is `left` of the error level for `model` on one set of people, of the 5 % (`of`) that there were at first.

    After `asked` questions, of which `promoted` ended in a promotion and earned 5 % back. `as_of` is when the ledger heard so,
    in seconds since 1970; `None` where the registry says so now. `salt` names the people where anything was asked.
    """

    model: str
    left: float
    of: float = WEALTH
    asked: int = 0
    promoted: int = 0
    salt: str = ""
    as_of: float | None = None

    @classmethod
    def after(cls, model: str, questions: Iterable[Question]) -> Balance:
        """What these `questions` leave, all to the same people."""
        known = list(questions)
        promoted = sum(one.state == "promoted" for one in known)
        left = wealth((one.level for one in known), promoted)
        return cls(model=model, left=left, asked=len(known), promoted=promoted, salt=known[0].salt if known else "")

    @property
    def is_hopeless(self) -> bool:
        """Whether so little is left that only a challenger that is far better would pass."""
        return self.left < HOPELESS

    @property
    def told(self) -> str:
        """What is left, and where that is hopeless what renews it."""
        left, whole = f"{100 * self.left:.2g}", f"{100 * self.of:.2g}"
        of = f"{left} of {whole} %" if self.left <= self.of else f"{left} % (at first {whole} %)"
        asked = f"{counted(self.asked, 'question') if self.asked else 'no question'} asked"
        earned = f", {counted(self.promoted, 'promotion')} earned {whole} % back{' each' if self.promoted > 1 else ''}"
        when = f", as of {datetime.fromtimestamp(self.as_of):%Y-%m-%d %H:%M}" if self.as_of is not None else ""
        told = f"{of} of the error level left for {self.model} on these people, {asked}{earned if self.promoted else ''}{when}"
        if self.is_hopeless:
            told += ". Nobody is to be expected to pass at that. What renews it is a promotion, or other people"
        return told
