"""The sbatch of a study with scripts in the place of Slurm and Ray: what it starts, with what, and how it ends."""

import ast
import itertools
import os
import re
import signal
import socket
import stat
from pathlib import Path

import pytest

from tests.support.servers.fake_slurm import FakeSlurm
from tests.support.servers.slurm import SBATCH

_numbers = itertools.count(2_000_000_000 + os.getpid() * 100)  # of no job that this machine has


@pytest.fixture
def job(tmp_path):
    found = FakeSlurm(tmp_path, next(_numbers))
    yield found
    assert not Path(f"/tmp/fertune-{found.number}").exists(), "nothing is left in /tmp"
    assert not list((found.fake / "steps").iterdir()), "no step is left"


def driver(job):
    return ast.literal_eval((job.fake / "driver").read_text())


def options(call):
    return dict(re.findall(r"--([\w-]+)=(\S+)", call))


def test_a_head_and_workers_of_one_job_run_the_study_and_end_with_it(job):
    code, words = job.run("smiles", "--num-samples", "4", SLURM_NNODES="3", GPUS="2")
    assert code == 0, words
    given, environment = driver(job)
    assert given == ["run", "smiles", "--num-samples", "4", "--resume"]
    head, *workers = job.calls("ray")
    assert "--head" in head
    assert len(workers) == 2
    assert environment["RAY_ADDRESS"] == f"10.0.0.1:{options(head)['port']}"
    assert {options(call)["address"] for call in workers} == {environment["RAY_ADDRESS"]}
    for call in (head, *workers):
        assert (options(call)["num-cpus"], options(call)["num-gpus"]) == ("3", "2")
        assert options(call)["temp-dir"].startswith(f"/tmp/fertune-{job.number}/")
    assert sorted(job.calls("scancel")) == [f"--signal=TERM {job.number}.{step}" for step in (0, 1)]
    logs = job.checkout / "runs" / "slurm" / str(job.number)
    assert (logs / "ray-n1-life-0" / "raylet.out").read_text() == "words\n"
    assert {path.name for path in logs.glob("ray-*")} == {f"ray-n{node}-life-0" for node in (1, 2, 3)}


def test_the_token_is_of_the_job_and_on_no_command_line_or_variable(job):
    mine = {"RAY_AUTH_TOKEN": "a stranger's", "RAY_ADDRESS": "10.9.9.9:6379", "RAY_TMPDIR": "/nowhere"}
    assert job.run("smiles", SLURM_NNODES="2", **mine)[0] == 0
    tokens = (job.fake / "tokens").read_text().splitlines()
    assert len(tokens) == 2
    assert len(set(tokens)) == 1
    mode, token = tokens[0].split()
    assert (mode, len(token)) == ("600", 64)
    assert token not in (job.fake / "calls").read_text()
    _, environment = driver(job)
    assert environment["RAY_AUTH_MODE"] == "token"
    assert token not in str(environment)
    assert not environment.keys() & {"RAY_AUTH_TOKEN", "RAY_TMPDIR"}
    assert token.encode() not in b"".join(path.read_bytes() for path in job.checkout.rglob("*") if path.is_file())


def test_ports_follow_from_the_id_and_pass_by_who_is_there(job):
    first = 20_000 + job.number % 3000 * 4
    with socket.socket() as neighbour:
        neighbour.bind(("127.0.0.1", first + 1))
        neighbour.listen()
        assert job.run("smiles")[0] == 0
    found = options(job.calls("ray")[0])
    names = ("port", "dashboard-port", "ray-client-server-port")
    next_ = 20_000 + (job.number + 1) % 3000 * 4
    assert [int(found[name]) for name in names] == [next_, next_ + 1, next_ + 2]
    assert {value for name, value in found.items() if name.endswith("-port") and name not in names} == {"0"}
    assert found["dashboard-host"] == "127.0.0.1"


def test_near_the_limit_of_time_the_study_is_stopped_and_the_job_queued_again(job):
    script = job.begin("smiles", DRIVER_S="50")
    job.wait_for("runs")
    script.send_signal(signal.SIGTERM)
    words, _ = script.communicate(timeout=60)
    assert script.returncode == 0, words
    assert (job.fake / "told").read_text() == "TERM "
    assert job.calls("scontrol") == [f"requeue {job.number}"]
    assert "Slurm will end this job soon" in words
    assert "This job is queued again, and goes on with the study." in words


def test_the_job_is_queued_again_before_its_steps_end(job):
    """These take as long as they like; at the limit of time the job would be over, and not queued again."""
    script = job.begin("smiles", DRIVER_S="50")
    job.wait_for("runs")
    script.send_signal(signal.SIGTERM)
    script.communicate(timeout=60)
    ending = [line.split()[0] for line in (job.fake / "calls").read_text().splitlines() if line.startswith("sc")]
    assert ending == ["scontrol", "scancel"]


def test_a_job_whose_ray_is_not_up_yet_is_queued_again_too(job):
    script = job.begin("smiles", HEAD="hangs")
    job.wait_for("tokens")
    script.send_signal(signal.SIGTERM)
    words, _ = script.communicate(timeout=60)
    assert script.returncode == 0, words
    assert job.calls("scontrol") == [f"requeue {job.number}"]
    assert not (job.fake / "driver").exists()


