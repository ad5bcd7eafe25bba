"""The slots of a study: long-lived Ray Train worker groups that take trial after trial, from search to refit.

Ray's documented pattern starts a fresh `TorchTrainer` for every trial: half a minute of process starts and imports each. Here
the driver keeps `Slots`, each of which is one run of Ray Train (`trainer.py`) in a thread; its workers take their trials from
the study's queue (`trial_queue.py`), where Tune's actors put them (`trial_actor.py`):

    Tune -> TrialActor.step() <- reports <- TrialQueue <- report() <- worker: run_trial(...)
            TrialActor.setup() -> spec ->              -> take()   ->

A slot that ends for any reason that it was not asked for is followed by another, and its trial is taken again.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import socket
import threading
import time
import uuid
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

import ray
from ray import train
from ray.exceptions import RayError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from trainables.core.ray.causes import cause
from trainables.core.ray.trial_actor import LEFT_FREE
from trainables.core.ray.trial_queue import TrialQueue
from trainables.core.ray.worker_loop import work

if TYPE_CHECKING:
    from trainables.core.ray.trainer import Death

TICK_S = 0.5
IDLE_S = 10.0  # that a slot without a trial is kept for the next phase
HOME_S = 10.0  # that workers have to go home
QUEUE_S = 60.0  # for an answer of the queue, which may have to be begun anew
MOST_STARTS = 3  # in a row that came to nothing
MOST_TICKS = 20  # in a row that failed
UNPLACED_S = 60.0  # until a study that has no slot says what it waits for


@dataclasses.dataclass(frozen=True, kw_only=True)
class SlotPlan:
    """What one slot occupies, and where Ray Train keeps its notes."""

    run_name: str
    storage: str
    workers: int = 1
    cpus_per_worker: float = 1
    gpus_per_worker: float = 0
    accelerator_type: str | None = None

    @property
    def scaling(self) -> train.ScalingConfig:
        """What is asked of Ray, whose autoscaler sees it."""
        resources = {"CPU": self.cpus_per_worker - LEFT_FREE}
        if self.gpus_per_worker:
            resources["GPU"] = self.gpus_per_worker
        return train.ScalingConfig(
            num_workers=self.workers,
            use_gpu=self.gpus_per_worker > 0,
            resources_per_worker=resources,
            accelerator_type=self.accelerator_type,
        )


class Share(Protocol):
    """What of a cluster a study may use."""

    def allowed(self, held: int, wanted: int) -> int:
        """How many slots it may have now, where `held` have workers and it could use `wanted`, those included."""
        ...

    @property
    def waits_for(self) -> str:
        """For what and behind whom it waits; `""` where it does not."""
        ...


class _Slot:
    """One run of Ray Train, in a thread of its own."""

    def __init__(self, plan: SlotPlan, queue: Any) -> None:
        self.plan, self.error = plan, ""
        # A name of its own: Ray Train would silently resume a run of the same name.
        self.name = f"{plan.run_name}-slot-{uuid.uuid4().hex[:6]}"
        self._queue = queue
        self._trainer: Any = None
        self._ended = False
        self.thread = threading.Thread(target=self._run, daemon=True, name=self.name)
        self.thread.start()

    def end(self) -> None:
        """End it now, whatever it does; that is no error of its own."""
        self._ended = True
        controller = getattr(self._trainer, "controller", None)
        if controller is not None:
            with contextlib.suppress(Exception):  # it is gone
                ray.kill(controller)

    def _run(self) -> None:
        from trainables.core.ray.trainer import Trainer

        threads = max(1, int(self.plan.cpus_per_worker))
        try:
            self._trainer = Trainer(
                work,
                told=functools.partial(_tell, self._queue, self.name),
                train_loop_config={
                    "queue": self._queue,
                    "slot": self.name,
                    "threads": threads,
                    "folder": self.plan.storage,
                },
                scaling_config=self.plan.scaling,
                run_config=train.RunConfig(
                    name=self.name,
                    storage_path=self.plan.storage,
                    failure_config=train.FailureConfig(max_failures=-1, controller_failure_limit=3),  # ty: ignore
                ),
            )
            self._trainer.fit()
        except BaseException as error:  # whatever Ray raises: told by `Slots`, in the driver's own thread
            self.error = "" if self._ended else str(error).strip() or type(error).__name__


def _tell(queue: Any, slot: str, death: Death) -> bool:
    """Tell the queue of a group that ended, from the controller; whether it had a trial."""
    try:
        if death.failed:
            last = {**death.failed.last, "done": True}
            ray.get(queue.report.remote(death.failed.trial_id, death.failed.turn, last), timeout=QUEUE_S)
        return ray.get(queue.ended.remote(slot, death.reason, death.own), timeout=QUEUE_S)
    except RayError:
        return True


def _new_queue(name: str, max_attempts: int) -> Any:
    """The queue of one study, on the driver's machine if it can be; an actor that dies is begun anew."""
    here: Any = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=True)
    actor = ray.remote(num_cpus=0, max_restarts=-1, max_task_retries=-1)(TrialQueue)
    return actor.options(name=f"{name}-{uuid.uuid4().hex[:6]}", scheduling_strategy=here).remote(max_attempts, is_gone)


