"""What a run of a study leaves in the hands of whoever asked for it."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from search_spaces.core.study import Study
from tuning.records.ledger import Ledger


@dataclasses.dataclass(frozen=True, kw_only=True)
class Ran:
    """A study after it ran: its ledger as it stands, and lines that say where MLflow compares its trials.

    `notes` are what a person should know, such as that MLflow did not answer.
    """

    study: Study
    home: Path
    ledger: Ledger
    compare: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
