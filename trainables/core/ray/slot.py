"""Trials on Ray: a slot is one long-lived Ray Train worker group that takes trial after trial.

Ray's documented pattern starts a fresh `TorchTrainer` for every trial: half a minute of process starts and imports each.
Here Tune's trial actor (`Slot`) starts one trainer (`trainer.py`) and keeps it; Tune re-uses the actor for the next
trial, which then costs a message. Between the two stands a `Mailbox` actor:

    Tune -> Slot.step()  <- reports <-  Mailbox  <- report()  <-  worker: run_trial(...)
            Slot.reset_config() -> job ->        -> take() ->

A worker that dies is replaced by Ray Train; the new group takes the same job again, and `run_trial` resumes it from its
checkpoint. A job that kills its workers `max_attempts` times is reported as failed, and the slot goes on.
"""

from __future__ import annotations

import contextlib
import copy
import dataclasses
import gc
import threading
import time
import traceback
import uuid
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import ray
from ray import train, tune

from trainables.core.ray.mailbox import Mailbox

if TYPE_CHECKING:
    from trainables.core.training.workers import Group

# torch, and whatever a trial needs, is imported by the workers alone: Tune's actor and Train's controller, which import
# this file too, would pay seconds for it.


SLOT_CPUS = 0.01


@dataclasses.dataclass(frozen=True, kw_only=True)
class SlotPlan:
    """What one slot occupies, and where Ray Train keeps its notes."""

    run_name: str
    storage: str
    workers: int = 1
    cpus_per_worker: float = 1
    gpus_per_worker: float = 0
    max_attempts: int = 3


class Slot(tune.Trainable):
    """Tune's side: every trial that Tune gives to this actor goes to the same worker group.

    `step()` returns one report; the last one carries `done` and either the metrics or `failed`. Where the workers ended for
    good, it first says why (`workers_ended`) and then raises, so that Tune begins another slot for the next trial.
    """

    def setup(self, config: dict[str, Any], plan: SlotPlan | None = None) -> None:
        assert plan is not None
        self._plan = plan
        # A name of its own: Ray Train would silently resume a run of the same name.
        self._run_name = f"{plan.run_name}-slot-{str(ray.get_runtime_context().get_actor_id())[:6]}"
        self._dashboard = _Dashboard(self._run_name)
        self._mailbox: Any = ray.remote(Mailbox).options(num_cpus=0, name=self._run_name).remote(plan.max_attempts)
        self._error: BaseException | None = None
        self._ended = False
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
                self._dashboard.show(self._job, report)
                return report
            if not self._fit.is_alive():
                reason = f"The workers of this trial ended: {self._error or 'Ray Train gave no reason'}"
                if self._ended:
                    raise RuntimeError(reason)
                self._ended = True
                return {"workers_ended": reason}

    def cleanup(self) -> None:
        ray.get(self._mailbox.shut.remote())
        self._fit.join(timeout=10)

    def save_checkpoint(self, checkpoint_dir: str) -> None:
        """Tune holds no checkpoint: a trial's lies in its own folder."""

    def load_checkpoint(self, checkpoint: Any) -> None:
        """See `save_checkpoint`."""

    def _submit(self, config: dict[str, Any]) -> None:
        self._seen, self._job = 0, config["spec"]
        self._number = ray.get(self._mailbox.submit.remote(self._job))
        self._mailbox.trial.options(name=_name(self._job)).remote(self._number)

    def _run_workers(self) -> None:
        from trainables.core.ray.trainer import Trainer

        plan = self._plan
        # Tune's actor holds a sliver of a CPU: the workers leave it that, or the last group would wait for ever.
        resources = {"CPU": plan.cpus_per_worker - SLOT_CPUS}
        if plan.gpus_per_worker:
            resources["GPU"] = plan.gpus_per_worker
        try:
            Trainer(
                _work,
                train_loop_config={"mailbox": self._mailbox, "threads": max(1, int(plan.cpus_per_worker))},
                scaling_config=train.ScalingConfig(
                    num_workers=plan.workers, use_gpu=plan.gpus_per_worker > 0, resources_per_worker=resources
                ),
                run_config=train.RunConfig(
                    name=self._run_name,
                    storage_path=plan.storage,
                    failure_config=train.FailureConfig(max_failures=-1, controller_failure_limit=3),  # ty: ignore
                ),
            ).fit()
        except BaseException as error:  # shown by step(), in Tune's own thread
            self._error = error


