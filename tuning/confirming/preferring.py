"""Another preference for a search that has ended: its trials are chosen among anew."""

from __future__ import annotations

from search_spaces.core.preference import preference_of
from tuning.execution.runner import Runner


def require_preference(prefer: str | None, trial_id: str | None = None) -> None:
    """Raises `ValueError` for words that state no preference, and where a trial is chosen beside one."""
    preference_of(prefer)
    if prefer is not None and trial_id is not None:
        raise ValueError("--prefer and --trial were both given; both choose among the trials, so give one of them.")


def choose_by(runner: Runner, prefer: str | None) -> None:
    """Keep the preference `prefer` with the study of `runner`, and choose by it; `None` leaves what was chosen."""
    if prefer is not None:
        runner.ledger.open_study(prefer=prefer)
        runner.select()
