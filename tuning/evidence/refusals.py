"""Refused promotions in the ledger: which question was tested on the holdout's people, on what evidence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tuning.records.ledger import Ledger
from tuning.statistics.alpha_spending import look_number

MAJORITY = "commonest class"  # as ledgers hold it: what every champion is set against


def question(configuration: str, against: str, seeds: Sequence[int], beside: Sequence[int] = ()) -> dict[str, Any]:
    """A question and the evidence it is put to, as the ledger keeps it; `beside` are the seeds of the champion."""
    return {"configuration": configuration, "against": against, "seeds": sorted(seeds), "beside": sorted(beside)}


def opponent(against: str) -> str:
    """How people read what a configuration was set against."""
    return "the majority baseline" if against == MAJORITY else against


def look_at(ledger: Ledger, now: dict[str, Any], earlier: Mapping[str, str]) -> int:
    """The number of the look that `now` (a `question`) is at these people.

    `earlier` gives what a configuration is called today by what an earlier version called it (`earlier_hashes`).
    """
    return look_number(now, _refused(ledger, earlier))


def note_refused(
    ledger: Ledger, of: str, questions: Sequence[dict[str, Any]], earlier: Mapping[str, str], **facts: Any
) -> None:
    """Write a refusal of `of` into the ledger, with all `questions` that were asked; nothing where all were before."""
    before = _refused(ledger, earlier)
    if any(one not in before for one in questions):
        ledger.note("refused", of=of, asked=list(questions), **facts)


def _refused(ledger: Ledger, earlier: Mapping[str, str]) -> list[dict[str, Any]]:
    asked = [one for event in ledger.events_of_data() if event["event"] == "refused" for one in event["asked"]]
    return [{**one, "configuration": earlier.get(one["configuration"], one["configuration"])} for one in asked]
