"""How far a study is, read from the file of its ledger while others write it, and damage it."""

from __future__ import annotations

import contextlib
import dataclasses
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from trainables.core import files

# What was on its way when a process died arrives after it, and is no sign of recovery.
GRACE_S = 1.0

Event = Mapping[str, Any]


def read_events(study: Path) -> list[Event]:
    """The events of the ledger in `study` that can be read."""
    events = []
    with contextlib.suppress(FileNotFoundError):
        for line in (study / files.LEDGER).read_bytes().split(b"\n"):
            with contextlib.suppress(ValueError):
                event = json.loads(line)
                if isinstance(event, dict) and "event" in event and "time" in event:
                    events.append(event)
    return events


def unfinished(events: Iterable[Event], at_s: float) -> dict[str, int]:
    """The trials that had begun by `at_s` (of the clock) and not ended for good: the epochs that each had done."""
    running: dict[str, int] = {}
    for event in events:
        if event["time"] <= at_s and "trial_id" in event:
            trial_id = event["trial_id"]
            if event["event"] == "started":
                running.setdefault(trial_id, 0)
            elif event["event"] == "epoch" and trial_id in running:
                running[trial_id] = int(event["epoch"])
            elif event["event"] == "ended" and event["state"] != "INTERRUPTED":
                running.pop(trial_id, None)
    return running


def finished(events: Iterable[Event]) -> set[str]:
    """The trials whose last end is FINISHED."""
    states = {event["trial_id"]: event["state"] for event in events if event["event"] == "ended"}
    return {trial_id for trial_id, state in states.items() if state == "FINISHED"}


@dataclasses.dataclass(frozen=True)
class Recovery:
    """Of the trial that was silent for longest after a fault: how long that was, and the epochs that it had done."""

    trial_id: str
    epoch: int
    seconds: float


def recovery(events: Sequence[Event], at_s: float, lasted_s: float = 0.0) -> Recovery | None:
    """Of a fault at `at_s` that `lasted_s`; `None` while a trial that was unfinished then has given no sign of progress.

    A sign is a row of the curve or the end with metrics, after the fault was over and more than `GRACE_S` after it began. A
    trial that ended before that was not hit; the `trial_id` is empty where none was.
    """
    found, over_s = Recovery("", 0, 0.0), at_s + max(GRACE_S, lasted_s)
    for trial_id, epoch in unfinished(events, at_s).items():
        signs = [event for event in events if event.get("trial_id") == trial_id and _is_sign(event, at_s)]
        if any(event["event"] == "ended" and event["time"] <= over_s for event in signs):
            continue
        after = [event["time"] - at_s for event in signs if event["time"] > over_s]
        if not after:
            return None
        if min(after) > found.seconds:
            found = Recovery(trial_id, epoch, min(after))
    return found


def _is_sign(event: Event, at_s: float) -> bool:
    finished = event["event"] == "ended" and event["state"] == "FINISHED"
    return event["time"] > at_s and (finished or event["event"] == "epoch")


def tracked(study: Path) -> int:
    """How many events of the ledger MLflow has, by the driver's own mark."""
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        return int(json.loads((study / files.TRACKED).read_text())["position"])
    return 0
