"""`models`: what is registered: who is champion, on what evidence, by whose override, and what is left of the error level."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from itertools import groupby
from pathlib import Path

from tuning.evidence.model.override import Override
from tuning.records import registry, tags
from tuning.records.budget.question import Balance, questions_in
from tuning.records.home import home_of
from tuning.records.moved_home import open_store


@dataclasses.dataclass(frozen=True, kw_only=True)
class Model:
    """A registered model: its champion's `version`, `None` where there is none, and what that version says of itself.

    `accuracy` is a share, on the holdout, from `low` to `high`; `None` where it does not say. `override` says why the version
    was promoted although the gate refused it. `error_budgets` are what is left of the error level, one for each set of people
    that was asked (docs/decisions/0032).
    """

    name: str
    version: int | None = None
    study: str = ""
    trial_id: str = ""
    accuracy: float | None = None
    low: float | None = None
    high: float | None = None
    override: Override | None = None
    error_budgets: list[Balance] = dataclasses.field(default_factory=list)


def models(*, home: str | Path | None = None) -> list[Model]:
    """Every model of the registry that `home` uses, by name, with its champion.

    Raises `ConnectionError` where the registry does not answer.
    """
    return [_model(found) for found in registry.registered(open_store(home_of(home)))]


def _model(found: registry.Registered) -> Model:
    stated = found.of_version
    low, high = _number(stated, tags.ACCURACY_LOW), _number(stated, tags.ACCURACY_HIGH)
    return Model(
        name=found.name,
        version=found.version,
        study=stated.get(tags.STUDY, ""),
        trial_id=stated.get(tags.TRIAL_ID, ""),
        accuracy=_number(stated, tags.ACCURACY),
        low=low,
        high=high,
        override=Override.of_tags(stated),
        error_budgets=_balances(found.name, found.of_model),
    )


def _balances(name: str, stated: Mapping[str, str]) -> list[Balance]:
    known = sorted(questions_in(stated), key=lambda one: (one.salt, one.people))
    asked = [Balance.after(name, questions) for _, questions in groupby(known, key=lambda one: one.people)]
    return asked or [Balance.after(name, [])]


def _number(stated: Mapping[str, str], key: str) -> float | None:
    return float(stated[key]) if key in stated else None