class _Dashboard:
    """Ray lists a Train run for every trainer, which here is a slot; this adds one for each trial of it.

    A trial's run has its own name, state and parameters, and the workers and logs of the slot's. Ray has no public way
    to say so: where its own one changes, the trials are missing from that page and nothing else happens.
    """

    def __init__(self, slot: str) -> None:
        self._slot, self._trial, self._started_ns = slot, "", 0
        self._run: Any = None  # the slot's, and its last attempt: a worker group
        self._attempt: Any = None

    def show(self, job: Mapping[str, Any], report: Mapping[str, Any]) -> None:
        """The trial of `job` has given `report`, one of an epoch or the last one."""
        with contextlib.suppress(Exception):  # see above
            self._show(job, report)

    def _show(self, job: Mapping[str, Any], report: Mapping[str, Any]) -> None:
        from ray.train.v2._internal.state.schema import RunAttemptStatus, RunStatus
        from ray.train.v2._internal.state.state_actor import get_state_actor

        name, last = _name(job), bool(report.get("done"))
        if name == self._trial and not last:
            return
        if name != self._trial:
            self._trial, self._started_ns = name, time.time_ns()
        state: Any = get_state_actor()
        if self._run is None:
            runs = ray.get(state.get_train_runs.remote()).values()
            self._run = next(run for run in runs if run.name == self._slot)
            attempts = ray.get(state.get_train_run_attempts.remote())[self._run.id]
            self._attempt = list(attempts.values())[-1]
        status = "RUNNING" if not last else "ERRORED" if "failed" in report else "FINISHED"
        run, attempt = copy.copy(self._run), copy.copy(self._attempt)
        run.id, run.name = f"{self._run.id}-{name}", name
        run.status, run.status_detail = RunStatus(status), report.get("failed")
        run.run_settings = copy.copy(run.run_settings)
        run.run_settings.train_loop_config = dict(job["parameters"])
        attempt.run_id, attempt.status = run.id, RunAttemptStatus(status)
        for shown in (run, attempt):
            shown.start_time_ns, shown.end_time_ns = self._started_ns, time.time_ns() if last else None
        state.create_or_update_train_run.remote(run)
        state.create_or_update_train_run_attempt.remote(attempt)
        if "failed" in report:
            self._run = None  # another worker group may have taken its place


def _name(job: Mapping[str, Any]) -> str:
    """What Ray calls the trial of `job`."""
    return f"{job['study']}-{job['trial_id']}"


def _work(config: Mapping[str, Any]) -> None:
    """The loop of one worker: take a job, run it, say how it ended."""
    import torch

    from trainables.core.ray.trainer import join
    from trainables.core.training.workers import is_lost

    group = join()
    mailbox, done = config["mailbox"], 0
    name = group.agree(uuid.uuid4().hex)  # of this group; the one that replaces it after a death has another
    torch.set_num_threads(config["threads"])
    while (taken := ray.get(mailbox.take.remote(done, name))) is not None:
        done, job = taken
        last = _run(job, done, mailbox, group)
        gc.collect()
        lost = "failed" in last and is_lost(group.device)
        if group.device.type == "cuda" and not lost:
            torch.cuda.empty_cache()
        if group.leads or "failed" in last:
            ray.get(mailbox.report.remote(done, last | {"done": True}))
        # The other ranks wait in a collective, or the GPU answers this process no more: only a new group frees them.
        if "failed" in last and (group.world_size > 1 or lost):
            raise RuntimeError(last["failed"])
    if group.world_size > 1:
        torch.distributed.destroy_process_group()


def _run(job: dict[str, Any], number: int, mailbox: Any, group: Group) -> dict[str, Any]:
    """The last report of one job: its metrics, the study's baselines where it is them, or why there are none."""
    from trainables.core.baselines.record import BASELINES
    from trainables.core.training.trial import Stopped, TrialSpec, run_trial
    from trainables.core.training.workers import whereabouts

    workers = group.gather(whereabouts(group.device))

    def report(row: Mapping[str, Any]) -> bool:
        go_on = ray.get(mailbox.report.remote(number, dict(row))) if group.leads else True
        return group.agree(go_on)

    try:
        if job["trial_id"] == BASELINES:
            from trainables.core.baselines.measure import measure_baselines  # scikit-learn, a second

            return {"baselines": measure_baselines(TrialSpec(**job), group), "workers": workers}
        return {"metrics": run_trial(TrialSpec(**job), report, group), "workers": workers}
    except Stopped:
        return {"stopped": True}
    except Exception as error:  # any error of a trial is the trial's result; the study goes on
        return {"failed": f"{type(error).__name__}: {error}", "traceback": traceback.format_exc(), "workers": workers}