@pytest.mark.parametrize("code", [0, 1, 2])
def test_a_study_that_ends_by_itself_near_the_limit_of_time_is_not_queued_again(job, code):
    script = job.begin("smiles", DRIVER_S="50", TOLD_CODE=str(code))
    job.wait_for("runs")
    script.send_signal(signal.SIGTERM)
    words, _ = script.communicate(timeout=60)
    assert script.returncode == code, words
    assert job.calls("scontrol") == []


def test_a_job_that_may_not_be_queued_again_says_so_and_has_the_code_of_the_study(job):
    (job.fake / "no-requeue").touch()
    script = job.begin("smiles", DRIVER_S="50")
    job.wait_for("runs")
    script.send_signal(signal.SIGTERM)
    words, _ = script.communicate(timeout=60)
    assert script.returncode == 130
    assert "This job is not queued again (sbatch --no-requeue?). Submit it once more: the study goes on." in words
    assert "is queued again, and" not in words


def test_where_slurm_ends_the_job_the_study_is_not_told_twice(job):
    """Slurm has told every process by then; a second signal would end the saving of the state."""
    script = job.begin("smiles", DRIVER_S="3", DRIVER_CODE="130")
    job.wait_for("runs")
    (job.fake / "state").write_text("COMPLETING\n")
    script.send_signal(signal.SIGTERM)
    script.communicate(timeout=60)
    assert script.returncode == 130
    assert not (job.fake / "told").exists()
    assert job.calls("scontrol") == []


def test_a_submission_that_hands_on_no_environment_starts_all_the_same(job):
    """`sbatch --export=NONE` sets this for every srun of the job, which then knows no function and no token's path."""
    code, words = job.run("smiles", SLURM_EXPORT_ENV="NONE", SLURM_NNODES="2")
    assert code == 0, words
    assert len(job.calls("ray")) == 2


def test_each_node_is_known_by_the_address_that_slurm_has_for_it(job):
    assert job.run("smiles", SLURM_NNODES="3")[0] == 0
    assert [options(call)["node-ip-address"] for call in sorted(job.calls("ray"))] == [
        "10.0.0.1",
        "10.0.0.2",
        "10.0.0.3",
    ]


def test_a_loopback_is_no_address_for_others(job):
    """That of a machine's own name in /etc/hosts: Ray is left to find a better one."""
    assert job.run("smiles", ADDRESSES="127.0.1.")[0] == 0
    assert "node-ip-address" not in options(job.calls("ray")[0])


def test_what_the_study_writes_is_its_owners(job):
    assert job.run("smiles")[0] == 0
    assert stat.S_IMODE((job.fake / "runs").stat().st_mode) == 0o600


def test_the_exit_code_is_that_of_the_study(job):
    assert job.run("smiles", DRIVER_CODE="1")[0] == 1
    assert job.calls("scontrol") == []


@pytest.mark.parametrize(("life", "expected"), [("0", ["--extend", "3"]), ("1", [])])
def test_a_study_is_extended_once(job, life, expected):
    assert job.run("smiles", "--extend", "3", "--seeds", "2", SLURM_RESTART_COUNT=life)[0] == 0
    assert driver(job)[0] == ["run", "smiles", *expected, "--seeds", "2", "--resume"]


def test_other_verbs_go_on_by_themselves(job):
    assert job.run("--verb", "promote", "smiles", "--refit-seeds", "3")[0] == 0
    assert driver(job)[0] == ["promote", "smiles", "--refit-seeds", "3"]


def test_a_ray_that_dies_ends_the_job_and_says_where_its_words_are(job):
    code, words = job.run("smiles", HEAD="dies")
    assert code == 2
    assert f"Ray has ended before its head answers. Its words are in {job.checkout}/runs/slurm/{job.number}." in words
    assert not (job.fake / "driver").exists()


@pytest.mark.parametrize("given", [(), ("--resume",), ("--verb",), ("--verb", "promote")])
def test_a_study_has_to_be_named(job, given):
    code, words = job.run(*given)
    assert code == 2
    assert "No study is named: sbatch cluster/slurm/study.sbatch STUDY [OPTIONS]" in words


def test_elsewhere_than_in_a_checkout_it_says_what_to_do(job):
    (job.checkout / "tune.py").unlink()
    code, words = job.run("smiles")
    assert code == 2
    assert f"{job.checkout} is no checkout of fertune after `make setup`." in words


def test_a_folder_of_another_user_is_not_used(job):
    folder = Path(f"/tmp/fertune-{job.number}")
    folder.symlink_to(job.fake)
    try:
        code, words = job.run("smiles")
        assert code == 2
        assert f"{folder} on this node is another user's: remove it." in words
        assert (job.fake / "state").exists()
    finally:
        folder.unlink()


def test_it_never_stops_or_joins_another_ray():
    text = SBATCH.read_text()
    commands = [line for line in text.splitlines() if not line.strip().startswith("#")]
    assert not [
        line for line in commands if re.search(r"\bray stop\b|symmetric-run|\bp?kill(all)? -f\b|address=auto", line)
    ]
    assert {"#SBATCH --signal=B:TERM@60", "#SBATCH --requeue"} <= set(text.splitlines())
