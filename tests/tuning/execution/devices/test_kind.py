"""The kind of device that the next trial gets is that which trials tell of."""

import pytest
import torch

from trainables.core.training.workers import whereabouts
from tuning.execution.devices import kind as module
from tuning.execution.devices.kind import device_kind
from tuning.execution.devices.placement import Placement
from tuning.execution.session import Node, Session


def joined():
    return Session(nodes=(Node(num_cpus=2),))


@pytest.fixture
def cluster(monkeypatch):
    """Its answer is what a worker there is asked for."""
    monkeypatch.setenv("RAY_ADDRESS", "head:6379")
    monkeypatch.setattr(module, "on_device", lambda placement, gpus, work: f"a device with {gpus:g} GPUs")
    return monkeypatch


def test_without_a_cluster_it_is_this_machine_s_and_no_ray_is_started(monkeypatch):
    monkeypatch.delenv("RAY_ADDRESS", raising=False)

    def started():
        raise AssertionError

    cpu = whereabouts(torch.device("cpu"))["device"]
    assert device_kind(Placement(gpus_per_worker=0), started) == cpu
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: "NVIDIA H100")
    assert device_kind(Placement(), started) == "NVIDIA H100"
    assert device_kind(Placement(gpus_per_worker=0), started) == cpu
    assert device_kind(Placement(device_kind="CPU"), started) == cpu


def test_on_a_cluster_a_worker_is_asked(cluster):
    assert device_kind(Placement(), joined) == "a device with 0 GPUs"
    assert device_kind(Placement(), lambda: Session(nodes=(Node(num_cpus=2, num_gpus=1),))) == "a device with 1 GPUs"


@pytest.mark.parametrize("error", [TimeoutError, RuntimeError, MemoryError, ConnectionError])
def test_where_nobody_answers_it_is_not_known(cluster, error):
    def silent(*_):
        raise error("no answer")

    cluster.setattr(module, "on_device", silent)
    assert device_kind(Placement(), joined) == ""
    assert device_kind(Placement(workers=5), joined) == ""
