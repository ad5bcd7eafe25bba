"""Trials on Ray: a slot is one long-lived Ray Train worker group that takes trial after trial.

Ray's documented pattern starts a fresh `TorchTrainer` for every trial: half a minute of process starts and imports each.
Here Tune's trial actor (`Slot`) starts one `TorchTrainer` and keeps it; Tune re-uses the actor for the next trial, which
then costs a message. Between the two stands a `Mailbox` actor:

    Tune -> Slot.step()  <- reports <-  Mailbox  <- report()  <-  worker: run_trial(...)
            Slot.reset_config() -> job ->        -> take() ->

A worker that dies is replaced by Ray Train; the new group takes the same job again, and `run_trial` resumes it from its
checkpoint. A job that kills its workers `max_attempts` times is reported as failed, and the slot goes on.
"""

from __future__ import annotations

import asyncio
import dataclasses
import gc
import threading
import traceback
from collections.abc import Mapping
from typing import Any

import ray
import torch
from ray import train, tune
from ray.train.torch import TorchTrainer, get_device

from trainables.core.group import Group
from trainables.core.trial import Stopped, TrialSpec, run_trial


@dataclasses.dataclass(frozen=True, kw_only=True)
class SlotPlan:
    """What one slot occupies, and where Ray Train keeps its notes."""

    run_name: str
    storage: str
    workers: int = 1
    cpus_per_worker: float = 1
    gpus_per_worker: float = 0
    max_attempts: int = 3


class Mailbox:
    """The jobs of one slot, and what its workers say of them. An asynchronous actor: waiting costs nothing.

    A job is current until it is closed, by its last report or by running out of attempts.
    """

    def __init__(self, max_attempts: int) -> None:
        self._max_attempts = max_attempts
        self._job: dict[str, Any] | None = None
        self._number = 0  # of the current or last job; jobs count from 1
        self._attempts = 0
        self._open = True
        self._cancelled = False
        self._reports: list[dict[str, Any]] = []
        self._changed = asyncio.Condition()

    async def submit(self, job: dict[str, Any]) -> int:
        """Put the next job up and return its number; the one before is cancelled and awaited if it still runs."""
        async with self._changed:
            self._cancelled = True
            await self._changed.wait_for(lambda: self._job is None)
            self._job, self._cancelled, self._attempts, self._reports = job, False, 0, []
            self._number += 1
            self._changed.notify_all()
            return self._number

    async def take(self, done: int, rank: int) -> tuple[int, dict[str, Any]] | None:
        """The current job, once it is another than number `done`; `None` when the slot closes."""
        async with self._changed:
            while True:
                await self._changed.wait_for(lambda seen=done: not self._open or (self._job and self._number > seen))
                if not self._open:
                    return None
                assert self._job is not None
                if rank == 0:
                    self._attempts += 1
                if self._attempts <= self._max_attempts:
                    return self._number, self._job
                died = f"Its worker died {self._max_attempts} times; see the logs of this trial for the last words."
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

    async def shut(self) -> None:
        """Let the workers go home."""
        async with self._changed:
            self._open, self._cancelled, self._job = False, True, None
            self._changed.notify_all()

    def _close(self, payload: dict[str, Any]) -> None:
        self._job = None
        self._reports.append(payload)
        self._changed.notify_all()


class Slot(tune.Trainable):
    """Tune's side: every trial that Tune gives to this actor goes to the same worker group.

    `step()` returns one report; the last one carries `done` and either the metrics or `failed`.
    """

    def setup(self, config: dict[str, Any], plan: SlotPlan | None = None) -> None:
        assert plan is not None
        self._plan = plan
        self._mailbox = ray.remote(Mailbox).options(num_cpus=0).remote(plan.max_attempts)
        self._error: BaseException | None = None
        self._fit = threading.Thread(target=self._run_workers, daemon=True)
        self._fit.start()
        self._submit(config)

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        self._submit(new_config)
        return True

    def step(self) -> dict[str, Any]:
        while True:
            waiting = self._mailbox.next_report.remote(self._number, self._seen, 2.0)
            report = ray.get(waiting)
            if report is not None:
                self._seen += 1
                return report
            if not self._fit.is_alive():
                raise RuntimeError(f"The workers of this slot ended: {self._error}")

    def cleanup(self) -> None:
        ray.get(self._mailbox.shut.remote())
        self._fit.join(timeout=10)

    def save_checkpoint(self, checkpoint_dir: str) -> None:
        """Tune holds no checkpoint: a trial's lies in its own folder."""

    def load_checkpoint(self, checkpoint: Any) -> None:
        """See `save_checkpoint`."""

    def _submit(self, config: dict[str, Any]) -> None:
        self._seen = 0
        self._number = ray.get(self._mailbox.submit.remote(config["spec"]))

    def _run_workers(self) -> None:
        plan = self._plan
        resources = {"CPU": plan.cpus_per_worker}
        if plan.gpus_per_worker:
            resources["GPU"] = plan.gpus_per_worker
        try:
            TorchTrainer(
                _work,
                train_loop_config={"mailbox": self._mailbox, "threads": max(1, int(plan.cpus_per_worker))},
                scaling_config=train.ScalingConfig(
                    num_workers=plan.workers, use_gpu=plan.gpus_per_worker > 0, resources_per_worker=resources
                ),
                run_config=train.RunConfig(
                    # A name of its own: Ray Train would silently resume a run of the same name.
                    name=f"{plan.run_name}-{ray.get_runtime_context().get_actor_id()[:6]}",
                    storage_path=plan.storage,
                    failure_config=train.FailureConfig(max_failures=-1, controller_failure_limit=3),
                ),
            ).fit()
        except BaseException as error:  # shown by step(), in Tune's own thread
            self._error = error


def _work(config: Mapping[str, Any]) -> None:
    """The loop of one worker: take a job, run it, say how it ended."""
    context = train.get_context()
    group = Group(context.get_world_rank(), context.get_world_size(), get_device())
    mailbox, done = config["mailbox"], 0
    torch.set_num_threads(config["threads"])
    while (taken := ray.get(mailbox.take.remote(done, group.rank))) is not None:
        done, job = taken
        last = _run(job, done, mailbox, group)
        gc.collect()
        if group.device.type == "cuda":
            torch.cuda.empty_cache()
        if group.leads or "failed" in last:
            ray.get(mailbox.report.remote(done, last | {"done": True}))
        if "failed" in last and group.world_size > 1:
            raise RuntimeError(last["failed"])  # the other ranks wait in a collective: only a new group frees them


def _run(job: dict[str, Any], number: int, mailbox: Any, group: Group) -> dict[str, Any]:
    """The last report of one job: its metrics, or why there are none."""

    def report(row: Mapping[str, float]) -> bool:
        go_on = ray.get(mailbox.report.remote(number, dict(row))) if group.leads else True
        return group.agree(go_on)

    try:
        return {"metrics": run_trial(TrialSpec(**job), report, group)}
    except Stopped:
        return {"stopped": True}
    except Exception as error:  # any error of a trial is the trial's result; the study goes on
        return {"failed": f"{type(error).__name__}: {error}", "traceback": traceback.format_exc()}
