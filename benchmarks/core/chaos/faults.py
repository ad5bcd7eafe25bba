"""What is done to a study: a function for each kind of fault, in one table. A newcomer adds a function and its line.

Each strikes at once, waits where the fault lasts, begins a server, a node or a head anew that is gone (a driver is the matter
of `rounds.py`), and says whom it hit; `None` where there is nobody to hit at this moment.
"""

from __future__ import annotations

import dataclasses
import os
import random
import shutil
import signal
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.core.chaos import progress, titles
from benchmarks.core.chaos.cluster import Cluster, kill, kill_family, wait
from benchmarks.core.chaos.disk import Disk
from benchmarks.core.chaos.network import Network
from benchmarks.core.chaos.servers import Tracking
from cluster.local import processes
from cluster.local.processes import Family, Process
from trainables.core import files

LASTS_S = (2.0, 6.0)  # a disk that is full, a server that is away
CUT_S = (3.0, 40.0)  # a network


@dataclasses.dataclass(frozen=True)
class Scene:
    """Where a fault happens: everything that can be hit, and the dice."""

    cluster: Cluster
    network: Network
    tracking: Tracking
    disk: Disk
    study: Path  # its folder
    rng: random.Random

    def lasts(self, between: tuple[float, float] = LASTS_S) -> None:
        """Wait as long as a fault lasts."""
        time.sleep(self.rng.uniform(*between))

    def one_of(self, kind: str, families: list[Family] | None = None) -> Process | None:
        """A process of `titles.TITLES[kind]` of a trial that has not ended; `None` where it cannot be told that it is one."""
        everybody = titles.of_kind(kind, self.cluster.families)
        found = everybody if families is None else titles.of_kind(kind, families)
        running = progress.unfinished(progress.read_events(self.study), time.time())
        return self.rng.choice(found) if found and len(running) >= len(everybody) else None

    @property
    def driver(self) -> Process | None:
        return next(iter(titles.drivers(self.cluster.families)), None)


@dataclasses.dataclass(frozen=True)
class Struck:
    """Whom a fault hit, when (of the clock), for how long. Of `events`, so many were `unwritten` while MLflow was away."""

    pid: int
    at_s: float
    note: str = ""
    lasted_s: float = 0.0
    unwritten: int = 0
    events: int = 0


def _for(seconds: float) -> str:
    return f"for {seconds:.1f} s"


def _kill_one(kind: str) -> Callable[[Scene], Struck | None]:
    def strike(scene: Scene) -> Struck | None:
        if not (victim := scene.one_of(kind)):
            return None
        at_s = time.time()
        kill(victim)
        return Struck(victim.pid, at_s)

    return strike


def _mailbox(scene: Scene) -> Struck | None:
    """A mailbox may be one for the whole study: there it is enough that a trial runs."""
    found = titles.of_kind("mailbox", scene.cluster.families)
    if not found or not progress.unfinished(progress.read_events(scene.study), time.time()):
        return None
    victim, at_s = scene.rng.choice(found), time.time()
    kill(victim)
    return Struck(victim.pid, at_s)


def _raylet(scene: Scene) -> Struck | None:
    """Of the second node, which has a trial; another node takes its place. What is left of this one has to end by itself."""
    node = scene.cluster.node
    victim = titles.raylet(node) if node and scene.one_of("worker", [node]) else None
    if node is None or victim is None:
        return None
    at_s = time.time()
    kill(victim)
    scene.cluster.lose(node)
    scene.cluster.start_node()
    return Struck(victim.pid, at_s)


def _node(scene: Scene) -> Struck | None:
    """The second node, which has a trial: all its processes at once."""
    node = scene.cluster.node
    victim = titles.raylet(node) if node and scene.one_of("worker", [node]) else None
    if node is None or victim is None:
        return None
    at_s = time.time()
    kill_family(node)
    scene.cluster.renew_node()
    return Struck(victim.pid, at_s)


def _network(scene: Scene) -> Struck | None:
    """Between the head and the second node, which has a trial."""
    node = scene.cluster.node
    victim = titles.raylet(node) if node and scene.one_of("worker", [node]) else None
    if node is None or victim is None:
        return None
    at_s = time.time()
    if scene.network.namespace:
        scene.network.pull()
        scene.lasts(CUT_S)
        scene.network.plug()
    else:
        stopped = processes.members(node)
        kill(*stopped, number=signal.SIGSTOP)
        scene.lasts(CUT_S)
        kill(*stopped, number=signal.SIGCONT)
    lasted_s = time.time() - at_s
    if processes.is_alive(victim):
        return Struck(victim.pid, at_s, _for(lasted_s), lasted_s)
    scene.cluster.renew_node()
    return Struck(victim.pid, at_s, f"{_for(lasted_s)}; the node took itself for dead and was replaced", lasted_s)


