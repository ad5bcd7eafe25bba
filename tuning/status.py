"""A study at a glance, read from its ledger; safe while another process writes it."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

from trainables.core import lookup
from tuning.execution.session import elsewhere
from tuning.records.ledger import Ledger, Trial

LEAKY = (
    "Clips were dealt to folds at random, so one person is trained on and tested: these accuracies are too high, and they "
    "say nothing about people whom a model has not seen."
)


def known_studies(home: Path) -> list[str]:
    """The studies that were begun under `home`."""
    return sorted(path.parent.name for path in home.glob("*/ledger.jsonl") if path.stat().st_size)


def not_begun(home: Path, name: str) -> ValueError:
    """What to raise for a study that was not begun under `home`."""
    begin = f" Begin it with `run {name}`." if name in lookup.names("search_spaces") else ""
    return ValueError(
        f"{lookup.unknown(f'study begun under {home}', name, known_studies(home))}{begin}{elsewhere(home)}"
    )


def overview(home: Path, name: str) -> dict[str, Any]:
    """Trials by phase and state, the front, what was promoted.

    Raises `ValueError` for a study that was not begun.
    """
    ledger = Ledger.read(home / name)
    if not ledger.events:
        raise not_begun(home, name)
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


def titled(title: str, leaky: bool) -> str:
    """The `title` of a table, marked where clips were dealt at random (docs/decisions/0007)."""
    return f"{title}; leaky: clips dealt at random" if leaky else title


def shown_name(found: dict[str, Any]) -> str:
    """The name of a study from its `overview`, marked where people are on both sides of its folds."""
    return f"{found['study']} (leaky: clips dealt at random)" if found["leaky"] else found["study"]


def front_json(trial: Trial, recommended: str | None, *, leaky: bool) -> dict[str, Any]:
    """A front member as data; `leaky` where clips were dealt at random."""
    return {
        "trial_id": trial.trial_id,
        "recommended": trial.trial_id == recommended,
        "leaky": leaky,
        "parameters": trial.parameters,
        "metrics": trial.metrics,
    }
