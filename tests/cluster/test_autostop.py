"""The head of a cloud ends itself after a Ray that was idle for long enough, and not before."""

import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from cluster.cloud import autostop


class Clock:
    """Time that passes when somebody sleeps."""

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now

    def sleep(self, seconds):
        assert seconds > 0
        self.now += seconds


def test_it_waits_until_ray_was_idle_for_so_long_on_end():
    clock = Clock()
    busy_until = 10_000.0
    autostop.wait_until_idle(1800, works=lambda: clock.now < busy_until, clock=clock, sleep=clock.sleep)
    assert busy_until + 1700 <= clock.now <= busy_until + 1900


def test_a_job_in_between_begins_the_wait_anew():
    clock = Clock()
    autostop.wait_until_idle(600, works=lambda: 500 < clock.now < 560, clock=clock, sleep=clock.sleep)
    assert 1100 <= clock.now <= 1200


@pytest.fixture
def ray(monkeypatch, tmp_path):
    """A Ray that tells of `jobs` to those who have its token."""
    jobs = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            allowed = self.headers["Authorization"] == "Bearer t0ken"
            self.send_response(200 if allowed else 401)
            self.end_headers()
            self.wfile.write(str(jobs).replace("'", '"').encode() if allowed else b"")

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    (tmp_path / "auth_token").write_text("t0ken\n")
    monkeypatch.setattr(autostop, "TOKEN", tmp_path / "auth_token")
    monkeypatch.setattr(autostop, "DASHBOARD", f"http://127.0.0.1:{server.server_port}")
    yield jobs
    server.shutdown()
    server.server_close()
    thread.join(timeout=10)


@pytest.mark.parametrize(
    ("status", "works"), [("RUNNING", True), ("PENDING", True), ("SUCCEEDED", False), ("STOPPED", False)]
)
def test_ray_works_while_a_job_runs_or_waits(ray, status, works):
    ray.append({"status": "FAILED"})
    ray.append({"status": status})
    assert autostop.ray_works() is works


def test_a_ray_that_does_not_answer_works_on_nothing(ray, monkeypatch):
    ray.append({"status": "RUNNING"})
    monkeypatch.setattr(autostop, "DASHBOARD", "http://127.0.0.1:9")
    assert autostop.ray_works() is False


def test_it_shuts_down_and_says_so(monkeypatch, capsys):
    monkeypatch.setattr(autostop, "wait_until_idle", lambda seconds: print(f"waited {seconds:g}"))
    monkeypatch.setattr(autostop, "SHUTDOWN", ("true",))
    assert autostop.main(["--minutes", "0.5"]) == 0
    said = capsys.readouterr().out
    assert "waited 30" in said
    assert "shutting down" in said
    with pytest.raises(SystemExit):
        autostop.main(["--minutes", "0"])