def _end_driver(number: int) -> Callable[[Scene], Struck | None]:
    def strike(scene: Scene) -> Struck | None:
        if not (victim := scene.driver):
            return None
        at_s = time.time()
        kill(victim, number=number)
        if not wait(lambda: not processes.is_alive(victim), 90):
            kill(victim)
            return Struck(victim.pid, at_s, f"it ignored signal {number} for 90 s and was killed", time.time() - at_s)
        return Struck(victim.pid, at_s, lasted_s=time.time() - at_s)

    return strike


def _head(scene: Scene) -> Struck | None:
    """All its processes, the driver's too. A second node outlives its head for a while; then it is begun anew as well."""
    head, victim = scene.cluster.head, scene.driver
    if head is None or head.leader is None or victim is None:
        return None
    at_s = time.time()
    kill_family(head)
    scene.cluster.lose(head)
    scene.cluster.start_head()
    scene.cluster.renew_node()
    return Struck(head.leader.pid, at_s)


def _away(server: str) -> Callable[[Scene], Struck | None]:
    def strike(scene: Scene) -> Struck | None:
        if not scene.driver:
            return None
        away = scene.tracking.away if server == "mlflow" else scene.tracking.database.away
        at_s = time.time()
        with away() as pid:
            scene.lasts()
        lasted_s = time.time() - at_s
        events = progress.read_events(scene.study)
        unwritten = sum(at_s < event["time"] < at_s + lasted_s for event in events)
        return Struck(pid, at_s, f"away {_for(lasted_s)}", lasted_s, unwritten, len(events))

    return strike


def _disk_full(scene: Scene) -> Struck | None:
    if not (driver := scene.driver):
        return None
    writers = [driver, *titles.of_kind("worker", scene.cluster.families)]
    at_s = time.time()
    with scene.disk.full(writers):
        scene.lasts()
    lasted_s = time.time() - at_s
    return Struck(driver.pid, at_s, _for(lasted_s), lasted_s)


def _torn_ledger(scene: Scene) -> Struck | None:
    """Half a line at the end, under a driver that is killed or, every other time, under one that lives on."""
    if not (driver := scene.driver):
        return None
    path, at_s = scene.study / files.LEDGER, time.time()
    if scene.rng.random() < 0.5:
        kill(driver)
        wait(lambda: not processes.is_alive(driver), 30)
        with path.open("ab") as ledger:
            ledger.write(b'{"time": 1795000000.0, "event": "epo')
        return Struck(driver.pid, at_s, "half a line after a killed driver")
    last = path.read_bytes().rstrip(b"\n").rpartition(b"\n")[2]
    os.truncate(path, path.stat().st_size - 1 - scene.rng.randint(1, max(1, len(last) - 1)))
    return Struck(driver.pid, at_s, "the last line cut under a living driver")


def _cache_deleted(scene: Scene) -> Struck | None:
    """The prepared data in the home, and the copies of it that nodes keep among their temporary files."""
    if not (driver := scene.driver):
        return None
    at_s = time.time()
    for folder in (scene.disk.home / files.PREPARED, *scene.cluster.temporary.glob("fertune-data-*")):
        shutil.rmtree(folder, ignore_errors=True)
    return Struck(driver.pid, at_s)


KINDS: dict[str, Callable[[Scene], Struck | None]] = {
    "worker": _kill_one("worker"),
    "slot": _kill_one("slot"),
    "controller": _kill_one("controller"),
    "mailbox": _mailbox,
    "raylet": _raylet,
    "node": _node,
    "driver_kill": _end_driver(signal.SIGKILL),
    "driver_term": _end_driver(signal.SIGTERM),
    "driver_int": _end_driver(signal.SIGINT),
    "head": _head,
    "mlflow": _away("mlflow"),
    "database": _away("database"),
    "disk_full": _disk_full,
    "torn_ledger": _torn_ledger,
    "cache_deleted": _cache_deleted,
    "network": _network,
}
# Those that hit MLflow: they count where an event was unwritten, and are over once it has it.
OF_MLFLOW = ("mlflow", "database")
