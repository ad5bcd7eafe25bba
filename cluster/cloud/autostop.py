"""`python -m cluster.cloud.autostop --minutes N`: shuts this machine down when its Ray had nothing to do for N minutes.

It runs on the head. Idle is a Ray without a running or waiting job or driver, and one that does not answer: a head whose Ray
is gone costs as much. The machine ends with its disk; studies are on the shared one, and `ray up` begins another head.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from cluster.local.asking import answer, bearer

DASHBOARD = "http://127.0.0.1:8265"
TOKEN = Path("~/.ray/auth_token")
SHUTDOWN = ("sudo", "shutdown", "-h", "now")


def main(arguments: list[str] | None = None) -> int:
    """Wait until Ray was idle for long enough, then shut down; returns what the shutdown says."""
    parser = argparse.ArgumentParser(prog="python -m cluster.cloud.autostop", description=__doc__)
    parser.add_argument(
        "--minutes", type=float, default=30.0, help="how long Ray has to be idle (default: %(default)s)"
    )
    minutes: float = parser.parse_args(arguments).minutes
    if not minutes > 0:
        parser.error(f"--minutes {minutes:g}: expected more than 0.")
    wait_until_idle(60 * minutes)
    print(f"Ray had nothing to do for {minutes:g} minutes: shutting down.", flush=True)
    return subprocess.run(SHUTDOWN, check=False).returncode


def wait_until_idle(
    patience_s: float,
    *,
    works: Callable[[], bool] | None = None,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Return when `works` was false for `patience_s` seconds on end; it is asked every minute, or more often for less."""
    works = works or ray_works
    idle_since = clock()
    while clock() - idle_since < patience_s:
        sleep(min(60.0, patience_s / 10))
        if works():
            idle_since = clock()


def ray_works() -> bool:
    """Whether a job or a driver of this machine's Ray runs, or waits to."""
    try:
        token = TOKEN.expanduser().read_text(encoding="utf-8").strip()
    except OSError:
        token = ""
    _, jobs = answer(f"{DASHBOARD}/api/jobs/", bearer(token) if token else None)
    return any(job.get("status") in ("PENDING", "RUNNING") for job in jobs or ())


if __name__ == "__main__":
    sys.exit(main())
