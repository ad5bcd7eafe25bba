"""Where trials go: as many as fit the machines of a cluster, each worker whole on one of them."""

import pytest

from tuning.execution.devices.placement import Placement, slots_of
from tuning.execution.session import Node, Session

ONE = Session(nodes=(Node(num_cpus=8, num_gpus=2),))
FOUR = Session(nodes=(Node(num_cpus=3, num_gpus=1),) * 4)


@pytest.mark.parametrize(
    ("session", "placement", "count", "slots"),
    [
        (ONE, Placement(), 10, (2, 1.0)),
        (ONE, Placement(), 1, (1, 1.0)),
        (ONE, Placement(gpus_per_worker=0.5), 10, (4, 0.5)),
        (ONE, Placement(gpus_per_worker=0.6), 10, (2, 0.6)),  # one on each GPU: what is left of both is no third
        (ONE, Placement(gpus_per_worker=1 / 3), 10, (6, 1 / 3)),
        (ONE, Placement(gpus_per_worker=0, cpus_per_worker=2), 10, (4, 0)),
        (ONE, Placement(gpus_per_worker=0, max_concurrent=3), 10, (3, 0)),
        (ONE, Placement(gpus_per_worker=0), 2, (2, 0)),
        (FOUR, Placement(), 10, (4, 1.0)),
        (FOUR, Placement(workers=2), 10, (2, 1.0)),
        (FOUR, Placement(gpus_per_worker=0, cpus_per_worker=2), 10, (4, 0)),  # and not six: 12 CPUs, three to a machine
    ],
)
def test_trials_fill_the_cluster(session, placement, count, slots):
    assert slots_of(placement, session, count) == slots


@pytest.mark.parametrize(
    ("session", "placement", "fit"),
    [
        (ONE, Placement(workers=9, gpus_per_worker=0), "on one machine, which fit 8 such workers"),
        (ONE, Placement(workers=2, gpus_per_worker=2), "on one machine, which fit 1 such workers"),
        (FOUR, Placement(gpus_per_worker=2), "4 GPUs in all, on 4 machines, which fit 0 such workers"),
        (
            FOUR,
            Placement(gpus_per_worker=0, cpus_per_worker=4),
            "12 CPUs and 4 GPUs in all, on 4 machines, which fit 0",
        ),
        (Session(nodes=()), Placement(), "0 CPUs and 0 GPUs in all"),
    ],
)
def test_a_trial_that_can_never_be_placed_says_so(session, placement, fit):
    with pytest.raises(ValueError, match=f"cannot be placed: Ray has .*{fit}"):
        slots_of(placement, session, 1)


def test_a_worker_has_a_share_of_one_gpu_or_whole_ones():
    with pytest.raises(ValueError, match=r"cannot have 1\.5 GPUs: .* \(0\.25, 0\.5\), or whole ones"):
        slots_of(Placement(gpus_per_worker=1.5), ONE, 1)


def test_a_priority_that_there_is_not_is_refused():
    with pytest.raises(ValueError, match="--priority was given as 'High'; allowed are low, normal, high"):
        Placement(priority="High")
