"""Ray and MLflow as a service of one machine: one cycle of `up` and `down`, and the accidents with stand-ins for both."""

import contextlib
import dataclasses
import json
import os
import shlex
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from filelock import FileLock

from cluster.local import parts, processes, service
from cluster.local.asking import HOST, answer, basic, bearer
from cluster.local.processes import Family, Process, ServiceError
from cluster.local.record import Ports, Record, Running, boot_id, load, new_secrets, save
from tests.conftest import ROOT

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


def free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind((HOST, 0))
        return [one.getsockname()[1] for one in sockets]


def until(condition, seconds: float = 30.0):
    """The first true answer of `condition`; fails after `seconds`."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := condition():
            return found
        time.sleep(0.05)
    raise AssertionError(f"{condition} is not true after {seconds} s")


@pytest.fixture
def stranger():
    """A process that is none of the service's business, in a session of its own."""
    process = subprocess.Popen(["sleep", "600"], start_new_session=True)
    yield process
    process.kill()
    process.wait()


class Machine:
    """A person's machine: a home of their own, ports of their own, nothing of ours in the environment."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.home = folder, folder / "runs"
        ray, dashboard, mlflow = free_ports(3)
        self.ports = Ports(ray=ray, dashboard=dashboard, mlflow=mlflow)
        (folder / "person").mkdir(parents=True)
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("RAY_", "MLFLOW_", "FERTUNE_", "PYTHONPATH"))}
        self.environment = kept | {"HOME": str(folder / "person"), "FERTUNE_HOME": str(self.home)}

    def call(self, *words: str, seconds: float = 200.0) -> subprocess.CompletedProcess[str]:
        return self.shell(shlex.join([sys.executable, "-m", "cluster.local", *words]), seconds)

    def shell(self, line: str, seconds: float = 60.0) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            line, shell=True, cwd=ROOT, env=self.environment, capture_output=True, text=True, timeout=seconds
        )

    def up(self, *words: str) -> subprocess.CompletedProcess[str]:
        chosen = [f"--{name}-port={port}" for name, port in dataclasses.asdict(self.ports).items()]
        return self.call("up", *chosen, "--num-cpus=2", "--num-gpus=0", "--timeout=180", *words)

    def submit(self, *words: str) -> str:
        """The printed command, with another job in it."""
        printed = self.call("status").stdout.splitlines()[-1].removeprefix("Submit a job").strip()
        assert printed.endswith(" -- python tune.py")
        return printed.removesuffix(" -- python tune.py") + " " + shlex.join(words)

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
        machine.words = done.stdout
        yield machine
    finally:
        machine.call("down", seconds=100)


def test_up_says_where_everything_is_and_both_answer(machine):
    assert f"MLflow         http://127.0.0.1:{machine.ports.mlflow}  " in machine.words
    assert f"Ray dashboard  http://127.0.0.1:{machine.ports.dashboard}  " in machine.words
    found = json.loads(machine.call("status", "--json").stdout)
    assert found["up"]
    assert found["submit"] in machine.words
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
    assert done.stdout.splitlines()[-3:] == machine.words.splitlines()[-3:]
    assert (machine.home / "service" / "service.json").read_bytes() == before
    other = machine.call("up", f"--mlflow-port={free_ports(1)[0]}")
    assert other.returncode == 2
    assert f"The service is up with --mlflow-port {machine.ports.mlflow}" in other.stderr


def test_down_saves_jobs_stops_everything_and_nothing_else(machine, stranger):
    script, mark = machine.folder / "long.py", machine.folder / "job.pid"
    script.write_text(LONG_JOB)
    done = machine.shell(machine.submit("--no-wait", "--", "python", str(script), str(mark)))
    assert done.returncode == 0, done.stdout + done.stderr
    until(lambda: mark.exists() and mark.read_text(), 60)
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


# From here on without Ray and MLflow.


@pytest.fixture
def family(tmp_path):
    """Start a shell line as a service would be started; whoever is left is stopped at the end."""
    begun = []

    def start(line: str) -> Family:
        new = Family(mark=os.urandom(8).hex(), folder=tmp_path)
        log = tmp_path / f"{len(begun)}.log"
        begun.append(processes.start(["sh", "-c", line], environment=dict(os.environ), family=new, log=log))
        until(lambda: "ready" in log.read_text())
        return begun[-1]

    yield start
    for one in begun:
        processes.stop(one, patience_s=0.1)


def test_stop_reaches_those_who_left_the_session(family, stranger):
    ours, other = family("setsid sleep 600 & echo ready; exec sleep 600"), family("echo ready; exec sleep 600")
    found = until(lambda: len(seen := processes.members(ours)) == 2 and seen)
    assert processes.stop(ours)
    assert not any(processes.is_alive(process) for process in found)
    assert not processes.stop(ours)
    assert processes.is_alive(other.leader)
    assert stranger.poll() is None


def test_stop_ends_who_will_not_listen(family):
    ours = family("trap '' TERM; echo ready; while :; do sleep 0.2; done")
    assert processes.stop(ours, patience_s=0.5)
    assert not processes.members(ours)


def test_a_killed_leader_does_not_hide_those_it_left_behind(family, stranger):
    ours = family("env -i sleep 600 & (cd / && exec env -i sleep 601) & echo ready; exec sleep 602")
    found = until(lambda: len(seen := processes.members(ours)) == 3 and seen)
    os.kill(ours.leader.pid, signal.SIGKILL)
    until(lambda: not processes.is_alive(ours.leader))
    left = processes.members(ours)
    elsewhere = found - left - {ours.leader}  # in the session, not in the folder: perhaps a stranger's by now
    assert len(left) == len(elsewhere) == 1
    assert processes.stop(ours)
    assert [processes.is_alive(process) for process in elsewhere] == [True]
    os.kill(next(iter(elsewhere)).pid, signal.SIGKILL)


def test_a_number_that_was_given_to_a_stranger_is_left_alone(tmp_path, stranger):
    now = processes.identify(stranger.pid)
    before = Family(mark="a" * 32, folder=tmp_path, leader=Process(now.pid, now.start - 1))
    assert not processes.is_alive(before.leader)
    assert processes.members(before) == set()
    assert not processes.stop(before)
    assert stranger.poll() is None


def recorded(home: Path, leader: Process, **changes) -> Path:
    """A record of a service that once ran, its two servers being `leader`."""
    folder = home / "service"
    folder.mkdir(parents=True)
    families = {name: Family(mark=name * 8, folder=folder, leader=leader) for name in service.NAMES}
    running = Running(ports=Ports(), ray_folder=folder / "ray", boot_id=boot_id(), families=families)
    save(folder, Record(secrets=new_secrets(), running=dataclasses.replace(running, **changes)))
    return folder


def test_a_record_of_before_a_restart_kills_nobody(tmp_path, stranger):
    folder = recorded(tmp_path, processes.identify(stranger.pid), boot_id="another life")
    said = []
    assert service.status(tmp_path) is None
    assert not service.down(tmp_path, said.append)
    assert "restarted" in said[0]
    assert stranger.poll() is None
    assert load(folder).running is None


def test_a_record_of_processes_that_ended_kills_nobody(tmp_path, stranger):
    now = processes.identify(stranger.pid)
    folder = recorded(tmp_path, Process(now.pid, now.start - 1))
    assert service.status(tmp_path).healthy == {"mlflow": False, "ray": False}
    assert not service.down(tmp_path, print)
    assert stranger.poll() is None
    assert load(folder).running is None


def test_the_record_is_its_owners_only_and_comes_back_as_it_was(tmp_path, stranger):
    umask = os.umask(0)
    try:
        folder = recorded(tmp_path, processes.identify(stranger.pid))
        path = folder / "service.json"
        first = load(folder)
        save(folder, first)
    finally:
        os.umask(umask)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert load(folder) == first
    assert [entry.name for entry in folder.iterdir()] == ["service.json"]
    path.write_text("{}")
    with pytest.raises(ServiceError, match="damaged"):
        load(folder)


@pytest.fixture
def stand_ins(tmp_path, monkeypatch):
    """Programs called `ray` and `mlflow` that never answer; `lines` are theirs, to be changed before `up`."""
    lines = {"ray": "exec sleep 600", "mlflow": "exec sleep 600"}
    monkeypatch.setattr(parts, "BIN", tmp_path)

    def up(**options) -> service.Service:
        for name, line in lines.items():
            (tmp_path / name).write_text(f"#!/bin/sh\n{line}\n")
            (tmp_path / name).chmod(0o755)
        ray, dashboard, mlflow = free_ports(3)
        wanted = {"ray": ray, "dashboard": dashboard, "mlflow": mlflow} | options.pop("wanted", {})
        return service.up(tmp_path, lambda text: None, wanted=wanted, **options)

    return lines, up


def test_a_server_that_ends_at_once_is_quoted_and_the_other_is_stopped(tmp_path, stand_ins):
    lines, up = stand_ins
    lines["ray"] = f"sleep 600 & echo $! > {tmp_path}/other; wait"
    lines["mlflow"] = f"while ! [ -s {tmp_path}/other ]; do sleep 0.1; done; echo no room on the disk; exit 3"
    with pytest.raises(ServiceError, match=r"(?s)MLflow ended before it answered.*no room on the disk"):
        up(patience_s=60)
    assert processes.identify(int((tmp_path / "other").read_text())) is None
    assert load(tmp_path / "service").running is None


def test_a_server_that_never_answers_is_waited_for_so_long_and_no_longer(tmp_path, stand_ins):
    _, up = stand_ins
    with pytest.raises(ServiceError, match=r"MLflow does not answer at http://127.0.0.1:\d+ after 0 s"):
        up(patience_s=0.2)
    assert load(tmp_path / "service").running is None


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_up_leaves_nobody(tmp_path, stand_ins, number):
    _, up = stand_ins
    seen = []

    def interrupt() -> None:
        def started() -> list[Family] | None:
            record = load(tmp_path / "service") if (tmp_path / "service").exists() else None
            families = list(record.running.families.values()) if record and record.running else []
            return families if families and all(family.leader for family in families) else None

        seen.extend(until(started))
        os.kill(os.getpid(), number)

    thread = threading.Thread(target=interrupt)
    thread.start()
    with pytest.raises(KeyboardInterrupt):
        up(patience_s=60)
    thread.join()
    assert len(seen) == 2
    assert not any(processes.members(family) for family in seen)
    assert load(tmp_path / "service").running is None


def test_a_port_in_use_is_a_sentence_with_the_way_out(tmp_path, stand_ins):
    _, up = stand_ins
    with socket.socket() as taken:
        taken.bind((HOST, 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(ServiceError, match=rf"Port {port} is in use.*--dashboard-port.*\$FERTUNE_DASHBOARD_PORT"):
            up(wanted={"dashboard": port})
    with pytest.raises(ServiceError, match="a port of its own"):
        up(wanted={"dashboard": port, "mlflow": port})
    assert not (tmp_path / "service" / "ray.log").exists()


def test_one_at_a_time(tmp_path, stand_ins):
    _, up = stand_ins
    (tmp_path / "service").mkdir()
    with FileLock(tmp_path / "service" / "lock"), pytest.raises(ServiceError, match="Another `up` or `down`"):
        up()


def test_users_without_their_password_are_a_sentence(tmp_path, stand_ins):
    _, up = stand_ins
    (tmp_path / "service").mkdir()
    (tmp_path / "service" / "users.db").touch()
    with pytest.raises(ServiceError, match=r"service\.json is gone"):
        up()


def test_the_head_takes_no_settings_from_a_shell_aimed_elsewhere(tmp_path, monkeypatch):
    for name in ("RAY_ADDRESS", "RAY_AUTH_TOKEN", "RAY_API_SERVER_ADDRESS", "MLFLOW_TRACKING_TOKEN"):
        monkeypatch.setenv(name, "elsewhere")
    record, folder = Record(secrets=new_secrets()), tmp_path / "service"
    head = parts.ray_head(folder, record, Ports(), folder / "ray", num_cpus=3, num_gpus=None)
    assert "elsewhere" not in head.environment.values()
    assert head.environment["FERTUNE_HOME"] == str(tmp_path)
    assert head.environment["PATH"].startswith(str(Path(sys.executable).parent))
    assert "--num-cpus=3" in head.command
    assert not [word for word in head.command if word.startswith("--num-gpus")]


def test_sockets_have_room_under_a_long_path(tmp_path):
    assert parts.new_ray_folder(Path("/home/me/runs/service")) == Path("/home/me/runs/service/ray")
    far = parts.new_ray_folder(Path("/", "deep" * 20, "service"))
    try:
        assert len(str(far)) < 36
        assert stat.S_IMODE(far.parent.stat().st_mode) == 0o700
    finally:
        far.parent.rmdir()
