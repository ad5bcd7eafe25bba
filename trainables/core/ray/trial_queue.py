"""Between Tune's trials and the slots that train them. Imports next to nothing: it is a process of its own."""

from __future__ import annotations

import asyncio
import dataclasses
import math
import uuid
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any


@dataclasses.dataclass
class _Job:
    """One trial: what its workers are told, and what they said."""

    spec: dict[str, Any]
    deaths: int  # of its own making
    deaths_before: int  # of those, in earlier runs
    slot: str = ""  # that trains it; "" while it waits
    turn: str = ""  # this time that it is trained
    reports: list[dict[str, Any]] = dataclasses.field(default_factory=list)
    cancelled: bool = False
    over: bool = False

    @property
    def told_spec(self) -> dict[str, Any]:
        """The spec for whoever trains it next, who need not tell again what was heard here."""
        epochs = [report["epoch"] for report in self.reports if "epoch" in report]
        return {**self.spec, "epochs_told": max(epochs)} if epochs else self.spec

    def next_for(self, spec: dict[str, Any], deaths: int) -> int:
        """Which report comes next for whoever has heard what `spec` says, and of so many `deaths`.

        What was handed on and no more is not heard: whoever asked for it may have died with it.
        """
        heard, died = 0, self.deaths_before
        for number, report in enumerate(self.reports, 1):
            died += report.get("own", False)
            if report.get("epoch", math.inf) <= spec.get("epochs_told", 0) or (report.get("own") and died <= deaths):
                heard = number
        return heard


