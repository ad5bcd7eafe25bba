"""Two hosts on one machine, each with a network of its own: a Ray head, a worker, and studies of seconds on both."""

import contextlib
import shutil
import socket
import tempfile
import time
from collections.abc import Generator
from pathlib import Path

import pytest

from benchmarks.core.chaos.cluster import Cluster
from benchmarks.core.chaos.driver import DONE
from benchmarks.core.chaos.network import Network, two_hosts
from benchmarks.core.chaos.study import draw
from tests.support.ray_head import wait_until
from tuning.records.ledger import Ledger


class Hosts:
    """A cluster of two hosts of one CPU each, its home, and the data of a study of seconds."""

    def __init__(self, place: Path, network: Network) -> None:
        self.home, self.network, self.place = place / "home", network, place
        self.home.mkdir()
        self.data = draw(place / "data")
        # In a home of their own: that of whoever tests may hold a token, and then this head would ask for it.
        self.cluster = Cluster(place, network, {"FERTUNE_HOME": str(self.home), "HOME": str(place)})

    def begin(self, study: str, *options: str) -> None:
        """A study of one trial, as a job."""
        given = [study, "--data", str(self.data), "--trials", "1", *options]
        self.cluster.submit(given, self.place / f"{study}.log")

    def words(self, study: str) -> str:
        log = self.place / f"{study}.log"
        return log.read_text() if log.exists() else ""

    def events(self, study: str, kind: str) -> list[dict]:
        folder = self.home / study
        events = Ledger.read(folder).events if (folder / "ledger.jsonl").exists() else []
        return [event for event in events if event["event"] == kind]


@contextlib.contextmanager
def hosts() -> Generator[Hosts]:
    """Both hosts until the block ends. Skips the test where this machine permits no network namespace."""
    place = Path(tempfile.mkdtemp(prefix="hosts", dir="/tmp"))  # short: the path of a socket has at most 107 bytes
    try:
        with two_hosts() as network:
            require_namespace(network)
            found = Hosts(place, network)
            try:
                found.cluster.start()
                yield found
            finally:
                found.cluster.stop()
    finally:
        shutil.rmtree(place, ignore_errors=True)


def require_namespace(network: Network) -> None:
    """Skips where the kernel refuses one; fails where anything else is in the way."""
    if network.namespace:
        return
    refused = ("Operation not permitted", "Permission denied", "Operation not supported")
    assert any(words in network.why_not for words in refused), f"No network namespace: {network.why_not}"
    pytest.skip(f"this machine permits no network namespace: {network.why_not}")


def is_reached(address: str) -> bool:
    """Whether a host answers there, be it that nobody listens."""
    try:
        socket.create_connection((address, 9), timeout=1).close()
    except ConnectionRefusedError:
        return True
    except OSError:
        return False
    return True


def train_on_both_through_a_cut(hosts: Hosts, num_epochs: int, cut_s: float) -> None:
    """A trial with a worker on each host; the cable is pulled in its middle, and it ends as if nothing had been."""
    hosts.begin("both", "--workers", "2", "--epochs", str(num_epochs))
    wait_until(lambda: hosts.events("both", "epoch"), 300, lambda: hosts.words("both"))
    nodes = {actor["node_id"] for actor in hosts.cluster.state("actors") if "RayTrainWorker" in actor["class_name"]}
    assert len(nodes) == 2, "a worker on each host"
    assert is_reached(hosts.network.node)
    hosts.network.pull()
    try:
        assert not is_reached(hosts.network.node)
        time.sleep(cut_s)  # the length of the cut is what is asked for
        during = len(hosts.events("both", "epoch"))
    finally:
        hosts.network.plug()
    assert during < num_epochs, "it was cut in the middle"
    wait_until(lambda: DONE in hosts.words("both"), 300, lambda: hosts.words("both"))
    assert [event["epoch"] for event in hosts.events("both", "epoch")] == list(range(1, num_epochs + 1))
    assert [event["state"] for event in hosts.events("both", "ended")] == ["FINISHED"]
    assert hosts.events("both", "died") == []
