"""What Ray's cluster launcher makes of a recipe: it opens nothing, keeps no machine, and may be run again."""

import copy
import os
import re
import subprocess

import boto3
import moto
import pytest
from ray.autoscaler._private.aws import config as aws
from ray.autoscaler._private.util import prepare_config

from tests.support.recipes import found

LAUNCHERS = [document for path in found.files("launcher") for document in found.documents(path)]
PROGRAMS = ("ray", "sudo", "mountpoint", "python")


@pytest.fixture
def amazon(monkeypatch):
    """An EC2 in memory with one empty security group, whose id it gives."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "tests")
    with moto.mock_aws():
        aws.resource_cache.cache_clear()
        aws._get_subnets_or_die.cache_clear()
        yield lambda region: boto3.client("ec2", region).create_security_group(GroupName="own", Description="own")
    aws.resource_cache.cache_clear()
    aws._get_subnets_or_die.cache_clear()


def doors(document: dict) -> list[dict]:
    """What may be reached, from anywhere, after Ray has set up the network of `document`."""
    aws._configure_security_group(aws._configure_subnet(prepare_config(copy.deepcopy(document))))
    ec2 = boto3.resource("ec2", document["provider"]["region"])
    rules = [rule for group in ec2.security_groups.all() for rule in group.ip_permissions]
    return [rule for rule in rules if rule["IpRanges"] or rule["Ipv6Ranges"]]


@pytest.mark.parametrize("document", LAUNCHERS, ids=lambda document: document["cluster_name"])
def test_ray_opens_no_door_to_the_world(document, amazon):
    group = amazon(document["provider"]["region"])["GroupId"]
    document = copy.deepcopy(document)
    for kind in document["available_node_types"].values():
        assert kind["node_config"]["SecurityGroupIds"]
        kind["node_config"]["SecurityGroupIds"] = [group]
    assert doors(document) == []


def test_a_group_that_ray_makes_is_open_to_the_world(amazon):
    document = copy.deepcopy(LAUNCHERS[0])
    for kind in document["available_node_types"].values():
        del kind["node_config"]["SecurityGroupIds"]
    (door,) = doors(document)
    assert door["IpRanges"] == [{"CidrIp": "0.0.0.0/0"}]


@pytest.mark.parametrize("document", LAUNCHERS, ids=lambda document: document["cluster_name"])
def test_a_machine_that_ends_is_gone_with_its_disk(document):
    assert document["provider"]["cache_stopped_nodes"] is False
    for kind in document["available_node_types"].values():
        assert kind["node_config"]["InstanceInitiatedShutdownBehavior"] == "terminate"
        assert all(disk["Ebs"]["DeleteOnTermination"] for disk in kind["node_config"]["BlockDeviceMappings"])


@pytest.fixture
def run(tmp_path):
    """Runs commands on a machine whose programs only say that they were called; gives what was called."""
    called, programs = tmp_path / "called", tmp_path / "bin"
    (tmp_path / "fertune").mkdir()
    programs.mkdir()
    for name in PROGRAMS:
        answer = {"mountpoint": "exit $MOUNTED", "ray": 'test "$1" != health-check || exit $ANSWERS'}.get(name, "")
        (programs / name).write_text(f'#!/bin/sh\necho {name} "$*" >> {called}\n{answer}\n')
        (programs / name).chmod(0o755)

    def run_all(commands: list[str], *, mounted: bool, answers: bool = False) -> list[str]:
        called.write_text("")
        environment = {"HOME": str(tmp_path), "PATH": f"{programs}:{os.environ['PATH']}", "RAY_HEAD_IP": "192.0.2.1"}
        environment |= {"MOUNTED": str(int(not mounted)), "ANSWERS": str(int(not answers))}
        for command in commands:
            # In the foreground, and without the limit that Ray wants: neither is what is tested.
            words = (
                command.replace(" &)", ")")
                .replace("ulimit -n 65536", "true")
                .replace("/etc/fstab", f"{tmp_path}/fstab")
            )
            done = subprocess.run(["bash", "-c", words], env=environment, capture_output=True, text=True, timeout=60)
            assert done.returncode == 0, (words, done.stderr)
        return called.read_text().splitlines()

    return run_all


@pytest.mark.parametrize("document", LAUNCHERS, ids=lambda document: document["cluster_name"])
def test_ray_up_on_a_head_that_runs_begins_no_second_ray(document, run):
    first = run(document["head_start_ray_commands"], mounted=True)
    assert [line for line in first if line.startswith("ray start --head ")]
    again = run(document["head_start_ray_commands"], mounted=True, answers=True)
    assert [line for line in again if line.startswith("ray start")] == []
    port = re.search(r"ray start --head --port=(\d+)", "\n".join(first))[1]
    assert f"ray health-check --address=127.0.0.1:{port}" in again


@pytest.mark.parametrize("document", LAUNCHERS, ids=lambda document: document["cluster_name"])
@pytest.mark.parametrize("which", ["head_start_ray_commands", "worker_start_ray_commands"])
def test_the_home_is_there_before_ray(document, which, run):
    """Ray skips the set-up of a machine that it knows: the start alone has to mount."""
    home = re.search(r"FERTUNE_HOME=(/\w+)", "".join(document["setup_commands"]))[1]
    missing = run(document[which], mounted=False)
    began = [place for place, line in enumerate(missing) if line.startswith("ray start")]
    assert missing.index(f"sudo mount {home}") < began[0]
    assert f"sudo mount {home}" not in run(document[which], mounted=True)


@pytest.mark.parametrize("document", LAUNCHERS, ids=lambda document: document["cluster_name"])
def test_the_home_is_mounted_by_fstab_and_a_lost_one_stops_no_boot(document, run, tmp_path):
    (tmp_path / "bin" / "sudo").write_text('#!/bin/sh\ntest "$1" != tee || exec "$@"\n')
    (tmp_path / "fstab").write_text("LABEL=root / ext4 defaults 0 1\n")
    for _ in range(2):
        run(document["initialization_commands"], mounted=False)
    _, line = (tmp_path / "fstab").read_text().splitlines()
    place, kind, options = line.split()[1:4]
    assert (place, kind) == ("/fertune", "nfs4")
    assert {"_netdev", "nofail"} <= set(options.split(","))
