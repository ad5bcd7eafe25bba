"""How long the reference workload of training times takes on idle devices: measured once a kind, kept in the home."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Generator, Mapping
from pathlib import Path

from trainables.core import files

UNKNOWN = (
    "Training times: this home knows no device's idle time, so they are relative to the least busy moment of each trial. "
    "`doctor`, run while the machine is idle, measures it for the next study."
)


def idle_times_s(home: Path) -> dict[str, float]:
    """Seconds by kind of device (`kind_of`); none where none were measured, or the file is damaged."""
    with contextlib.suppress(OSError, ValueError, AttributeError, TypeError):
        found = json.loads((home / files.IDLE_TIMES).read_text(encoding="utf-8"))
        return {kind: float(seconds) for kind, seconds in found.items() if float(seconds) > 0}
    return {}


def told_idle_times_s(home: Path, known: Mapping[str, float]) -> dict[str, float]:
    """What the trials of a study are told: `known`, what its first ones were told, before what the home says by now.

    One study has one scale: its times stay comparable where a device was measured again.
    """
    return {**idle_times_s(home), **known}


def measure_idle_times(home: Path) -> list[str]:
    """Measure the devices of this machine, a CPU with one thread and with all; keep the smallest; says what there is."""
    import torch

    from trainables.core.training.timing.reference import idle_time_s, kind_of
    from trainables.core.training.workers import Group

    known, words = idle_times_s(home), []
    devices = [torch.device("cuda", 0)] if torch.cuda.is_available() else []
    cases = [(torch.device("cpu"), threads) for threads in sorted({1, _num_cpus()})] + [(one, 1) for one in devices]
    for device, threads in cases:
        with _threads(threads):
            group = Group(device=device)
            seconds, is_idle = idle_time_s(group)
            kind = kind_of(group)
        known[kind] = min(seconds, known.get(kind, seconds))
        busy = "" if is_idle else " (the machine was busy: look again when it is idle)"
        words.append(f"{kind}: {known[kind] * 1000:.2f} ms{busy}")
    home.mkdir(parents=True, exist_ok=True)
    temporary = home / f"{files.IDLE_TIMES}.{os.getpid()}.tmp"
    temporary.write_text(json.dumps(known, indent=1), encoding="utf-8")
    temporary.replace(home / files.IDLE_TIMES)
    return words


def _num_cpus() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1  # not on macOS


@contextlib.contextmanager
def _threads(number: int) -> Generator[None]:
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(number)
    try:
        yield
    finally:
        torch.set_num_threads(before)
