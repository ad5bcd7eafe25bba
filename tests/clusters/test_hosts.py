"""Two hosts on one machine, each with a network of its own: a long cut in a long trial, and files that are not shared."""

import dataclasses

import pytest

from benchmarks.core.chaos.network import Network
from tests.support.ray_head import WITH_RAY, wait_until
from tests.support.servers.hosts import hosts, train_on_both_through_a_cut

pytestmark = WITH_RAY


@dataclasses.dataclass(frozen=True)
class WithoutFiles(Network):
    """The second host has a disk of its own in the place of the home."""

    home: str = ""

    def on_second_host(self, command: list[str]) -> list[str]:
        """`command` in a mount namespace of its own, where the home is another, empty folder."""
        mounted = ["unshare", "--mount", "sh", "-c", 'mount -t tmpfs tmpfs "$0" && exec "$@"', self.home, *command]
        return super().on_second_host(mounted)


@pytest.fixture(scope="module")
def both():
    with hosts() as found:
        yield found


def test_a_trial_on_both_hosts_goes_on_after_a_cut(both):
    train_on_both_through_a_cut(both, num_epochs=40, cut_s=4)


def test_a_host_that_does_not_see_the_home_is_named_before_the_first_trial(both):
    both.cluster.network = WithoutFiles(**dataclasses.asdict(both.network), home=str(both.home))
    both.cluster.renew_node()
    both.begin("alone")
    wait_until(lambda: "Error" in both.words("alone"), 240, lambda: both.words("alone"))
    words = both.words("alone")
    assert "Study alone needs its files on every machine, and 1 machine of the cluster cannot be used:" in words
    assert f"does not see {both.home / 'alone'}" in words
    assert "Set $FERTUNE_HOME to a folder of a file system that all machines share" in words
    assert both.events("alone", "started") == []
    assert both.network.node in words, "the host is named by its address"
