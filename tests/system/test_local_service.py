"""Ray and MLflow as a service of one machine: one cycle of `up` and `down` with the real servers."""

import dataclasses
import json
import shlex
import shutil
import socket
import stat
import sys
from pathlib import Path

import pytest

from cluster.core.ports import free_ports
from cluster.local import processes
from cluster.local.asking import HOST, answer, basic, bearer
from tests.support.ray_head import WITH_RAY, wait_until
from tests.support.servers import doors
from tests.support.servers.local import Machine
from tests.support.servers.secrets import of_the_checkout, where_it_is

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
    found = doors.listening(process.pid for process in machine.everybody())
    assert len(found) >= 5
    assert {address.removeprefix("::ffff:") for address, _ in found} == {HOST}, found


def test_no_port_of_ray_answers_without_the_token(machine):
    """Every port that there is, whatever it is for, is asked everything."""
    mark, token = machine.folder / "a stranger was here", machine.record.secrets.ray_token
    ports = [port for _, port in doors.listening(process.pid for process in machine.everybody())]
    assert doors.open_to_strangers(ports, mark) == set()
    assert not mark.exists()
    asked = {*doors.GRPC[:4], "GET /api/jobs/", "GET /api/v0/actors"}
    assert asked <= doors.open_to_owner(ports, token), "these are the doors"


def test_no_page_of_mlflow_answers_without_the_password_and_no_path_leaves_its_folder(machine):
    port, password = machine.ports.mlflow, machine.record.secrets.mlflow_password
    for headers in ({}, basic("admin", "password1234"), basic("admin", ""), basic("", password)):
        said = {door: doors.by_http(port, door, headers)[0] for door in doors.HTTP_OF_MLFLOW}
        assert set(said.values()) == {401}, said
    files = "/api/2.0/mlflow-artifacts/artifacts"
    assert doors.by_http(port, f"GET {files}?path=", basic("admin", password))[0] == 200
    for way in doors.WAYS_OUT:
        for door in (f"GET {files}/{way}", f"GET {files}?path={way}", f"GET /get-artifact?run_uuid=a&path={way}"):
            status, content = doors.by_http(port, door, basic("admin", password))
            assert password.encode() not in content, door
            # A refusal repeats the path; a listing of the folder above would be an answer.
            assert status in range(400, 500) or b"service.json" not in content, (door, status, content)


def test_prometheus_measures_ray(machine):
    """The machine's own, which is part of the service where it is installed."""
    assert shutil.which("prometheus"), "This test starts Prometheus: make test-system installs it."
    assert f"Prometheus     http://127.0.0.1:{machine.ports.prometheus}  " in machine.printed

    def measured(query):
        _, found = answer(f"http://{HOST}:{machine.ports.prometheus}/api/v1/query?query={query}")
        return {float(one["value"][1]) for one in found["data"]["result"]} if found else set()

    wait_until(lambda: measured("up") == {1.0}, 90, lambda: str(measured("up")))
    wait_until(lambda: measured("ray_node_cpu_count"), 90)


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
    secrets = list(dataclasses.asdict(machine.record.secrets).values())
    assert all(len(secret) >= 32 for secret in secrets)
    telling = set().union(*(where_it_is(one, [folder, machine.record.running.ray_folder]) for one in secrets))
    assert telling == {folder / "service.json", folder / "ray_token"}  # Ray reads its token from a file of its own
    assert {stat.S_IMODE(path.stat().st_mode) for path in telling} == {0o600}


def test_a_study_leaves_no_secret_where_others_read(machine):
    """Not in its ledger, its logs and MLflow, nor in the description of its job, the checkout or a command line."""
    study = ("python", "tune.py", "run", "demo", "--smoke", "--no-baselines", "--num-samples", "1")
    done = machine.shell(machine.submit("--", *study), 300)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (machine.home / "demo-smoke" / "ledger.jsonl").exists()
    port, secrets = machine.ports.dashboard, machine.record.secrets
    status, jobs = doors.by_http(port, "GET /api/jobs/", bearer(secrets.ray_token))
    assert status == 200
    assert b"demo --smoke" in jobs
    service = machine.home / "service"
    for name, secret in dataclasses.asdict(secrets).items():
        own = {"ray_token": {service / "service.json", service / "ray_token"}}.get(name, {service / "service.json"})
        places = [machine.home, machine.record.running.ray_folder, machine.folder / "person", *of_the_checkout()]
        assert where_it_is(secret, places) == own, name
        assert secret not in jobs.decode() + done.stdout + done.stderr


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
