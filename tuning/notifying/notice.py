"""A command that somebody gave for the events of a study: what it is told, and how long it may take."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import signal
import subprocess
from pathlib import Path
from typing import Literal

Event = Literal["ended", "failed", "stopped", "stalled"]
TIMEOUT_S = 60.0


@dataclasses.dataclass(frozen=True, kw_only=True)
class Notice:
    """What happened to a study, with a sentence on it."""

    study: str
    event: Event
    summary: str
    home: Path

    @property
    def environment(self) -> dict[str, str]:
        """What the command finds in its environment."""
        return {
            "FERTUNE_STUDY": self.study,
            "FERTUNE_EVENT": self.event,
            "FERTUNE_SUMMARY": self.summary.replace("\0", ""),
            "FERTUNE_HOME": str(self.home),
        }


def run_command(command: str, notice: Notice, timeout_s: float = TIMEOUT_S) -> str:
    """Run `command` in a shell; returns `""`, or what went wrong, for a person.

    What it prints goes nowhere, and the words do not repeat it: either may hold a secret. It has a session of its own, so that
    the signal that ends a study does not end it.
    """
    nowhere = subprocess.DEVNULL
    try:
        process = subprocess.Popen(
            command,
            shell=True,
            env=os.environ | notice.environment,
            stdin=nowhere,
            stdout=nowhere,
            stderr=nowhere,
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        return f"The command of --notify could not be started: {getattr(error, 'strerror', None) or error}."
    try:
        code = process.wait(timeout_s)
    except BaseException as error:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        if isinstance(error, subprocess.TimeoutExpired):
            return f"The command of --notify was ended: it had not come to an end in {timeout_s:g} s ({notice.event})."
        raise
    return f"The command of --notify failed with exit code {code} ({notice.event})." if code else ""
