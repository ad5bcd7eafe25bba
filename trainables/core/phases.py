"""What a trial is trained for: its phase, and on whom it is scored in it. Importing this costs nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

Phase = Literal["search", "confirm", "race", "refit", "ablation", "nested_search", "nested"]
Split = Literal["validation", "test", "holdout", "none"]

# Whom a trial's predictions are of, by phase; a refit makes none.
SCORED_ON: Mapping[Phase, Split] = {
    "search": "validation",
    "confirm": "holdout",
    "race": "test",
    "refit": "none",
    "ablation": "test",
    "nested_search": "validation",
    "nested": "test",
}
COMPARING: tuple[Phase, ...] = ("race", "ablation", "nested_search", "nested")  # whose networks nobody serves
