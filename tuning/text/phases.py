"""What people read for each phase of a study."""

from __future__ import annotations

from collections.abc import Mapping

from trainables.core.phases import Phase

PHASE_TITLES: Mapping[Phase, str] = {
    "search": "search",
    "ablation": "ablation",
    "race": "race",
    "confirm": "confirmation",
    "nested_search": "nested cross-validation, search",
    "nested": "nested cross-validation, test",
    "refit": "refit",
}
