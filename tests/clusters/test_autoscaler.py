"""A cluster that grows: an autoscaler of Ray's own, whose machines are processes of this one."""

import json

import pytest
import ray
from ray.util import placement_group

from tests.support.ray_head import WITH_RAY, free_ports, ray_head
from tuning.execution.devices.nodes import Node
from tuning.execution.devices.placement import Placement, slots_of
from tuning.execution.session import alive_nodes, look_ahead, open_session, session_ahead

pytestmark = WITH_RAY

_LISTS = ("initialization", "setup", "head_setup", "worker_setup", "head_start_ray", "worker_start_ray")


@pytest.fixture(scope="module")
def head(tmp_path_factory):
    """A head without CPUs, whose autoscaler may start one machine of two."""
    (port,) = free_ports(1)
    limits = {
        "cluster_name": "test",
        "max_workers": 1,
        "upscaling_speed": 1,
        "idle_timeout_minutes": 10,
        "provider": {"type": "fake_multinode", "head_node_id": _head_id(), "gcs_address": f"127.0.0.1:{port}"},
        "head_node_type": "ray.head.default",
        "available_node_types": {
            "ray.head.default": {"resources": {"CPU": 0}, "node_config": {}, "max_workers": 0},
            "two": {"resources": {"CPU": 2}, "node_config": {}, "min_workers": 0, "max_workers": 1},
        },
        "auth": {},
        "docker": {},
        "file_mounts": {},
        "cluster_synced_files": [],
        "file_mounts_sync_continuously": False,
        **{f"{name}_commands": [] for name in _LISTS},
    }
    file = tmp_path_factory.mktemp("limits") / "limits.yaml"
    file.write_text(json.dumps(limits))
    fake = {"RAY_FAKE_CLUSTER": "1", "AUTOSCALER_UPDATE_INTERVAL_S": "1"}
    with ray_head("--num-cpus=0", f"--autoscaling-config={file}", port=port, **fake) as found:
        yield found


def _head_id():
    from ray.autoscaler._private.fake_multi_node.node_provider import FAKE_HEAD_NODE_ID

    return FAKE_HEAD_NODE_ID


def test_a_session_counts_what_may_be_started_and_what_is_asked_for_is_started(head, monkeypatch):
    monkeypatch.setenv("RAY_ADDRESS", head.address)
    assert slots_of(Placement(), session_ahead(look_ahead()), 10).slots == 2, "known before Ray is joined"
    with open_session() as session:
        assert session.num_cpus == 0
        assert session.could_grow == (Node(num_cpus=2, group="two"),)
        fit = slots_of(Placement(), session, 10)
        assert fit.slots == 2
        group = placement_group([{"CPU": 1}] * fit.slots)
        assert group.wait(180)
        assert [node.num_cpus for node in alive_nodes() if node.num_cpus] == [2]
        ray.util.remove_placement_group(group)
