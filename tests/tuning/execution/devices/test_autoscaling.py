"""Where the limits of an autoscaler are read, and what a session makes of them."""

import json
import socket

import psutil
import pytest

from tuning.execution import session as module
from tuning.execution.devices import autoscaling
from tuning.execution.devices.autoscaling import autoscaler_pod, could_start, is_here, limits_at
from tuning.execution.devices.nodes import Node
from tuning.execution.session import session_ahead

LIMITS = {
    "cluster_name": "test",
    "max_workers": 5,
    "provider": {"type": "fake_multinode", "head_node_id": "f" * 56},
    "head_node_type": "head",
    "available_node_types": {
        "head": {"resources": {"CPU": 1}, "node_config": {}, "max_workers": 0},
        "worker": {"resources": {"CPU": 2}, "node_config": {}, "min_workers": 0, "max_workers": 2},
    },
}


class Process:
    """One that was started with these words."""

    def __init__(self, *words):
        self.words = words

    def cmdline(self):
        if not self.words:
            raise psutil.AccessDenied
        return list(self.words)


@pytest.fixture
def monitor(tmp_path, monkeypatch):
    """An autoscaler of the Ray at port 6379 of this machine, among other processes."""
    file = tmp_path / "limits.yaml"
    file.write_text(json.dumps(LIMITS))
    others = [Process(), Process("raylet"), Process("monitor.py", "--gcs-address=1.2.3.4:1", "--autoscaling-config=/x")]
    own = Process("monitor.py", "--gcs-address=127.0.0.1:6379", f"--autoscaling-config={file}")
    monkeypatch.setattr(psutil, "process_iter", lambda: [*others, own])
    monkeypatch.delenv("RAY_CLUSTER_NAME", raising=False)
    monkeypatch.setenv("RAY_ADDRESS", "127.0.0.1:6379")
    return file


def test_the_limits_are_those_of_the_autoscaler_of_this_ray(monitor):
    assert limits_at("localhost:6379") == LIMITS
    assert limits_at("localhost:6380") == {}


TYPES = {
    "head": {"resources": {"CPU": 1}, "max_workers": 0},
    "worker": {"resources": {"CPU": 4, "GPU": 1, "accelerator_type:A100": 1}, "max_workers": 3},
    "small": {"resources": {"CPU": 2}, "max_workers": 2},
}


@pytest.mark.parametrize(
    ("present", "most", "added"),
    [
        ([], None, ["worker"] * 3 + ["small"] * 2),
        (["worker", "small"], None, ["worker"] * 2 + ["small"]),
        (["worker"] * 5, None, ["small"] * 2),
        ([], 4, ["worker"] * 3 + ["small"]),
        (["worker"], 2, ["worker"]),
        (["worker", "worker"], 2, []),
    ],
)
def test_an_autoscaler_adds_what_its_limits_leave(present, most, added):
    nodes = [Node(num_cpus=0), *(Node(num_cpus=1, group=group) for group in present)]
    found = could_start(nodes, {"available_node_types": TYPES} | ({} if most is None else {"max_workers": most}))
    assert [node.group for node in found] == added
    assert all(node.kind == "A100" for node in found if node.group == "worker")


def test_a_type_without_a_limit_of_its_own_has_the_one_of_all():
    assert len(could_start([], {"available_node_types": {"worker": {"resources": {"CPU": 1}}}, "max_workers": 7})) == 7


def test_an_address_is_here_or_elsewhere(monkeypatch):
    assert is_here("127.0.0.1:6379")
    monkeypatch.setattr(socket, "gethostbyname", lambda host: "192.0.2.1")
    assert not is_here("far:6379")

    def unknown(host):
        raise socket.gaierror

    monkeypatch.setattr(socket, "gethostbyname", unknown)
    assert not is_here("nowhere:6379")


def test_a_head_of_kuberay_knows_its_cluster(monkeypatch, tmp_path):
    (tmp_path / "namespace").write_text("faces\n")
    monkeypatch.setattr(autoscaling, "_NAMESPACE", tmp_path / "namespace")
    monkeypatch.setenv("RAY_CLUSTER_NAME", "studies")
    assert autoscaler_pod() is None
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.0.0.1")
    assert autoscaler_pod() == ("studies", "faces")


def test_a_session_may_grow_to_what_the_autoscaler_may_start(monitor):
    head = Node(num_cpus=1)
    assert session_ahead((head,)).could_grow == (Node(num_cpus=2, group="worker"),) * 2
    assert session_ahead((head, Node(num_cpus=2, group="worker"))).could_grow == (Node(num_cpus=2, group="worker"),)


def test_in_a_pod_kubernetes_is_asked(monkeypatch):
    from ray.autoscaler._private.kuberay import autoscaling_config

    def producer(name, namespace):
        assert (name, namespace) == ("studies", "faces")
        return lambda: LIMITS | {"max_workers": 1}

    monkeypatch.setenv("RAY_ADDRESS", "127.0.0.1:6379")
    monkeypatch.setattr(module, "autoscaler_pod", lambda: ("studies", "faces"))
    monkeypatch.setattr(autoscaling_config, "AutoscalingConfigProducer", producer)
    assert session_ahead((Node(num_cpus=1),)).could_grow == (Node(num_cpus=2, group="worker"),)


def test_limits_that_nobody_can_read_are_none(monitor, monkeypatch):
    monitor.write_text("{")
    assert session_ahead((Node(num_cpus=1),)).could_grow == ()
    monkeypatch.delenv("RAY_ADDRESS")
    assert session_ahead((Node(num_cpus=1),)).could_grow == ()
