"""A trial on two hosts, each in a network namespace of its own, whose cable is pulled for a moment."""

import pytest

from tests.support.servers.hosts import hosts, train_on_both_through_a_cut

# Beside the others with a Ray, which would take longer than all the rest.
pytestmark = [pytest.mark.ray, pytest.mark.xdist_group("hosts"), pytest.mark.timeout(900)]


def test_a_trial_on_both_hosts_goes_on_after_a_short_cut():
    with hosts() as found:
        train_on_both_through_a_cut(found, num_epochs=16, cut_s=2)
