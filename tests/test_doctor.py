"""`doctor` names what is wrong and the mend; what is well is said to be."""

import json
import socket
from pathlib import Path

import pytest
from typer.testing import CliRunner

import tune
from tuning import doctor


@pytest.fixture(autouse=True)
def _healthy(tmp_path, monkeypatch):
    for name in ("RAY_ADDRESS", "RAY_AUTH_MODE", "MLFLOW_TRACKING_URI"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("FERTUNE_HOME", str(tmp_path / "runs"))
    monkeypatch.setenv("HOME", str(tmp_path))


def mends() -> dict[str, str]:
    return {finding.name: finding.mend for finding in doctor.examine() if finding.mend}


def test_a_healthy_machine_has_nothing_to_mend(tmp_path):
    assert mends() == {}
    done = CliRunner().invoke(tune.app, ["doctor", "--json"])
    assert done.exit_code == 0
    found = {row["name"]: row["found"] for row in map(json.loads, done.stdout.splitlines())}
    assert found["home"].startswith(f"{tmp_path / 'runs'}, ")
    assert not (tmp_path / "runs").exists()  # it looks, and changes nothing


def test_a_home_that_cannot_be_written_is_named(monkeypatch):
    monkeypatch.setenv("FERTUNE_HOME", "/proc/nowhere")
    assert mends() == {"home": "Set $FERTUNE_HOME to a folder that can be written."}
    done = CliRunner().invoke(tune.app, ["doctor"])
    assert done.exit_code == 1
    assert "mend  home: /proc/nowhere" in done.stdout


def test_little_room_is_named(monkeypatch):
    monkeypatch.setattr(doctor, "LEAST_DISK_GIB", 1e9)
    monkeypatch.setattr(doctor, "LEAST_SHARED_MIB", 1e9)
    assert set(mends()) == {"home", "shared memory"}


def test_servers_that_do_not_answer_are_named(monkeypatch):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://user:secret@127.0.0.1:{port}")
    monkeypatch.setenv("RAY_ADDRESS", f"127.0.0.1:{port}")
    found = {finding.name: finding for finding in doctor.examine()}
    assert "unset MLFLOW_TRACKING_URI" in found["mlflow"].mend
    assert "secret" not in str(found)
    assert found["ray"].found == f"127.0.0.1:{port} does not answer: Connection refused"


def test_a_token_that_would_not_be_sent_is_named(tmp_path, monkeypatch):
    token = Path(tmp_path) / ".ray" / "auth_token"
    token.parent.mkdir()
    token.write_text("0123")
    assert mends() == {"ray token": "export RAY_AUTH_MODE=token"}
    monkeypatch.setenv("RAY_AUTH_MODE", "token")
    assert mends() == {}
