"""A head as those see it who submit jobs: Ray's own client, with an end to every wait and nothing told twice."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import queue
import secrets
import string
import threading
import time
from collections.abc import Callable, Generator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import requests

from tuning.execution.jobs.address import Head
from tuning.execution.jobs.job import Job, as_job

if TYPE_CHECKING:
    from ray.job_submission import JobSubmissionClient

_LOGGERS = tuple(
    f"ray.{name}"
    for name in (
        *("dashboard.modules.dashboard_sdk", "dashboard.modules.job.sdk"),
        *("_private.runtime_env.packaging", "_private.runtime_env.working_dir"),
    )
)  # what they say of an upload is of no use to anybody
_REQUEST_S = 15.0
# What a head says whose agent of jobs is not up yet: that comes seconds after the dashboard.
_NOT_YET = ("Server disconnected", "Cannot connect to host", "No available agent", "Connection reset")


class ConnectionLost(ConnectionError):
    """A head did not answer for too long while a job was followed; the job may run on."""

    def __init__(self, job: Job, patience_s: float) -> None:
        super().__init__(f"Ray at {job.address} has not answered for {patience_s:g} s; job {job.job_id} may run on.")
        self.job = job


class JobClient:
    """Submits jobs to `head` and follows them.

    `quiet_s` is how long a log may say nothing before the head is asked whether the job still runs, `patience_s` how long the
    head may stay away. `noted` hears what a person should know.
    """

    def __init__(
        self,
        head: Head,
        *,
        noted: Callable[[str], None] = lambda words: None,
        quiet_s: float = 15.0,
        patience_s: float = 120.0,
        verbose: bool = False,
    ) -> None:
        self.head, self._noted, self._quiet_s, self._patience_s = head, noted, quiet_s, patience_s
        from ray.job_submission import JobSubmissionClient  # a second

        for name in () if verbose else _LOGGERS:
            logging.getLogger(name).setLevel(logging.ERROR)
        deadline = time.monotonic() + min(patience_s, 30.0)
        while True:
            try:
                with _this_address_counts(head.address):
                    self._ray = JobSubmissionClient(head.address, headers=dict(head.headers))
                break
            except ConnectionError:  # it has just answered: a busy head drops a connection now and then
                if time.monotonic() > deadline:
                    raise
                time.sleep(1)

    def submit(
        self, entrypoint: str, *, root: Path, environment: Mapping[str, str], metadata: Mapping[str, str]
    ) -> Job:
        """Upload `root` and begin `entrypoint` there, once, also where the answer is lost on the way.

        Raises `RuntimeError` with Ray's reason where it is refused.
        """
        job_id = "raysubmit_" + "".join(secrets.choice(string.ascii_letters + string.digits) for _ in range(16))
        deadline = time.monotonic() + self._patience_s
        while True:
            try:
                self._ray.submit_job(
                    entrypoint=entrypoint,
                    submission_id=job_id,
                    runtime_env={"working_dir": str(root), "env_vars": dict(environment)},
                    metadata=dict(metadata),
                )
            except (RuntimeError, requests.RequestException) as error:
                passing = not isinstance(error, RuntimeError) or any(words in str(error) for words in _NOT_YET)
                if self._knows(job_id):
                    break
                if not passing or time.monotonic() > deadline:
                    reason = (str(error).strip().splitlines() or [type(error).__name__])[-1]
                    raise RuntimeError(f"Ray at {self.head.address} refuses the job: {reason}") from error
                time.sleep(1)
            else:
                break
        return Job(job_id=job_id, status="PENDING", address=self.head.address, needs_token=bool(self.head.token))

    def job(self, job_id: str) -> Job:
        """The job as it is now; LOST where the head does not know it. Raises `OSError` where the head does not answer."""
        answer = requests.get(
            f"{self.head.address}/api/jobs/{job_id}", headers=dict(self.head.headers), timeout=_REQUEST_S
        )
        if answer.status_code == 404:
            words = "the head does not know it: it was started anew, and its jobs ended with it"
            return as_job(self.head, job_id, {"status": "LOST", "message": words})
        answer.raise_for_status()
        return as_job(self.head, job_id, answer.json())

    def follow(self, job: Job, log: Callable[[str], None]) -> Job:
        """Hand on the log of `job` as it grows, each part once, until the job ends; returns it as it ended.

        A connection that breaks is made again. Raises `ConnectionLost` where the head stays away.
        """
        told = 0  # characters
        while True:
            at = 0
            with _tail(self._ray, job.job_id) as parts:
                while True:
                    try:
                        part = parts.get(timeout=self._quiet_s)
                    except queue.Empty:
                        found, was_away = self._asked(job)
                        if found.ended or was_away:  # a cut network leaves a connection that says nothing ever after
                            break
                        continue
                    if not isinstance(part, str):
                        break
                    if new := part[max(told - at, 0) :]:
                        log(new)
                    at += len(part)
                    told = max(told, at)
            found, _ = self._asked(job)
            if found.ended:
                return found
            time.sleep(min(1.0, self._quiet_s))

    def _asked(self, job: Job) -> tuple[Job, bool]:
        """The job as it is now, asked for again while the head stays away; and whether it did."""
        deadline, said = time.monotonic() + self._patience_s, False
        while True:
            try:
                return self.job(job.job_id), said
            except (OSError, ValueError, KeyError):  # no answer, or one that is no job
                if time.monotonic() > deadline:
                    raise ConnectionLost(job, self._patience_s) from None
            if not said:
                self._noted(f"Ray at {job.address} does not answer; it is asked again for {self._patience_s:g} s.")
                said = True
            time.sleep(min(2.0, self._quiet_s))

    def _knows(self, job_id: str) -> bool:
        try:
            return self.job(job_id).status != "LOST"
        except (OSError, ValueError, KeyError):
            return False


@contextlib.contextmanager
def _tail(client: JobSubmissionClient, job_id: str) -> Generator[queue.SimpleQueue[str | Exception | None]]:
    """The parts of a job's log from its beginning; then `None` or, where the connection broke, the error.

    They are read in a thread, so that this works in a notebook, whose loop runs already, and Ctrl-C is heard.
    """
    parts: queue.SimpleQueue[str | Exception | None] = queue.SimpleQueue()

    async def read() -> None:
        try:
            async for part in client.tail_job_logs(job_id):
                parts.put(part)
            parts.put(None)
        except Exception as error:  # of aiohttp or Ray: whoever follows asks the head what it means
            parts.put(error)

    loop = asyncio.new_event_loop()
    task = loop.create_task(read())

    def run() -> None:
        with contextlib.suppress(asyncio.CancelledError):
            loop.run_until_complete(task)
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()

    thread = threading.Thread(target=run, daemon=True, name=f"log of {job_id}")
    thread.start()
    try:
        yield parts
    finally:
        with contextlib.suppress(RuntimeError):  # it ended by itself
            loop.call_soon_threadsafe(task.cancel)
        thread.join(timeout=5)


@contextlib.contextmanager
def _this_address_counts(address: str) -> Generator[None]:
    """Ray's client takes the address of its environment before that which it is given."""
    name = "RAY_API_SERVER_ADDRESS"
    before = os.environ.get(name)
    os.environ[name] = address
    try:
        yield
    finally:
        if before is None:
            del os.environ[name]
        else:
            os.environ[name] = before
