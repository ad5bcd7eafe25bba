"""The accidents of a service of one machine, with stand-ins for Ray and MLflow; tests/system/ starts the real ones."""

import dataclasses
import errno
import functools
import os
import signal
import socket
import stat
import sys
import threading
from pathlib import Path

import pytest
from filelock import FileLock
from typer.testing import CliRunner

from cluster.core.ports import free_ports
from cluster.local import parts, processes, service
from cluster.local.__main__ import app
from cluster.local.asking import HOST
from cluster.local.processes import Family, Process, ServiceError
from cluster.local.record import Ports, Record, Running, boot_id, load, new_secrets, save
from tests.support.ray_head import wait_until

until = functools.partial(wait_until, every_s=0.05)  # what is waited for here takes a blink


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
    monkeypatch.setattr(service.metrics, "program", lambda: None)

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


def test_a_port_in_use_is_a_message_with_the_way_out(tmp_path, stand_ins):
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


def test_users_without_their_password_are_a_message(tmp_path, stand_ins):
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


def test_what_the_system_refuses_is_a_message_with_what_helps(tmp_path, monkeypatch):
    def refuse(home):
        raise PermissionError(errno.EACCES, "Permission denied", str(home / "service"))

    monkeypatch.setenv("FERTUNE_HOME", str(tmp_path))
    for command in ("down", "status", "env"):
        monkeypatch.setattr(service, "down", lambda home, say: refuse(home))
        monkeypatch.setattr(service, "status", refuse)
        done = CliRunner().invoke(app, [command])
        assert done.exit_code == 2
        assert done.stderr == (
            f"Error: {tmp_path / 'service'}: Permission denied. Set $FERTUNE_HOME to a folder that this user can write.\n"
        )


def test_sockets_have_room_under_a_long_path(tmp_path):
    assert parts.new_ray_folder(Path("/home/me/runs/service")) == Path("/home/me/runs/service/ray")
    far = parts.new_ray_folder(Path("/", "deep" * 20, "service"))
    try:
        assert len(str(far)) < 36
        assert stat.S_IMODE(far.parent.stat().st_mode) == 0o700
    finally:
        far.parent.rmdir()