class TrialQueue:
    """The trials of a study that wait for a slot or are trained in one, by id. An asynchronous actor: waiting costs nothing.

    A slot is one worker group after another, under a name that stays; the group that follows a dead one takes the same trial
    again. A trial is over with a report that has `done`, or once it has killed `max_attempts` groups; what died with its
    node, which `is_gone` tells by its id, is not counted. Whoever asks for the reports of a trial that is not here hears
    `unknown`: the actor was begun anew.
    """

    def __init__(self, max_attempts: int, is_gone: Callable[[str], bool] = lambda node: False) -> None:
        self._max_attempts, self._is_gone = max_attempts, is_gone
        self._jobs: dict[str, _Job] = {}
        self._waiting: deque[str] = deque()
        self._groups: dict[str, str] = {}  # of each slot, the group that asked last
        self._nodes: dict[str, set[str]] = {}  # that the ranks of a group run on
        self._served: set[str] = set()  # groups that were given a trial
        self._home: set[str] = set()  # groups that were told to go home
        self._keep: int | None = None  # how many slots may go on
        self._former: set[str] = set()  # slots that are to go home
        self._open = True
        self._changed = asyncio.Condition()

    async def submit(self, trial_id: str, spec: dict[str, Any], deaths: int = 0, *, after: str = "") -> int:
        """Put a trial up, or take over one that is here already; returns which of its reports comes next.

        `deaths` of its own making are known, and of its epochs those that `spec` says. What was said of the trial `after`
        which it follows, is forgotten.
        """
        async with self._changed:
            if after != trial_id and (before := self._jobs.get(after)) and before.over:
                del self._jobs[after]
            job = self._jobs.get(trial_id)
            if job is None or job.cancelled:
                await self._changed.wait_for(lambda: not (job := self._jobs.get(trial_id)) or job.over)
                self._jobs[trial_id] = job = _Job(spec, deaths, deaths)
                self._waiting.append(trial_id)
                self._changed.notify_all()
            return job.next_for(spec, deaths)

    async def take(self, slot: str, group: str, done: str, node: str = "") -> tuple[str, dict[str, Any]] | None:
        """What `group` of `slot` trains next, once it is another turn than `done`: turn and trial. `None`: it is to go home.

        All ranks of a group ask, each from its `node`, and get the same answer.
        """
        if self._groups.get(slot) not in (None, group):
            await self.ended(slot, "Its worker died.", own=True)
        async with self._changed:
            self._groups[slot] = group
            self._nodes.setdefault(group, set()).add(node)
            await self._changed.wait_for(
                lambda: not self._open or group in self._home or self._is_due(slot, group, done)
            )
            if not self._open or group in self._home:
                return None
            trial_id = self._trained_in(slot)
            assert trial_id is not None
            self._served.add(group)
            return self._jobs[trial_id].turn, self._jobs[trial_id].told_spec

    async def report(self, trial_id: str, turn: str, payload: dict[str, Any]) -> bool:
        """A worker's words on a trial; answers whether to go on. A payload with `done` ends the trial.

        Nobody hears one whose `turn` is not the trial's present one: while it was silent, another took its trial.
        """
        async with self._changed:
            job = self._jobs.get(trial_id)
            if job is None or job.over or job.turn != turn:
                return False
            if payload.get("done"):
                self._end(job, payload)
            else:
                job.reports.append(payload)
            self._changed.notify_all()
            return not job.cancelled

    async def next_report(self, trial_id: str, seen: int, timeout_s: float) -> dict[str, Any] | None:
        """Report `seen` (from 0) of a trial, with the `slot` that it is trained in, or `None` when none came in time."""
        async with self._changed:
            if (job := self._jobs.get(trial_id)) is None:
                return {"unknown": True}
            try:
                await asyncio.wait_for(self._changed.wait_for(lambda: len(job.reports) > seen), timeout_s)
            except TimeoutError:
                return None
            return {"slot": job.slot, **job.reports[seen]}

    async def ended(self, slot: str, reason: str, own: bool) -> bool:
        """The group of `slot` is gone: its trial waits again, first in line. Answers whether the group ever had a trial.

        The death counts where it is the trial's `own` and all machines of the group are still there.
        """
        group = self._groups.pop(slot, "")
        nodes = self._nodes.pop(group, set())
        if own and any([await asyncio.to_thread(self._is_gone, node) for node in nodes]):
            reason, own = "The machine of its worker, or the Ray there, is gone.", False
        async with self._changed:
            served = group in self._served
            self._served.discard(group)
            self._home.discard(group)
            self._let_go(slot, reason, own=own)
            self._changed.notify_all()
            return served

    async def keep(self, num_slots: int, former: Sequence[str] = ()) -> list[str]:
        """Let so many slots go on; of more, those go home that have no trial, and so does each of `former`.

        Answers which slots have workers.
        """
        async with self._changed:
            self._keep, self._former = num_slots, set(former)
            self._changed.notify_all()
            return list(self._groups)

    async def cancel(self, trial_ids: list[str]) -> None:
        """Stop trials: those in a slot at their next report, with a checkpoint."""
        async with self._changed:
            for trial_id in trial_ids:
                if job := self._jobs.get(trial_id):
                    job.cancelled = True
                    job.over = job.over or not job.slot
            self._waiting = deque(one for one in self._waiting if one not in trial_ids)
            self._changed.notify_all()

    async def training(self, trial_id: str) -> None:
        """Wait until a trial is over: a task by whose name, state and length Ray's dashboard shows the trial."""
        async with self._changed:
            await self._changed.wait_for(lambda: not (job := self._jobs.get(trial_id)) or job.over)

    async def close(self) -> None:
        """Stop every trial and let all workers go home."""
        await self.cancel(list(self._jobs))
        async with self._changed:
            self._open = False
            self._changed.notify_all()

    def _trained_in(self, slot: str) -> str | None:
        return next((trial_id for trial_id, job in self._jobs.items() if job.slot == slot and not job.over), None)

    def _is_due(self, slot: str, group: str, done: str) -> bool:
        """Whether `group` of `slot` has another turn than `done`, which it is given here if a trial waits, or goes home."""
        if (trial_id := self._trained_in(slot)) is not None:
            return self._jobs[trial_id].turn != done
        staying = [one for one in self._groups.values() if one not in self._home]
        if slot in self._former or (self._keep is not None and len(staying) > self._keep):
            self._home.add(group)
            self._changed.notify_all()
            return True
        if not self._waiting:
            return False
        job = self._jobs[self._waiting.popleft()]
        job.slot, job.turn = slot, uuid.uuid4().hex
        self._changed.notify_all()
        return True

    def _let_go(self, slot: str, reason: str, *, own: bool) -> None:
        trial_id = self._trained_in(slot)
        if trial_id is None:
            return
        job = self._jobs[trial_id]
        job.slot, job.turn, job.deaths = "", "", job.deaths + own
        job.reports.append({"died": reason, "own": own})
        if job.cancelled:
            self._end(job, {"stopped": True, "done": True})
        elif job.deaths >= self._max_attempts:
            died = f"Its worker died {job.deaths} times; see the log of this trial for its last lines. {reason}"
            self._end(job, {"failed": died, "done": True})
        else:
            self._waiting.appendleft(trial_id)

    def _end(self, job: _Job, payload: dict[str, Any]) -> None:
        job.reports.append(payload)
        job.over = True
