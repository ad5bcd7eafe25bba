"""Logs of the service are turned over under servers that go on writing, and no more are kept than said."""

import os

from cluster.local.logs import OF_RAY, rotate
from cluster.local.parts import ray_head
from cluster.local.processes import Family, members, start, stop
from cluster.local.record import Ports, Record, new_secrets
from tests.support.ray_head import wait_until


def test_a_small_log_stays_and_a_large_one_is_turned_over(tmp_path):
    log = tmp_path / "mlflow.log"
    assert not rotate(log)
    for words in ("first", "second", "third"):
        log.write_text(words)
        assert not rotate(log, max_bytes=6, backups=2) or words != "first"
        log.write_text(words + " and more")
        assert rotate(log, max_bytes=6, backups=2)
    assert log.read_text() == ""
    assert {path.name: path.read_text() for path in tmp_path.glob("*.*.*")} == {
        "mlflow.log.1": "third and more",
        "mlflow.log.2": "second and more",
    }


def test_a_server_goes_on_writing_where_its_log_was_emptied(tmp_path):
    log, go = tmp_path / "server.log", tmp_path / "go"
    line = f"echo before; until [ -e {go} ]; do sleep 0.05; done; echo after; exec sleep 600"
    family = start(["sh", "-c", line], environment=dict(os.environ), family=Family("b" * 32, tmp_path), log=log)
    try:
        wait_until(lambda: log.read_text() == "before\n")
        assert rotate(log, max_bytes=1)
        go.touch()
        wait_until(lambda: log.read_text() == "after\n", message=log.read_text)
        assert (tmp_path / "server.log.1").read_text() == "before\n"
        assert (tmp_path / "server.log.1").stat().st_mode & 0o777 == 0o600
        assert members(family)
    finally:
        stop(family, patience_s=0.1)


def test_ray_turns_its_own_logs_over(tmp_path):
    head = ray_head(
        tmp_path, Record(secrets=new_secrets()), Ports(), tmp_path / "ray", num_cpus=None, num_gpus=None
    ).environment
    assert {name: head[name] for name in OF_RAY} == OF_RAY
    assert OF_RAY.keys() == {"RAY_ROTATION_MAX_BYTES", "RAY_ROTATION_BACKUP_COUNT"}
