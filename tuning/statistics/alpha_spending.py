"""How often a question was put to the same holdout people, and what level is left for asking it again.

A question is whether one configuration passes one condition: it beats the commonest class, or one version that is champion.
Asking it again of more seeds is another look at the same people; asking it again of the same seeds is the same look.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tuning.records.ledger import Ledger

FIRST, LATER = 0.8, 0.2  # the first look's share of the level, and what each look leaves of it to the next
MAJORITY = "commonest class"


def share(look: int) -> float:
    """What `look` (1, 2, 3, ...) may spend of the level: 0.8, 0.16, 0.032, ... All of them together spend it once."""
    return FIRST * LATER ** (look - 1)


def asked(configuration: str, against: str, seeds: Sequence[int], beside: Sequence[int] = ()) -> dict[str, Any]:
    """A question and the evidence it is put to, as the ledger keeps it; `beside` are the seeds of the champion."""
    return {"configuration": configuration, "against": against, "seeds": sorted(seeds), "beside": sorted(beside)}


def look_at(ledger: Ledger, now: dict[str, Any]) -> int:
    """The number of the look that `now` (as `asked`) is: one more than there were refusals on other evidence."""
    before = [one for one in _refused(ledger) if all(one[key] == now[key] for key in ("configuration", "against"))]
    distinct = [one for index, one in enumerate(before) if one not in before[:index]]
    return (distinct.index(now) if now in distinct else len(distinct)) + 1


def note_refused(ledger: Ledger, of: str, questions: Sequence[dict[str, Any]], **facts: Any) -> None:
    """Write a refusal of `of` into the ledger, with all `questions` that were asked; nothing where all were before."""
    before = _refused(ledger)
    if any(one not in before for one in questions):
        ledger.note("refused", of=of, asked=list(questions), **facts)


def in_words(look: int, level: float, *, again: bool) -> str:
    """Which look it was, at which level, and where it may be taken `again` what is left for the next."""
    later = f"; with more seeds it is asked again, at {100 * level * LATER:.3g} %" if again else ""
    return f"This was look {look} at this question on these people, at a level of {100 * level:.3g} %{later}."


def _refused(ledger: Ledger) -> list[dict[str, Any]]:
    return [one for event in ledger.events if event["event"] == "refused" for one in event["asked"]]
