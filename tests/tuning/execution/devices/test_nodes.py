"""What Ray says of the machines that it has."""

from tuning.execution.devices.nodes import Node


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
