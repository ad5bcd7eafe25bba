"""The machines of a Ray, and those that an autoscaler may add."""

import pytest

from tuning.execution.devices.nodes import Group, Node, may_start

WORKERS = Group(name="worker", has={"CPU": 4.0, "GPU": 1.0, "accelerator_type:A100": 1.0}, most=3)
SMALL = Group(name="small", has={"CPU": 2.0}, most=2)


def test_a_machine_has_what_ray_says():
    node = Node.told(
        {
            "NodeID": "5d",
            "NodeManagerHostname": "n2",
            "NodeManagerAddress": "10.0.0.2",
            "Resources": {"CPU": 8.0, "GPU": 2.0, "accelerator_type:H100": 1.0, "node:10.0.0.2": 1.0},
            "Labels": {"ray.io/node-group": "large"},
        }
    )
    assert node == Node(num_cpus=8, num_gpus=2, kind="H100", group="large", node_id="5d", host="n2", ip="10.0.0.2")
    assert node.name == "n2 (10.0.0.2)"


def test_a_machine_without_gpus_has_no_kind_and_the_head_is_of_no_group():
    assert Node.of({"CPU": 2.0, "accelerator_type:H100": 1.0}).kind == ""
    assert Node.of({"CPU": 2.0, "node:__internal_head__": 1.0}, group="head").group == ""


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
    found = may_start(nodes, [WORKERS, SMALL], most)
    assert [node.group for node in found] == added
    assert all(node.kind == "A100" for node in found if node.group == "worker")
