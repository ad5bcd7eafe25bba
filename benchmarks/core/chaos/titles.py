"""How the processes of a study are found: by the titles that Ray gives them, in the families that were started here."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable

import psutil

from cluster.local.processes import Family, Process, members

# What a process of each kind is called: `ray::` and the class of its actor.
TITLES: dict[str, tuple[str, ...]] = {
    "worker": ("RayTrainWorker",),
    "slot": ("TrialActor", "ResourceTrainable"),
    "controller": ("TrainController",),
    "mailbox": ("TrialQueue",),
}
DRIVER = "benchmarks.core.chaos.driver"
# Ray's own processes, which live as long as it does.
LASTING = re.compile(
    r"^ray::(IDLE|SPILL|RESTORE|DashboardAgent|RuntimeEnvAgent|TrainStateActor|_AutoscalingCoordinatorActor|_StatsActor)"
)


def command_line(process: Process) -> list[str]:
    """What `process` is called; empty where it is no more."""
    with contextlib.suppress(psutil.Error):
        return psutil.Process(process.pid).cmdline()
    return []


def of_kind(kind: str, families: Iterable[Family]) -> list[Process]:
    """The processes of `TITLES[kind]` in `families`, in order of their start."""
    wanted = re.compile(rf"^ray::(?:\w+\.)*({'|'.join(TITLES[kind])})\b")
    return sorted(one for one in _everybody(families) if wanted.match(" ".join(command_line(one)[:1])))


def drivers(families: Iterable[Family]) -> list[Process]:
    """The drivers of studies, without the shells that they are started by."""
    return sorted(one for one in _everybody(families) if command_line(one)[1:3] == ["-m", DRIVER])


def raylet(family: Family) -> Process | None:
    """The raylet of a node."""
    found = (one for one in members(family) if command_line(one)[:1] and command_line(one)[0].endswith("/raylet"))
    return next(found, None)


def of_jobs(families: Iterable[Family]) -> list[str]:
    """`PID TITLE` of what only a job can have left in `families`, whose Ray is still up."""
    found = []
    for one in _everybody(families):
        words = " ".join(command_line(one))
        if (words.startswith("ray::") and not LASTING.match(words)) or DRIVER in words:
            found.append(f"{one.pid} {words[:80]}")
    return sorted(found)


def _everybody(families: Iterable[Family]) -> set[Process]:
    return set().union(*(members(family) for family in families))
