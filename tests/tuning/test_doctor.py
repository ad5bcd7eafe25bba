"""`doctor` names what is wrong and the fix; what is well is said to be."""

import json
import socket
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from tests.support.command import call
from tests.support.mlflow_store import new_store
from tests.support.sample_study import write_sample
from trainables.core.training.timing import reference
from tuning import doctor


@pytest.fixture(autouse=True)
def _healthy(tmp_path, monkeypatch):
    for name in (
        "RAY_ADDRESS",
        "RAY_AUTH_MODE",
        "RAY_AUTH_TOKEN",
        "RAY_AUTH_TOKEN_PATH",
        "MLFLOW_TRACKING_URI",
        "MLFLOW_REGISTRY_URI",
    ):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("FERTUNE_HOME", str(tmp_path / "runs"))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("RAY_TMPDIR", "/tmp")
    monkeypatch.setattr(reference, "measured_here", lambda: [("cpu", 0.008, True)])  # half a minute beside other tests


def fixes() -> dict[str, str]:
    return {finding.name: finding.fix for finding in doctor.doctor() if finding.fix}


def test_a_healthy_machine_has_nothing_to_fix(tmp_path):
    assert fixes() == {}
    done = call("doctor", "--json")
    assert done.exit_code == 0
    found = {row["name"]: row["found"] for row in map(json.loads, done.stdout.splitlines())}
    assert found["home"].startswith(f"{tmp_path / 'runs'}, ")
    assert [path.name for path in (tmp_path / "runs").iterdir()] == [
        "idle_times.json"
    ]  # else it looks, and changes nothing
    assert " ms" in found["idle times"]


def test_a_home_that_cannot_be_written_is_named(monkeypatch):
    monkeypatch.setenv("FERTUNE_HOME", "/proc/nowhere")
    assert fixes() == {"home": "Set $FERTUNE_HOME to a folder that can be written."}
    done = call("doctor")
    assert done.exit_code == 1
    assert "fix  home: /proc/nowhere" in done.stdout


def test_little_room_is_named(monkeypatch):
    monkeypatch.setattr(doctor, "LEAST_DISK_GIB", 1e9)
    monkeypatch.setattr(doctor, "LEAST_SHARED_MIB", 1e9)
    assert set(fixes()) == {"home", "shared memory"}


def test_the_home_that_is_given_is_looked_at(tmp_path):
    write_sample(tmp_path / "theirs")
    found = {finding.name: finding.found for finding in doctor.doctor(home=tmp_path / "theirs")}
    assert found["home"].startswith(str(tmp_path / "theirs"))
    assert str(tmp_path / "theirs") in found["mlflow"]
    assert any("smiles" in words or "1 study" in words for words in found.values())


def test_a_home_that_cannot_be_told_is_a_finding_and_the_rest_is_looked_at(monkeypatch):
    monkeypatch.setenv("FERTUNE_HOME", "~nosuchuser_x/y")
    found = {finding.name: finding for finding in doctor.doctor()}
    assert "~nosuchuser_x/y has no meaning here" in found["home"].found
    assert found["home"].fix
    assert not found["python"].fix


def test_servers_that_do_not_answer_are_named(monkeypatch):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://user:secret@127.0.0.1:{port}")
    monkeypatch.setenv("RAY_ADDRESS", f"127.0.0.1:{port}")
    found = {finding.name: finding for finding in doctor.doctor()}
    assert "unset MLFLOW_TRACKING_URI" in found["mlflow"].fix
    assert "secret" not in str(found)
    assert found["ray"].found == f"127.0.0.1:{port} does not answer: Connection refused"


def test_a_registry_that_does_not_answer_is_named_and_nobody_else(monkeypatch):
    monkeypatch.setenv("MLFLOW_REGISTRY_URI", "http://ada:s3cret@127.0.0.1:9")
    (found,) = [finding for finding in doctor.doctor() if finding.fix]
    assert (found.name, found.found[:38]) == ("mlflow registry", "http://127.0.0.1:9 does not answer: AP")
    assert found.fix == "Start that server, or unset MLFLOW_REGISTRY_URI. `promote` and `predict` need it."
    assert "s3cret" not in str(found)


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("ray://127.0.0.1:10001", "is for `ray job submit` or Ray Client; a study joins Ray itself, at HOST:PORT"),
        ("localhost", "is not HOST:PORT, such as 10.0.0.1:6379"),
    ],
)
def test_an_address_that_no_study_can_join_is_not_ok(monkeypatch, address, said):
    monkeypatch.setenv("RAY_ADDRESS", address)
    (found,) = [finding for finding in doctor.doctor() if finding.fix]
    assert found.found.startswith(f"{address} {said}")
    assert found.fix.startswith("Start it with `ray start --head`")


