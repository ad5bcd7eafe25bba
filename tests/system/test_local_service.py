"""Ray and MLflow as a service of one machine: one cycle of `up` and `down` with the real servers."""

import contextlib
import dataclasses
import json
import os
import shlex
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from cluster.local import processes
from cluster.local.asking import HOST, answer, basic, bearer
from cluster.local.processes import Process
from cluster.local.record import Ports, Record, load
from tests.conftest import ROOT
from tests.support.ray_head import WITH_RAY, free_ports, wait_until

pytestmark = WITH_RAY
JOB = """
import os, sys, time, signal, subprocess
from urllib.parse import urlsplit
from mlflow import MlflowClient
client = MlflowClient()
run = client.create_run(client.create_experiment("from-a-job"))
client.log_metric(run.info.run_id, "answer", 42.0)
print("tracks to", urlsplit(os.environ["MLFLOW_TRACKING_URI"]).netloc, "home", os.environ["FERTUNE_HOME"], flush=True)
"""
LONG_JOB = """
import signal, subprocess, sys, time
def end(*_):
    open(sys.argv[1] + ".saved", "w").close()
    sys.exit(1)
signal.signal(signal.SIGTERM, end)
child = subprocess.Popen(["sleep", "600"], start_new_session=True)
open(sys.argv[1], "w").write(str(child.pid))
time.sleep(600)
"""


