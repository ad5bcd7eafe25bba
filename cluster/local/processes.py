"""Processes that outlive the command which started them: start, recognise, stop.

A number alone names no process: it is given again after a restart, or after some thousands of others. A process is
known by its number with its start time. Its offspring is known by a mark in the environment, which those keep who
leave the session (a Ray job does), and by the session, for Ray's workers overwrite their environment with their title.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import signal
import subprocess
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

MARK = "FERTUNE_SERVICE_MARK"
PROC = Path("/proc")


class ServiceError(RuntimeError):
    """What a person can put right: the sentence says what was wrong, what was given and what to do."""


@dataclasses.dataclass(frozen=True, order=True)
class Process:
    """A process: its number, and its start in clock ticks after the machine's (a clock that is never set)."""

    pid: int
    start: int


@dataclasses.dataclass(frozen=True)
class Family:
    """What one command started: the mark and the folder they were given, the leader of their session once there is one."""

    mark: str
    folder: Path
    leader: Process | None = None


def start(command: Sequence[str], *, environment: Mapping[str, str], family: Family, log: Path) -> Family:
    """Start `command` in its family's folder, as the leader of a session; `log` (its owner's only) is gone on with."""
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        begun = subprocess.Popen(
            command,
            cwd=family.folder,
            env={**environment, MARK: family.mark},
            stdin=subprocess.DEVNULL,
            stdout=descriptor,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    except OSError as error:
        raise ServiceError(f"{command[0]} cannot be started: {error.strerror}. `make setup` installs it.") from None
    finally:
        os.close(descriptor)
    return dataclasses.replace(family, leader=identify(begun.pid))


def identify(pid: int) -> Process | None:
    """The process that has this number now, `None` where none has (a dead one that nobody waited for is none)."""
    found = _look(pid)
    return found[0] if found else None


def is_alive(process: Process | None) -> bool:
    return process is not None and identify(process.pid) == process


def members(family: Family) -> set[Process]:
    """Everybody alive who belongs to `family`.

    Once its leader is dead the number of a session may be a stranger's: then those count who also work in the folder.
    """
    mark, leader = f"{MARK}={family.mark}".encode(), family.leader
    holder = identify(leader.pid) if leader else None
    session = leader.pid if leader and holder in (None, leader) else None
    found = set()
    for entry in PROC.iterdir():
        if not entry.name.isdigit() or not (seen := _look(int(entry.name))):
            continue
        process, its_session = seen
        in_session = its_session == session and (holder is not None or _works_in(process.pid, family.folder))
        if in_session or mark in _environment(process.pid):
            found.add(process)
    return found


def stop(family: Family, patience_s: float = 30.0) -> bool:
    """End `family` and nobody else: SIGTERM to the leader, then to who is left, SIGKILL after `patience_s`.

    True where there was somebody. Raises `ServiceError` naming those that outlive SIGKILL.
    """
    left = members(family)
    if not left:
        return False
    leader = family.leader if is_alive(family.leader) else None
    _signal([leader] if leader else left, signal.SIGTERM)
    deadline = time.monotonic() + (patience_s if leader else min(patience_s, 5.0))
    while left and time.monotonic() < deadline:
        time.sleep(0.1)
        left = _alive(left | members(family))
        if leader and not is_alive(leader):  # it had its time to see to the others
            leader, deadline = None, min(deadline, time.monotonic() + 5.0)
            _signal(left, signal.SIGTERM)
    deadline = time.monotonic() + 10.0
    while left and time.monotonic() < deadline:
        _signal(left, signal.SIGKILL)
        time.sleep(0.1)
        left = _alive(left | members(family))
    if left:
        numbers = ", ".join(str(process.pid) for process in sorted(left))
        raise ServiceError(f"Processes {numbers} are still there after SIGKILL; `down` again tries again.")
    return True


def _look(pid: int) -> tuple[Process, int] | None:
    """A process and the number of its session, from `/proc/<pid>/stat` (proc_pid_stat(5), fields 3, 6 and 22)."""
    try:
        text = (PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return None
    fields = text.rpartition(")")[2].split()  # a name may hold blanks and brackets
    return None if fields[0] in "ZX" else (Process(pid, int(fields[19])), int(fields[3]))


def _environment(pid: int) -> list[bytes]:
    """What a process was started with; nothing where that is another person's business."""
    try:
        return (PROC / str(pid) / "environ").read_bytes().split(b"\0")
    except OSError:
        return []


def _works_in(pid: int, folder: Path) -> bool:
    try:
        return (PROC / str(pid) / "cwd").readlink().is_relative_to(folder)
    except OSError:
        return False


def _alive(processes: Iterable[Process]) -> set[Process]:
    return {process for process in processes if is_alive(process)}


def _signal(processes: Iterable[Process], number: signal.Signals) -> None:
    for process in processes:
        if is_alive(process):
            with contextlib.suppress(ProcessLookupError):
                os.kill(process.pid, number)
