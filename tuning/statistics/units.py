"""Who was tested, as the predictions tell: people, clusters in place of people who are not named, or each clip for itself."""

from __future__ import annotations

from typing import Literal

import pandas as pd

Units = Literal["people", "clusters", "clips"]
ONE: dict[Units, str] = {"people": "person", "clusters": "cluster", "clips": "clip"}


def units_of(predictions: pd.DataFrame) -> Units:
    """What `subject_ids` are: people where all clips name one, clusters where the others have one, else clips."""
    if predictions["subject"].notna().all():
        return "people"
    return "clusters" if _named(predictions).notna().all() else "clips"


def subject_ids(predictions: pd.DataFrame) -> pd.Series:
    """Whom each clip counts for: its person, else its `cluster`, where there is such a column, else itself."""
    named = _named(predictions)
    return named.where(named.notna(), predictions["clip_id"])


def counted(number: int, units: Units) -> str:
    """`1 person`, `12 clusters`."""
    return f"{number} {ONE[units] if number == 1 else units}"


def _named(predictions: pd.DataFrame) -> pd.Series:
    subject = predictions["subject"]
    return subject.where(subject.notna(), predictions["cluster"]) if "cluster" in predictions else subject
