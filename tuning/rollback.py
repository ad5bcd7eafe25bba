"""`rollback`: the champion before the present one is champion again."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from search_spaces.core.study import Study, as_study
from tuning.records import registry
from tuning.records.aliases import champion_uri
from tuning.records.home import home_of
from tuning.records.ledger import Ledger
from tuning.records.moved_home import open_store


@dataclasses.dataclass(frozen=True, kw_only=True)
class Restored:
    """The registered model and the version of it that is champion again."""

    name: str
    version: int
    uri: str


def rollback(study: str | Study, *, home: str | Path | None = None) -> Restored:
    """Make the champion before the present one of the study's registered model champion again.

    Raises `ValueError` where there is none to go back to.
    """
    loaded, place = as_study(study), home_of(home)
    name = name_promoted(Ledger.read(place / loaded.name), loaded.registered_model)
    return Restored(name=name, version=registry.rollback(open_store(place), name), uri=champion_uri(name))


def name_promoted(ledger: Ledger, registered_model: str) -> str:
    """The name under which a study promoted last, as a rollback needs it; `registered_model` where it never did."""
    names = [event["name"] for event in ledger.events if event["event"] == "promoted"]
    return names[-1] if names else registered_model