class Machine:
    """A person's machine: a home of their own, ports of their own, nothing of ours in the environment."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.home = folder, folder / "runs"
        ray, dashboard, mlflow = free_ports(3)
        self.ports = Ports(ray=ray, dashboard=dashboard, mlflow=mlflow)
        (folder / "person").mkdir(parents=True)
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("RAY_", "MLFLOW_", "FERTUNE_", "PYTHONPATH"))}
        self.environment = kept | {"HOME": str(folder / "person"), "FERTUNE_HOME": str(self.home)}

    def call(self, *arguments: str, seconds: float = 200.0) -> subprocess.CompletedProcess[str]:
        return self.shell(shlex.join([sys.executable, "-m", "cluster.local", *arguments]), seconds)

    def shell(self, line: str, seconds: float = 60.0) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            line, shell=True, cwd=ROOT, env=self.environment, capture_output=True, text=True, timeout=seconds
        )

    def up(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        chosen = [f"--{name}-port={port}" for name, port in dataclasses.asdict(self.ports).items()]
        return self.call("up", *chosen, "--num-cpus=2", "--num-gpus=0", "--timeout=180", *arguments)

    def submit(self, *arguments: str) -> str:
        """The printed command, with another job in it."""
        printed = self.call("status").stdout.splitlines()[-1].removeprefix("Submit a job").strip()
        assert printed.endswith(" -- python tune.py")
        return printed.removesuffix(" -- python tune.py") + " " + shlex.join(arguments)

    @property
    def record(self) -> Record:
        return load(self.home / "service")

    def everybody(self) -> set[Process]:
        families = self.record.running.families
        return set().union(*(processes.members(family) for family in families.values()))


@pytest.fixture(scope="module")
def machine(tmp_path_factory):
    machine = Machine(tmp_path_factory.mktemp("a folder with a blank"))
    done = machine.up()
    try:
        assert done.returncode == 0, done.stdout + done.stderr
        machine.printed = done.stdout
        yield machine
    finally:
        machine.call("down", seconds=100)


def test_up_says_where_everything_is_and_both_answer(machine):
    assert f"MLflow         http://127.0.0.1:{machine.ports.mlflow}  " in machine.printed
    assert f"Ray dashboard  http://127.0.0.1:{machine.ports.dashboard}  " in machine.printed
    found = json.loads(machine.call("status", "--json").stdout)
    assert found["up"]
    assert found["submit"] in machine.printed
    told = machine.shell(f'eval "$({shlex.quote(sys.executable)} -m cluster.local env)"; echo $MLFLOW_TRACKING_URI')
    assert told.stdout == f"http://127.0.0.1:{machine.ports.mlflow}\n"


def test_strangers_are_refused(machine):
    mlflow, ray = f"http://{HOST}:{machine.ports.mlflow}", f"http://{HOST}:{machine.ports.dashboard}"
    search = f"{mlflow}/api/2.0/mlflow/experiments/search?max_results=1"
    assert answer(search)[0] == 401
    assert answer(search, basic("admin", "password1234"))[0] == 401
    assert answer(search, basic("admin", machine.record.secrets.mlflow_password))[0] == 200
    assert answer(f"{ray}/api/jobs/")[0] == 401
    assert answer(f"{ray}/api/jobs/", bearer("0" * 64))[0] in (401, 403)


def test_everything_listens_on_loopback_only(machine):
    sockets = set()
    for process in machine.everybody():
        with contextlib.suppress(OSError):
            for descriptor in Path(f"/proc/{process.pid}/fd").iterdir():
                with contextlib.suppress(OSError):
                    sockets.add(os.readlink(descriptor))
    listening = []
    for name in ("tcp", "tcp6"):
        for line in Path("/proc/net", name).read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and f"socket:[{fields[9]}]" in sockets:
                listening.append(fields[1].rpartition(":")[0])
    assert len(listening) >= 5
    assert {address[-8:] for address in listening} == {"0100007F"}, listening  # 127.0.0.1, or ::ffff:127.0.0.1


def test_a_job_tracks_to_the_service(machine):
    (machine.folder / "job.py").write_text(JOB)
    done = machine.shell(machine.submit("--", "python", str(machine.folder / "job.py")), 120)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"tracks to 127.0.0.1:{machine.ports.mlflow} home {machine.home}" in done.stdout
    url = f"http://{HOST}:{machine.ports.mlflow}/api/2.0/mlflow/experiments/get-by-name?experiment_name=from-a-job"
    _, found = answer(url, basic("admin", machine.record.secrets.mlflow_password))
    assert found["experiment"]["artifact_location"].startswith("mlflow-artifacts:/")
    assert not (machine.folder / "person" / ".ray").exists()


def test_who_has_a_token_of_another_cluster_submits_with_the_same_words(machine):
    other = machine.folder / "person" / ".ray" / "auth_token"
    other.parent.mkdir()
    other.write_text("f" * 64)
    line = machine.submit().replace(" submit ", " list ").partition(" --working-dir")[0]
    done = machine.shell(f"RAY_AUTH_TOKEN={'e' * 64} RAY_ADDRESS=http://127.0.0.1:1 {line}")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "SUCCEEDED" in done.stdout
    assert other.read_text() == "f" * 64


def test_passwords_are_in_one_file_and_on_no_command_line(machine):
    folder = machine.home / "service"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    secrets = [value.encode() for value in dataclasses.asdict(machine.record.secrets).values()]
    assert all(len(secret) >= 32 for secret in secrets)
    files = [path for base in (folder, machine.record.running.ray_folder) for path in base.rglob("*")]
    telling = {path for path in files if path.is_file() and any(s in path.read_bytes() for s in secrets)}
    assert telling == {folder / "service.json", folder / "ray_token"}  # Ray reads its token from a file of its own
    assert {stat.S_IMODE(path.stat().st_mode) for path in telling} == {0o600}
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            assert not any(secret in path.read_bytes() for secret in secrets), path


def test_up_again_changes_nothing(machine):
    before = (machine.home / "service" / "service.json").read_bytes()
    done = machine.call("up")
    assert done.returncode == 0, done.stderr
    assert "Starting" not in done.stdout
    assert done.stdout.splitlines()[-3:] == machine.printed.splitlines()[-3:]
    assert (machine.home / "service" / "service.json").read_bytes() == before
    other = machine.call("up", f"--mlflow-port={free_ports(1)[0]}")
    assert other.returncode == 2
    assert f"The service is up with --mlflow-port {machine.ports.mlflow}" in other.stderr


def test_down_saves_jobs_stops_everything_and_nothing_else(machine, stranger):
    script, mark = machine.folder / "long.py", machine.folder / "job.pid"
    script.write_text(LONG_JOB)
    done = machine.shell(machine.submit("--no-wait", "--", "python", str(script), str(mark)))
    assert done.returncode == 0, done.stdout + done.stderr
    wait_until(lambda: mark.exists() and mark.read_text(), 60)
    everybody, ray_folder = machine.everybody(), machine.record.running.ray_folder
    assert processes.identify(int(mark.read_text())) in everybody

    done = machine.call("down", seconds=100)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-2:] == ["Ray is stopped.", "MLflow is stopped."]
    assert not {process for process in everybody if processes.is_alive(process)}
    assert Path(f"{mark}.saved").exists()
    assert stranger.poll() is None
    assert not ray_folder.exists()
    assert list((machine.home / "service" / "ray_logs").glob("job-driver-*.log"))
    with socket.socket() as probe:
        assert probe.connect_ex((HOST, machine.ports.mlflow)) != 0

    again = machine.call("down")
    assert (again.returncode, again.stdout) == (0, f"Nothing of the service under {machine.home} is running.\n")
    assert machine.call("status").returncode == 1
    assert machine.record.running is None
