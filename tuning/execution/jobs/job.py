"""What a cluster says of a job."""

from __future__ import annotations

import dataclasses
import os
import shlex
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from trainables.core.wording import first_line
from tuning.records.home import program

if TYPE_CHECKING:
    from tuning.execution.jobs.address import Head

ENDED = ("SUCCEEDED", "FAILED", "STOPPED")
_DIED = ("JOB_SUPERVISOR_ACTOR_DIED", "JOB_SUPERVISOR_ACTOR_UNKNOWN_FAILURE")
_BY_REQUEST = (2, 15)  # SIGINT, SIGTERM


@dataclasses.dataclass(frozen=True, kw_only=True)
class Job:
    """A job of the cluster whose dashboard is at `address`. `status` is one of Ray's words, or LOST: no head knows it any more.

    `message` is what Ray says of its end, in a line; `exit_code` is that of its command, `None` where it has none.
    """

    job_id: str
    status: str
    address: str
    message: str = ""
    exit_code: int | None = None
    error_type: str = ""
    needs_token: bool = False

    @property
    def dashboard(self) -> str:
        """Its page."""
        return f"{self.address}/#/jobs/{self.job_id}"

    @property
    def ended(self) -> bool:
        return self.status in (*ENDED, "LOST")

    @property
    def lost(self) -> bool:
        """Whether something took it away: not its own command, and nobody who asked for its end."""
        if self.status != "FAILED" or self.exit_code is None:
            return self.status == "LOST" or self.error_type in _DIED
        number = -self.exit_code if self.exit_code < 0 else self.exit_code - 128  # of the signal that ended it
        return number > 0 and number not in _BY_REQUEST

    def in_shell(self, *arguments: str) -> str:
        """`ray job` with `arguments` and the id of this one, as it is typed here so that it finds the cluster."""
        given = {"RAY_API_SERVER_ADDRESS": self.address} | ({"RAY_AUTH_MODE": "token"} if self.needs_token else {})
        missing = [f"{key}={shlex.quote(value)}" for key, value in given.items() if os.environ.get(key) != value]
        return " ".join([*missing, program("ray"), "job", *arguments, self.job_id])


def as_job(head: Head, job_id: str, told: Mapping[str, Any]) -> Job:
    """The job as the head's API tells of it."""
    return Job(
        job_id=job_id,
        status=told["status"],
        address=head.address,
        message=first_line(told.get("message") or "").partition(", last available logs")[0].rstrip("."),
        exit_code=told.get("driver_exit_code"),
        error_type=told.get("error_type") or "",
        needs_token=bool(head.token),
    )
