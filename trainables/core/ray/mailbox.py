"""What stands between Tune's trial actor and the workers of its slot. Imports next to nothing: it is a process of its own."""

from __future__ import annotations

import asyncio
from typing import Any


class Mailbox:
    """The jobs of one slot, and what its workers say of them. An asynchronous actor: waiting costs nothing.

    A job is current until it is closed, by its last report or by running out of attempts.
    """

    def __init__(self, max_attempts: int) -> None:
        self._max_attempts = max_attempts
        self._job: dict[str, Any] | None = None
        self._number = 0  # of the current or last job; jobs count from 1
        self._groups: set[str] = set()  # the worker groups that took the current job
        self._open = True
        self._cancelled = False
        self._reports: list[dict[str, Any]] = []
        self._changed = asyncio.Condition()

    async def submit(self, job: dict[str, Any]) -> int:
        """Put the next job up and return its number; the one before is cancelled and awaited if it still runs."""
        async with self._changed:
            self._cancelled = True
            await self._changed.wait_for(lambda: self._job is None)
            self._job, self._cancelled, self._groups, self._reports = job, False, set(), []
            self._number += 1
            self._changed.notify_all()
            return self._number

    async def take(self, done: int, group: str) -> tuple[int, dict[str, Any]] | None:
        """The current job, once it is another than number `done`; `None` when the slot closes.

        All ranks of a worker group give the same `group` and so get the same answer.
        """
        async with self._changed:
            while True:
                await self._changed.wait_for(lambda seen=done: not self._open or (self._job and self._number > seen))
                if not self._open:
                    return None
                assert self._job is not None
                self._groups.add(group)
                if len(self._groups) <= self._max_attempts:
                    return self._number, self._job
                died = f"Its worker died {self._max_attempts} times; see the log of this trial for its last lines."
                self._close({"failed": died, "done": True})
                done = self._number

    async def report(self, number: int, payload: dict[str, Any]) -> bool:
        """A worker's words on job `number`; answers whether to go on. A payload with `done` closes the job."""
        async with self._changed:
            if number != self._number or self._job is None:
                return False
            if payload.get("done"):
                self._close(payload)
            else:
                self._reports.append(payload)
                self._changed.notify_all()
            return not self._cancelled

    async def next_report(self, number: int, seen: int, timeout_s: float) -> dict[str, Any] | None:
        """Report `seen` (from 0) of job `number`, or `None` when none came in time."""
        async with self._changed:
            waiting = self._changed.wait_for(lambda: self._number != number or len(self._reports) > seen)
            try:
                await asyncio.wait_for(waiting, timeout_s)
            except TimeoutError:
                return None
            return self._reports[seen]

    async def trial(self, number: int) -> None:
        """Wait until job `number` is over: a task by whose name, state and length Ray's dashboard shows the trial."""
        async with self._changed:
            await self._changed.wait_for(lambda: self._number != number or self._job is None)

    async def shut(self) -> None:
        """Let the workers go home."""
        async with self._changed:
            self._open, self._cancelled, self._job = False, True, None
            self._changed.notify_all()

    def _close(self, payload: dict[str, Any]) -> None:
        self._job = None
        self._reports.append(payload)
        self._changed.notify_all()
