"""`status`: a study at a glance, read from its ledger; safe while another process writes it."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

from tuning.records.ledger import read_begun


def status(home: Path, name: str) -> dict[str, Any]:
    """Trials by phase and state, the front, what was promoted.

    Raises `ValueError` for a study that was not begun.
    """
    ledger = read_begun(home, name)
    phases: dict[str, Counter[str]] = {}
    for trial in ledger.trials.values():
        phases.setdefault(trial.phase, Counter())[trial.state] += 1
    return {
        "study": name,
        "leaky": ledger.leaky,
        "trials": {phase: dict(states) for phase, states in phases.items()},
        "front": ledger.selection.get("front", []),
        "recommended": ledger.selection.get("recommended"),
        "promoted": [
            {"name": event["name"], "version": event["version"], "of": event["of"]}
            for event in ledger.events
            if event["event"] == "promoted"
        ],
    }
