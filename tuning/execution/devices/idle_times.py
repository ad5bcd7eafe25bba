"""How long the reference workload of training times takes on idle devices: measured once a kind, kept in the home."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Callable
from pathlib import Path

from trainables.core import files
from trainables.core.wording import counted
from tuning.records.ledger import Ledger

UNKNOWN = (
    "Training times: this home knows no device's idle time, so they are relative to the least busy moment of each trial. "
    "`doctor`, run while the machine is idle, measures it for the next study."
)
MIXED = (
    "Training times: {trials} of this study were timed on the wall alone, as an earlier version did. Those from now on are "
    "relative to a reference and leave out what else the machine does, so the two are not compared exactly. A new study has "
    "one scale."
)


def unmeasured(kind: str) -> str:
    """What is said where a trial ran on a `kind` of device whose idle time is not known, while that of another is."""
    return (
        f"Training times: the idle time of {kind} is not known, so those of trials there are relative to the least busy "
        "moment of each, on a scale of their own. `doctor`, run there while it is idle, measures it for the next study."
    )


def idle_times_s(home: Path) -> dict[str, float]:
    """Seconds by kind of device (`kind_of`); none where none were measured, or the file is damaged."""
    with contextlib.suppress(OSError, ValueError, AttributeError, TypeError):
        found = json.loads((home / files.IDLE_TIMES).read_text(encoding="utf-8"))
        return {kind: float(seconds) for kind, seconds in found.items() if float(seconds) > 0}
    return {}


def trial_idle_times(home: Path, ledger: Ledger, tell: Callable[[str], None]) -> dict[str, dict[str, float]]:
    """What a `TrialSpec` says of them, and what the `ledger` is to remember of the study.

    What the first trials of a study were told stands, that nothing was known too: one study has one scale on each device. That
    nothing is known is told once for each study, and that its first trials were timed by an earlier version.
    """
    told = ledger.study.get("idle_times_s")
    if told is None and (timed := [one for one in ledger.finished("search") if "train_time_s" in one.metrics]):
        tell(MIXED.format(trials=counted(len(timed), "trial")))
    found = {} if told == {} else {**idle_times_s(home), **(told or {})}
    if not found and told is None:
        tell(UNKNOWN)
    return {"idle_times_s": found}


def measure_idle_times(home: Path) -> list[str]:
    """Measure the devices of this machine, keep the smallest that was ever measured of each; says what there is."""
    from trainables.core.training.timing.reference import measured_here  # torch, seconds

    known, words = idle_times_s(home), []
    for kind, seconds, is_idle in measured_here():
        known[kind] = min(seconds, known.get(kind, seconds))
        busy = "" if is_idle else " (the machine was busy: look again when it is idle)"
        words.append(f"{kind}: {known[kind] * 1000:.2f} ms{busy}")
    home.mkdir(parents=True, exist_ok=True)
    temporary = home / f"{files.IDLE_TIMES}.{os.getpid()}.tmp"
    temporary.write_text(json.dumps(known, indent=1), encoding="utf-8")
    temporary.replace(home / files.IDLE_TIMES)
    return words
