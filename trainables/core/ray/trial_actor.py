"""Tune's side of a trial: an actor that puts it into the study's queue and hands on what its workers say."""

from __future__ import annotations

import contextlib
import copy
import time
from collections.abc import Mapping
from typing import Any

import ray
from ray import tune

# What Tune's actor holds of a CPU: Tune wants it to hold something. Each worker leaves a little more than that free, or the
# last one would wait for ever.
ACTOR_CPUS = 0.001
LEFT_FREE = 0.01


class TrialActor(tune.Trainable):
    """Every trial that Tune gives to this actor goes into `queue` (a `TrialQueue`), where a slot takes it.

    `step()` returns one report; the last one carries `done` and either the metrics or `failed`. It raises where the queue
    does not know the trial any more: then Tune gives the trial up, and the bookkeeper hands it out again.
    """

    def setup(self, config: dict[str, Any], queue: Any = None) -> None:
        self._queue, self._trial_id = queue, ""
        self._dashboard = _Dashboard()
        self._submit(config)

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        self._submit(new_config)
        return True

    def step(self) -> dict[str, Any]:
        report = None
        while report is None:
            report = ray.get(self._queue.next_report.remote(self._trial_id, self._seen, 10.0))
        if report.pop("unknown", False):
            raise RuntimeError("The queue of the study's trials died, and with it what was said of this trial.")
        self._seen += 1
        self._dashboard.show(report.pop("slot"), self._spec, report)
        return report

    def save_checkpoint(self, checkpoint_dir: str) -> None:
        """Tune holds no checkpoint: a trial's lies in its own folder."""

    def load_checkpoint(self, checkpoint: Any) -> None:
        """See `save_checkpoint`."""

    def _submit(self, config: dict[str, Any]) -> None:
        self._spec = config["spec"]
        before, self._trial_id = self._trial_id, self._spec["trial_id"]
        submitted = self._queue.submit.remote(self._trial_id, self._spec, config.get("deaths", 0), after=before)
        self._seen = ray.get(submitted)
        self._queue.training.options(name=_name(self._spec)).remote(self._trial_id)


class _Dashboard:
    """Ray lists a Train run for every trainer, which here is a slot; this adds one for each trial of it.

    A trial's run has its own name, state and parameters, and the workers and logs of the slot's. Ray has no public way
    to say so: where its own one changes, the trials are missing from that page and nothing else happens.
    """

    def __init__(self) -> None:
        self._shown: tuple[str, str] = ("", "")  # slot and trial
        self._started_ns = 0

    def show(self, slot: str, spec: Mapping[str, Any], report: Mapping[str, Any]) -> None:
        """The trial of `spec`, in `slot`, has given `report`, one of an epoch or the last one."""
        with contextlib.suppress(Exception):  # see above
            self._show(slot, spec, report)

    def _show(self, slot: str, spec: Mapping[str, Any], report: Mapping[str, Any]) -> None:
        from ray.train.v2._internal.state.schema import RunAttemptStatus, RunStatus
        from ray.train.v2._internal.state.state_actor import get_state_actor

        name, last = _name(spec), bool(report.get("done"))
        if not slot or ((slot, name) == self._shown and not last):
            return
        if name != self._shown[1]:
            self._started_ns = time.time_ns()
        self._shown = (slot, name)
        state: Any = get_state_actor()
        runs = ray.get(state.get_train_runs.remote()).values()
        slots = next(run for run in runs if run.name == slot)
        attempts = ray.get(state.get_train_run_attempts.remote())[slots.id]
        status = "RUNNING" if not last else "ERRORED" if "failed" in report else "FINISHED"
        run, attempt = copy.copy(slots), copy.copy(list(attempts.values())[-1])  # a worker group is an attempt
        run.id, run.name = f"{slots.id}-{name}", name
        run.status, run.status_detail = RunStatus(status), report.get("failed")
        run.run_settings = copy.copy(run.run_settings)
        run.run_settings.train_loop_config = dict(spec["parameters"])
        attempt.run_id, attempt.status = run.id, RunAttemptStatus(status)
        for shown in (run, attempt):
            shown.start_time_ns, shown.end_time_ns = self._started_ns, time.time_ns() if last else None
        state.create_or_update_train_run.remote(run)
        state.create_or_update_train_run_attempt.remote(attempt)


def _name(spec: Mapping[str, Any]) -> str:
    """What Ray calls the trial of `spec`."""
    return f"{spec['study']}-{spec['trial_id']}"
