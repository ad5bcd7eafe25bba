"""Whether it is known well enough who shows in a study's clips for it to promote (docs/decisions/0034)."""

from __future__ import annotations

from tuning.statistics.units import Units

UNKNOWN = (
    "The clips do not name their people, so each counts as a person of its own, and a person may be on both sides of a split: "
    "what the test says holds only if no two clips show the same. Say which clips belong together: run the study with "
    "--cluster-by (column:NAME, pattern:REGEX or faces) and --new-data."
)


def are_known(units: Units) -> bool:
    """Whether a study whose `units` these are may promote by its test: people and clusters may, clips by an override alone."""
    return units != "clips"


def why_unknown(units: Units) -> str:
    """Why a study may not promote by its test, and what to do; `""` where it may."""
    return "" if are_known(units) else UNKNOWN
