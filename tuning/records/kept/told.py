"""What a ledger tells of trainings that were taken from those kept of champions. Reads no files."""

from __future__ import annotations

from collections.abc import Sequence

from trainables.core.wording import counted
from tuning.records.aliases import CHAMPION
from tuning.records.ledger import Ledger, Trial

UNDER = "trained_under"  # the event that names the keys of what a race has trained


def taken(ledger: Ledger) -> list[Trial]:
    """The trials on the present data that were not trained by this study."""
    return [trial for trial in ledger.finished("race") if trial.taken_from]


def taken_told(ledger: Ledger) -> str:
    """A sentence on where the champion's trainings in the races come from; `""` where all were trained here."""
    found = taken(ledger)
    if not found:
        return ""
    count = sum(trial.variant == CHAMPION for trial in ledger.finished("race"))
    are = "is" if len(found) == 1 else "are"
    return (
        f"{len(found)} of {counted(count, 'training')} of the champion {are} taken from those kept of {sources(found)}."
    )


def sources(found: Sequence[Trial]) -> str:
    """The studies that trained them, in words."""
    return ", ".join(sorted({trial.taken_from["study"] for trial in found}))
