"""A Ray head of a test's own: own ports, own temp folder, own home, and an end by id."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Generator
from pathlib import Path
from typing import Any

import psutil
import pytest

from cluster.core.ports import free_ports
from tests.conftest import ROOT

# Of every module whose tests start a Ray: one at a time, since each needs the cores, and minutes where others take them too.
WITH_RAY = [pytest.mark.ray, pytest.mark.xdist_group("ray"), pytest.mark.timeout(900)]

BIN = Path(sys.executable).parent
# A study of two trials, as a job.
SMOKE = ("python", "tune.py", "run", "demo", "--smoke", "--max-concurrent", "1", "--num-samples", "2")


@dataclasses.dataclass(frozen=True)
class Head:
    """Where a head listens, and the environment of a shell of its user."""

    pid: int
    home: Path
    address: str
    dashboard: str
    environment: dict[str, str]

    def shell(self, *command: str, timeout_s: float = 400, **changes: str) -> subprocess.CompletedProcess[str]:
        """Run a command in the repository's root, as its user would."""
        return subprocess.run(
            command,
            cwd=ROOT,
            env=self.environment | changes,
            capture_output=True,
            text=True,
            timeout=timeout_s,
        )

    def submit(self, *command: str, **changes: str) -> subprocess.CompletedProcess[str]:
        """`ray job submit`, again where the head's agent of jobs was not up yet: it comes seconds after the dashboard."""
        for _ in range(3):
            done = self.shell("ray", "job", "submit", *command, **changes)
            if done.returncode == 0 or "Server disconnected" not in done.stdout + done.stderr:
                break
            time.sleep(5)
        return done

    def get(self, path: str) -> Any:
        """What the dashboard's API answers."""
        token = self.home / ".ray" / "auth_token"
        headers = {"Authorization": f"Bearer {token.read_text().strip()}"} if token.exists() else {}
        with urllib.request.urlopen(
            urllib.request.Request(self.dashboard + path, headers=headers), timeout=20
        ) as answer:
            return json.load(answer)

    def runs(self) -> dict[str, str]:
        """The Train runs of the dashboard's page: state by name."""
        return {run["name"]: run["status"] for run in self.get("/api/train/v2/runs/v1")["train_runs"]}


@contextlib.contextmanager
def ray_head(*options: str, token: bool = False, port: int = 0, **settings: str) -> Generator[Head]:
    """`ray start --head` in the repository's root, for a user with or without a token, until the block ends.

    It listens at `port`, where one is given, and has `settings` in its environment.
    """
    place = Path(tempfile.mkdtemp(prefix="head", dir="/tmp"))  # short: the path of a socket may have 107 characters
    home = place / "home"
    (home / ".ray").mkdir(parents=True)
    if token:
        (home / ".ray" / "auth_token").write_text("0123456789abcdef" * 4)
    gcs, dashboard, agent, client = free_ports(4)
    gcs = port or gcs
    unwanted = re.compile(r"^(RAY_|MLFLOW_|FERTUNE_)")
    environment = {key: value for key, value in os.environ.items() if not unwanted.match(key)}
    environment |= {
        "HOME": str(home),
        "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
        "RAY_API_SERVER_ADDRESS": f"http://127.0.0.1:{dashboard}",
    }
    if token:
        environment["RAY_AUTH_MODE"] = "token"
    command = [
        *(str(BIN / "ray"), "start", "--head", "--block", "--disable-usage-stats", "--node-ip-address=127.0.0.1"),
        *(f"--port={gcs}", f"--dashboard-port={dashboard}", f"--dashboard-agent-listen-port={agent}"),
        *(f"--ray-client-server-port={client}", f"--temp-dir={place / 'ray'}", *options),
    ]
    with (place / "head.log").open("w") as log:
        head = subprocess.Popen(
            command, cwd=ROOT, env=environment | settings, stdout=log, stderr=log, start_new_session=True
        )
    found = Head(head.pid, home, f"127.0.0.1:{gcs}", f"http://127.0.0.1:{dashboard}", environment)
    try:
        wait_until(lambda: _answers(found), 180, lambda: (place / "head.log").read_text())
        yield found
    finally:
        end(head)
        shutil.rmtree(place, ignore_errors=True)


def wait_until(condition: Any, timeout_s: float = 30, message: Any = lambda: "", *, every_s: float = 0.3) -> Any:
    """The first true answer of `condition()`; fails with `message()` after `timeout_s`."""
    deadline = time.monotonic() + timeout_s
    while not (found := condition()):
        assert time.monotonic() < deadline, f"Waited {timeout_s} s in vain. {message()}"
        time.sleep(every_s)
    return found


def _answers(head: Head) -> bool:
    try:
        return head.get("/api/jobs/") == []
    except (OSError, ValueError):
        return False


def end(head: subprocess.Popen) -> None:
    """The head and whatever came of it; SIGTERM lets Ray do it, what is left is killed by id."""
    with contextlib.suppress(psutil.NoSuchProcess):
        family = [psutil.Process(head.pid), *psutil.Process(head.pid).children(recursive=True)]
        head.send_signal(signal.SIGTERM)
        _, left = psutil.wait_procs(family, timeout=5)
        for process in left:
            process.kill()
        psutil.wait_procs(left, timeout=5)
    head.wait(timeout=10)
