"""Two hosts on one machine, each with a network of its own: shared and unshared files, a trial on both, a cable pulled."""

import dataclasses
import shutil
import tempfile
import time
from pathlib import Path

import pytest

from benchmarks.core.chaos.cluster import Cluster
from benchmarks.core.chaos.driver import DONE
from benchmarks.core.chaos.network import Network, two_hosts
from benchmarks.core.chaos.study import draw
from tests.support.ray_head import WITH_RAY, wait_until
from tuning.records.ledger import Ledger

pytestmark = WITH_RAY
EPOCHS = 40  # of about half a second


@dataclasses.dataclass(frozen=True)
class WithoutFiles(Network):
    """The second host has a disk of its own in the place of the home."""

    home: str = ""

    def on_second_host(self, command: list[str]) -> list[str]:
        """`command` in a mount namespace of its own, where the home is another, empty folder."""
        mounted = ["unshare", "--mount", "sh", "-c", 'mount -t tmpfs tmpfs "$0" && exec "$@"', self.home, *command]
        return super().on_second_host(mounted)


class Hosts:
    """A cluster of two hosts of one CPU each, its home, and the data of a study of seconds."""

    def __init__(self, place: Path, network: Network) -> None:
        self.home, self.network, self.place = place / "home", network, place
        self.home.mkdir()
        self.data = draw(place / "data")
        self.cluster = Cluster(place, network, {"FERTUNE_HOME": str(self.home)})

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


@pytest.fixture(scope="module")
def hosts():
    place = Path(tempfile.mkdtemp(prefix="hosts", dir="/tmp"))  # short: the path of a socket has at most 107 bytes
    with two_hosts() as network:
        if not network.namespace:
            pytest.skip("no network namespace may be made here")
        found = Hosts(place, network)
        try:
            found.cluster.start()
            yield found
        finally:
            found.cluster.stop()
            shutil.rmtree(place, ignore_errors=True)


def test_a_trial_on_both_hosts_goes_on_after_a_cut(hosts):
    hosts.begin("both", "--workers", "2", "--epochs", str(EPOCHS))
    wait_until(lambda: hosts.events("both", "epoch"), 300, lambda: hosts.words("both"))
    addresses = {actor["node_id"] for actor in hosts.cluster.state("actors") if "RayTrainWorker" in actor["class_name"]}
    assert len(addresses) == 2, "a worker on each host"
    hosts.network.pull()
    try:
        time.sleep(4)  # the length of the cut is what is asked for
        during = len(hosts.events("both", "epoch"))
    finally:
        hosts.network.plug()
    wait_until(lambda: DONE in hosts.words("both"), 300, lambda: hosts.words("both"))
    assert during < EPOCHS, "it was cut in the middle"
    assert [event["epoch"] for event in hosts.events("both", "epoch")] == list(range(1, EPOCHS + 1))
    assert [event["state"] for event in hosts.events("both", "ended")] == ["FINISHED"]
    assert hosts.events("both", "died") == []


def test_a_host_that_does_not_see_the_home_is_named_before_the_first_trial(hosts):
    hosts.cluster.network = WithoutFiles(**dataclasses.asdict(hosts.network), home=str(hosts.home))
    hosts.cluster.renew_node()
    hosts.begin("alone")
    wait_until(lambda: "Error" in hosts.words("alone"), 240, lambda: hosts.words("alone"))
    words = hosts.words("alone")
    assert "Study alone needs its files on every machine, and 1 machine of the cluster cannot be used:" in words
    assert f"does not see {hosts.home / 'alone'}" in words
    assert "Set $FERTUNE_HOME to a folder of a file system that all machines share" in words
    assert hosts.events("alone", "started") == []
    assert hosts.network.node in words, "the host is named by its address"
