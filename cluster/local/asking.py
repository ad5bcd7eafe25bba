"""Asking the servers of the service over loopback, with their passwords and without a proxy."""

from __future__ import annotations

import http.client
import json
import time
import urllib.error
import urllib.request
from base64 import b64encode
from collections.abc import Callable, Mapping
from typing import Any

HOST = "127.0.0.1"


def answer(url: str, headers: Mapping[str, str] | None = None, method: str = "GET") -> tuple[int | None, Any]:
    """Status and JSON of an answer; `None` where there is none."""
    request = urllib.request.Request(url, headers=dict(headers or {}), method=method)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=5) as response:
            text = response.read()
            return response.status, json.loads(text) if text[:1] in (b"[", b"{") else None
    except urllib.error.HTTPError as error:
        return error.code, None
    except (OSError, http.client.HTTPException, ValueError):
        return None, None


def bearer(token: str) -> dict[str, str]:
    """The header that Ray wants."""
    return {"Authorization": f"Bearer {token}"}


def basic(user: str, password: str) -> dict[str, str]:
    """The header that MLflow wants."""
    return {"Authorization": "Basic " + b64encode(f"{user}:{password}".encode()).decode()}


def stop_jobs(dashboard_url: str, token: str, say: Callable[[str], None]) -> None:
    """Have Ray stop its running jobs (SIGTERM, SIGKILL after 20 s) and wait for their end: studies save their state."""
    deadline, told = time.monotonic() + 30, False
    while time.monotonic() < deadline:
        _, jobs = answer(f"{dashboard_url}/api/jobs/", bearer(token))
        running = [job["submission_id"] for job in jobs or () if job["status"] in ("PENDING", "RUNNING")]
        if not running:
            return
        if not told:
            told = True
            say(f"Stopping {len(running)} running job{'s' * (len(running) > 1)} ...")
            for name in running:
                answer(f"{dashboard_url}/api/jobs/{name}/stop", bearer(token), method="POST")
        time.sleep(0.5)