class Slots:
    """Opens and ends the slots of one study, `target` of them at most, within its `share` of the cluster. A context.

    `granted` is how many trials may run now. `lost` is true once Ray has no machine left. A slot for which there is no use
    goes home after `IDLE_S`, or once its place is somebody else's.
    """

    def __init__(self, share: Share, *, name: str, max_attempts: int = 3) -> None:
        self.share, self.granted, self.target = share, 0, 0
        self.lost = False
        self._failure = ""  # of the last starts, after which nothing more is opened
        self._unplaced_since = time.monotonic()
        self._plan: SlotPlan | None = None
        self._slots: list[_Slot] = []
        self._placed: set[str] = set()  # the names of those that have workers
        self._failed_starts, self._needed_at = 0, time.monotonic()
        self._ticking, self._closing = threading.Lock(), threading.Event()
        self.queue = _new_queue(name, max_attempts)
        self._thread = threading.Thread(target=self._follow, daemon=True, name="slots")

    def __enter__(self) -> Slots:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """The workers go home; after an error, or seconds later, they are ended."""
        self._closing.set()
        self._thread.join(timeout=10 * TICK_S)
        if kind is None:
            with contextlib.suppress(RayError):
                ray.get(self.queue.close.remote(), timeout=HOME_S)
        self._wait(0.0 if kind else HOME_S)
        for slot in self._slots:
            slot.end()
        self._wait(HOME_S)

    def want(self, target: int, plan: SlotPlan | None = None) -> None:
        """From now on so many slots, of `plan` if it is given: those of another one go home after their trial."""
        self._plan, self.target = plan or self._plan, target
        if plan:
            self._failure, self._failed_starts = "", 0
            self._tick()

    @property
    def trouble(self) -> str:
        """Why no slot can be had; `""` where there is one, or may be."""
        return "" if self._placed else self._failure

    @property
    def waits_for(self) -> str:
        """What the study waits for and behind whom; `""` where it has what it wants."""
        plan, waited = self._plan, time.monotonic() - self._unplaced_since >= UNPLACED_S
        if self.share.waits_for or plan is None or not self._slots or self._placed or not waited:
            return self.share.waits_for
        asked = f"{plan.workers} x {plan.cpus_per_worker:g} CPU"
        if plan.gpus_per_worker:
            asked += f" and {plan.gpus_per_worker:g} {plan.accelerator_type or 'GPU'}"
        return f"The study waits for a place of {asked}; `ray status` shows what Ray has"

    def cancel(self, trial_ids: Sequence[str]) -> None:
        """Stop trials that nobody follows any more."""
        with contextlib.suppress(RayError):
            self.queue.cancel.remote(list(trial_ids))

    def _follow(self) -> None:
        failed = 0
        while not self._closing.wait(TICK_S):
            try:
                self._tick()
                failed = 0
            except RayError:  # the queue is begun anew, or Ray has ended, which the next look shows
                pass
            except Exception as error:
                failed += 1
                if failed >= MOST_TICKS:
                    self._failure, self._placed = f"The slots cannot be looked after: {cause(str(error))}", set()

    def _tick(self) -> None:
        with self._ticking:
            self.lost = not any(node["Alive"] for node in ray.nodes())
            if self.lost:
                return
            for slot in [one for one in self._slots if not one.thread.is_alive()]:
                self._slots.remove(slot)
                self._ended(slot)
            placed = [slot for slot in self._slots if slot.name in self._placed]
            opening = [slot for slot in self._slots if slot.name not in self._placed]
            now = time.monotonic()
            if self.target >= len(self._slots):
                self._needed_at = now
            allowed = self.share.allowed(len(placed), self.target)
            self.granted = min(self.target, allowed)
            of_use = now - self._needed_at < IDLE_S and allowed >= self.target
            former = [slot.name for slot in self._slots if slot.plan != self._plan]
            kept = self.queue.keep.remote(len(self._slots) if of_use else self.granted, former)
            self._placed = set(ray.get(kept, timeout=QUEUE_S))
            if self._placed or not self._slots:
                self._unplaced_since = now
            if self._failure:  # what has a slot goes on there
                self.granted = min(self.granted, len(self._placed))
            elif self._plan and not self._closing.is_set():
                missing = self.granted - (len(self._slots) - len(former))
                self._slots += [_Slot(self._plan, self.queue) for _ in range(missing)]
                for slot in opening[: max(0, -missing)] if not of_use else []:
                    slot.end()

    def _ended(self, slot: _Slot) -> None:
        """Its thread is over: by `error`, else because the queue had nothing more for it."""
        reason = f"The slot that trained it ended: {cause(slot.error)}" if slot.error else "It went home."
        served = ray.get(self.queue.ended.remote(slot.name, reason, False), timeout=QUEUE_S)
        if not slot.error or served:
            self._failed_starts = 0
            return
        self._failed_starts += 1
        if self._failed_starts >= MOST_STARTS:
            self._failure = f"No slot could be started, though it was tried {MOST_STARTS} times: {cause(slot.error)}"

    def _wait(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        for slot in self._slots:
            slot.thread.join(timeout=max(0.0, deadline - time.monotonic()))
        self._slots = [slot for slot in self._slots if slot.thread.is_alive()]


def is_gone(node: str, timeout_s: float = 2.0) -> bool:
    """Whether the node of that id, or the Ray on it, is there no more. A node that was never heard of is."""
    found = next((one for one in ray.nodes() if one["NodeID"] == node), None)
    if found is None or not found["Alive"]:
        return True
    try:
        address = (found["NodeManagerAddress"], found["NodeManagerPort"])
        socket.create_connection(address, timeout=timeout_s).close()
    except OSError:
        return True
    return False
