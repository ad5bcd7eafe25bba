"""A Ray head and a second node of its own, on one machine; each can be lost and begun anew at the same address."""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import signal
import sys
import time
import urllib.request
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from benchmarks.core.chaos import titles
from benchmarks.core.chaos.network import Network
from cluster.core.ports import free_ports
from cluster.local import processes
from cluster.local.asking import answer
from cluster.local.processes import Family, Process
from tuning.records.home import ROOT

BIN = Path(sys.executable).parent
NUM_CPUS = 1  # of each node: one slot
NUM_STARTS = 3
UNUSED_PORTS = (
    *("node-manager-port", "object-manager-port", "dashboard-agent-listen-port", "dashboard-agent-grpc-port"),
    *("runtime-env-agent-port", "metrics-export-port"),
)


class NotUp(RuntimeError):
    """What was started does not answer; the message has its last words."""


def wait(condition: Callable[[], Any], timeout_s: float, every_s: float = 0.5) -> Any:
    """The first true answer of `condition()`, or its last one after `timeout_s`."""
    deadline = time.monotonic() + timeout_s
    while not (found := condition()) and time.monotonic() < deadline:
        time.sleep(every_s)
    return found


def clean_environment() -> dict[str, str]:
    """The environment without what aims Ray, MLflow or fertune at something else, and without a proxy for loopback."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("RAY_", "MLFLOW_", "FERTUNE_"))}
    return kept | dict.fromkeys(("no_proxy", "NO_PROXY"), "127.0.0.1,localhost")


def new_family(folder: Path) -> Family:
    return Family(uuid.uuid4().hex, folder)


def kill(*victims: Process | None, number: int = signal.SIGKILL) -> None:
    """Send a signal to processes, each by its number and start."""
    for victim in victims:
        if victim is not None and processes.is_alive(victim):
            with contextlib.suppress(ProcessLookupError):
                os.kill(victim.pid, number)


def kill_family(family: Family) -> None:
    """SIGKILL to everybody of `family`, those too that it starts meanwhile; waits until nobody is left."""

    def none_left() -> bool:
        left = processes.members(family)
        kill(*left)
        return not left

    if not wait(none_left, 20, 0.1):
        raise NotUp(f"Processes of {family.folder} outlive SIGKILL.")


class Cluster:
    """Both nodes, in `place` (a short path). `environment` is what the head's user has set."""

    def __init__(self, place: Path, network: Network, environment: Mapping[str, str]) -> None:
        self._place, self.network = place, network
        self.temporary = place / "tmp"
        self._environment = clean_environment() | {
            "PATH": os.pathsep.join([str(BIN), os.environ.get("PATH", os.defpath)]),
            "PYTHONPATH": os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH", "")])),
            "OMP_NUM_THREADS": "1",
            "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",  # the last line is the driver's
            "RAY_USAGE_STATS_ENABLED": "0",
            "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0" if not network.namespace else "1",
            "RAY_worker_maximum_startup_concurrency": "4",
            "TMPDIR": str(self.temporary),
            **environment,
        }
        self.temporary.mkdir()
        self._port, self._dashboard, self._client = free_ports(3)
        self.head: Family | None = None
        self.node: Family | None = None
        self.gone: list[Family] = []  # those that were lost

    @property
    def families(self) -> list[Family]:
        """Of the nodes that there are."""
        return [family for family in (self.head, self.node) if family]

    def start(self) -> None:
        self.start_head()
        self.start_node()

    def start_head(self) -> None:
        """A head at the address of the one before. Raises `NotUp`."""
        # Ray takes a second node that outlives its head, on this machine, for a head that still runs.
        (self._place / "ray" / "ray_current_cluster").unlink(missing_ok=True)
        options = {
            "port": self._port,
            "dashboard-port": self._dashboard,
            "ray-client-server-port": self._client,
            "dashboard-host": "127.0.0.1",
            "node-ip-address": self.network.head,
            "temp-dir": self._place / "ray",
        }
        self.head = self._started("head", ["--head"], options, self._node_ids)

    def start_node(self) -> None:
        """A second node, beside whatever the cluster still knows of the one before. Raises `NotUp`."""
        before = self._node_ids()
        options: dict[str, Any] = {
            "address": f"{self.network.head}:{self._port}",
            "node-ip-address": self.network.node,
        }
        if not self.network.namespace:  # one host: other ports than the head's
            options |= {"min-worker-port": 20_100, "max-worker-port": 20_999}
        self.node = self._started("node", [], options, lambda: self._node_ids() - before)

    def lose(self, family: Family) -> None:
        """Forget a node whose processes were killed, or end them."""
        self.gone.append(family)
        if family is self.head:
            self.head = None
        else:
            self.node = None

    def renew_node(self) -> None:
        """What an operator does about a node that is gone or of no use: what is left of it ends, another is started."""
        if self.node:
            kill_family(self.node)
            self.lose(self.node)
        self.start_node()

    def end_gone(self) -> None:
        """Kill what is left of nodes that are gone."""
        for family in self.gone:
            kill_family(family)
        self.gone.clear()

    def stop(self) -> None:
        """End all that was ever started here."""
        for family in [self.node, self.head, *self.gone]:
            if family:
                processes.stop(family, patience_s=5)

    def submit(self, arguments: list[str], log: Path) -> None:
        """`python -m benchmarks.core.chaos.driver ARGUMENTS` as a job, its words in `log`. Raises `NotUp`."""
        command = shlex.join([sys.executable, "-m", titles.DRIVER, *arguments])
        job = json.dumps({"entrypoint": f"exec {command} >> {shlex.quote(str(log))} 2>&1"}).encode()

        def submitted() -> bool:
            """The head's agent of jobs comes seconds after its dashboard."""
            request = urllib.request.Request(f"{self._url}/api/jobs/", job, {"Content-Type": "application/json"})
            try:
                with urllib.request.urlopen(request, timeout=30) as response:
                    return response.status == 200
            except OSError:
                return False

        if not wait(submitted, 60, 1.0):
            raise NotUp("The head takes no job.")

    def state(self, what: str) -> list[dict[str, Any]]:
        """What the dashboard lists of `actors`, `nodes` or `placement_groups`; raises `NotUp` where it does not answer."""
        status, found = answer(f"{self._url}/api/v0/{what}?limit=1000&detail=true")
        if status != 200:
            raise NotUp(f"The dashboard lists no {what}: {status}")
        return found["data"]["result"]["result"]

    @property
    def _url(self) -> str:
        return f"http://127.0.0.1:{self._dashboard}"

    def _node_ids(self) -> set[str]:
        try:
            return {node["node_id"] for node in self.state("nodes") if node["state"] == "ALIVE"}
        except NotUp:
            return set()

    def _started(self, name: str, flags: list[str], options: Mapping[str, Any], joined: Callable[[], Any]) -> Family:
        """A node that has `joined`; tried again where Ray gives up by itself, as it does on a machine with much to do."""
        for _ in range(NUM_STARTS):
            family = self._start(name, flags, options)
            if wait(lambda one=family: joined() or not processes.members(one), 180) and joined():
                return family
            kill_family(family)
        raise NotUp(f"The {name} does not come up: {(self._place / f'{name}.log').read_text(errors='replace')[-2000:]}")

    def _start(self, name: str, flags: list[str], options: Mapping[str, Any]) -> Family:
        options = {
            **dict.fromkeys(UNUSED_PORTS, 0),
            "num-cpus": NUM_CPUS,
            "object-store-memory": 100 * 2**20,
            **options,
        }
        command = [str(BIN / "ray"), "start", "--block", "--disable-usage-stats", *flags]
        command += [f"--{key}={value}" for key, value in options.items()]
        command = command if name == "head" else self.network.on_second_host(command)
        family, log = new_family(self._place), self._place / f"{name}.log"
        return processes.start(command, environment=self._environment, family=family, log=log)


def what_is_left(cluster: Cluster) -> list[str]:
    """Of jobs that have ended: processes, placement groups not removed, actors that outlive their job. Raises `NotUp`."""
    strays = [
        f"process {one.pid} {' '.join(titles.command_line(one))[:80]}, of a node that is gone"
        for family in cluster.gone
        for one in processes.members(family)
    ]
    groups = [
        f"placement group {group['placement_group_id'][:12]} {group.get('name', '')} {group['state']}"
        for group in cluster.state("placement_groups")
        if group["state"] != "REMOVED"
    ]
    actors = [
        f"actor {actor['class_name']} {actor['pid']} {actor['state']}"
        for actor in cluster.state("actors")
        if actor["state"] != "DEAD" and not titles.LASTING.match(f"ray::{actor['class_name']}")
    ]
    return [*strays, *(f"process {words}" for words in titles.of_jobs(cluster.families)), *groups, *actors]