def test_who_answers_and_is_no_ray_is_not_ok(monkeypatch):
    with HTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv("RAY_ADDRESS", f"127.0.0.1:{server.server_port}")
        assert set(fixes()) == {"ray"}
        server.shutdown()


def test_a_folder_in_which_no_ray_can_start_is_named(monkeypatch):
    monkeypatch.setenv("RAY_TMPDIR", f"/tmp/{'a' * 100}")
    assert fixes() == {"ray": "Set RAY_TMPDIR to a short path that can be written, such as /tmp."}


def test_a_store_in_a_home_of_any_name_is_found(monkeypatch, tmp_path):
    monkeypatch.setenv("FERTUNE_HOME", str(tmp_path / "a?b%20c"))
    assert fixes() == {}
    (tmp_path / "a?b%20c").mkdir(exist_ok=True)
    new_store(tmp_path / "a?b%20c")
    found = {finding.name: finding for finding in doctor.doctor()}
    assert found["mlflow"].found.endswith("/a%3Fb%2520c/mlflow.db answers")


def test_a_token_that_would_not_be_sent_is_named(tmp_path, monkeypatch):
    token = Path(tmp_path) / ".ray" / "auth_token"
    token.parent.mkdir()
    token.write_text("0123")
    assert fixes() == {"ray token": "export RAY_AUTH_MODE=token"}
    monkeypatch.setenv("RAY_AUTH_MODE", "token")
    assert fixes() == {}


@pytest.mark.parametrize("variable", [None, "RAY_AUTH_TOKEN_PATH"])
def test_a_token_that_is_to_be_sent_and_is_not_there_is_named(tmp_path, monkeypatch, variable):
    monkeypatch.setenv("RAY_AUTH_MODE", "token")
    token = tmp_path / ".ray" / "auth_token"
    if variable:
        token = tmp_path / "given"
        monkeypatch.setenv(variable, str(token))
    (found,) = [finding for finding in doctor.doctor() if finding.name == "ray token"]
    assert found.found == f"RAY_AUTH_MODE is token, and there is no token in {token}"
    assert found.fix.startswith("Set RAY_AUTH_MODE=token, with the cluster's token in ~/.ray/auth_token")
    token.parent.mkdir(exist_ok=True)
    token.touch()
    assert set(fixes()) == {"ray token"}  # an empty file holds none
    token.write_text("0123")
    assert fixes() == {}


def test_a_token_of_the_environment_is_enough(monkeypatch):
    monkeypatch.setenv("RAY_AUTH_MODE", "token")
    monkeypatch.setenv("RAY_AUTH_TOKEN", "0123")
    found = {finding.name: finding.found for finding in doctor.doctor()}
    assert found["ray token"] == "that of RAY_AUTH_TOKEN, and RAY_AUTH_MODE=token"


@pytest.mark.slow
@pytest.mark.parametrize("package", ["torch", "mlflow"])
def test_a_package_that_cannot_be_imported_is_a_finding_and_the_rest_is_looked_at(monkeypatch, tmp_path, package):
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / "mlflow.db").touch()
    before = [finding.name for finding in doctor.doctor()]
    monkeypatch.setitem(sys.modules, package, None)
    name = {"torch": "devices", "mlflow": "mlflow"}[package]
    assert [finding.name for finding in doctor.doctor()] == before
    assert fixes() == {name: "Run `make setup`, which installs every package again."}
    done = call("doctor")
    assert done.exit_code == 1
    assert f"fix  {name}: cannot be checked (ModuleNotFoundError: " in done.stdout


def test_a_look_that_fails_in_any_other_way_is_a_finding(monkeypatch):
    monkeypatch.setattr(doctor, "_shared_memory", lambda: {}["size"])
    found = {finding.name: finding.found for finding in doctor.doctor()}
    assert found["shared memory"] == "cannot be checked (KeyError: 'size')"


def test_an_mlflow_that_wants_a_password_is_not_said_to_be_away(monkeypatch):
    class Refusing(BaseHTTPRequestHandler):
        def do_POST(self):
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(401)
            self.end_headers()
            self.wfile.write(b"You are not authenticated.")

        def log_message(self, *_):
            pass

    with HTTPServer(("127.0.0.1", 0), Refusing) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{server.server_port}")
        (found,) = [finding for finding in doctor.doctor() if finding.name == "mlflow"]
        server.shutdown()
        thread.join()
    assert f"{server.server_port} refuses this shell: " in found.found
    assert found.fix.startswith("Set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD; for what `make up` started")
