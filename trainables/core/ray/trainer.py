"""Ray Train's trainer for slots: no process more than a slot needs, none left behind, and no torch but in the workers.

Ray's `TorchTrainer` imports torch into each of its processes, three seconds of a core and half a gigabyte in each, and
starts an actor for Ray Data, which is not used here. It also starts a detached actor that frees the group's resources when
the controller is gone. Measured on ray 2.60: afterwards that one stays for ever, since it leaves from a thread other than
its main one, which ends only the thread; and where `RAY_ADDRESS` is unset and a second cluster runs on the machine, it
fails, and the resources are never freed.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import ray
from ray import train
from ray.exceptions import RayActorError, RayError
from ray.train.backend import Backend, BackendConfig
from ray.train.v2._internal.callbacks import placement_group_callback
from ray.train.v2._internal.callbacks.datasets import DatasetsCallback
from ray.train.v2._internal.callbacks.placement_group_callback import PlacementGroupCleanerCallback
from ray.train.v2._internal.constants import get_env_vars_to_propagate
from ray.train.v2._internal.exceptions import WorkerGroupStartupTimeoutError, WorkerHealthCheckFailedError
from ray.train.v2._internal.execution.controller import TrainController
from ray.train.v2._internal.execution.controller.placement_group_cleaner import PlacementGroupCleaner
from ray.train.v2._internal.execution.failure_handling import FailureDecision
from ray.train.v2._internal.execution.failure_handling.default import DefaultFailurePolicy
from ray.train.v2.api.data_parallel_trainer import DataParallelTrainer
from ray.train.v2.api.exceptions import TrainingFailedError, WorkerGroupError

from trainables.core.ray.causes import cause
from trainables.core.ray.interface import interface_of

if TYPE_CHECKING:
    from trainables.core.training.workers import Group


MOST_IDLE_DEATHS = 1  # of groups in a row that never had a trial


class TrialFailed(Exception):
    """A trial of several workers ended in an error: its id, the turn in which it did, and its last report."""

    def __init__(self, trial_id: str, turn: str, last: dict[str, Any]) -> None:
        super().__init__(trial_id, turn, last)
        self.trial_id, self.turn, self.last = trial_id, turn, last

    def __str__(self) -> str:
        return self.last["failed"]


@dataclasses.dataclass(frozen=True)
class Death:
    """The end of a worker group: why, and whether by its own doing. `failed` is the trial's own error, where that was all."""

    reason: str
    own: bool
    failed: TrialFailed | None = None


class Trainer(DataParallelTrainer):
    """Runs a loop in each of several workers, which meet by `join`; a group that dies is followed by another one.

    `told` is called, in the controller, of each `Death` of a group. It answers whether the group had been of use; after
    more than `MOST_IDLE_DEATHS` in a row that had not, `fit` raises.
    """

    def __init__(self, *given: Any, told: Callable[[Death], bool], **named: Any) -> None:
        super().__init__(*given, backend_config=_Config(), **named)
        self._told = told
        self.controller: Any = None

    def _initialize_and_run_controller(self, **given: Any) -> Any:
        """As Ray Train's, with the policy below; and the controller is kept, so that it can be ended from outside."""
        given["failure_policy"] = _Policy(self.run_config.failure_config, self._told)
        variables = {"RAY_WARN_BLOCKING_GET_INSIDE_ASYNC": "0", **get_env_vars_to_propagate()}
        here = {ray._raylet.RAY_NODE_ID_KEY: ray.get_runtime_context().get_node_id()}  # ty: ignore[missing-attribute]
        actor: Any = ray.remote(num_cpus=0, label_selector=here, runtime_env={"env_vars": variables})(TrainController)
        controller = self.controller = actor.remote(**given)
        ray.get(controller.run.remote())
        return ray.get(controller.get_result.remote())

    def _create_default_callbacks(self) -> list[Any]:
        found = [one for one in super()._create_default_callbacks() if not isinstance(one, DatasetsCallback)]
        return [_CleanerCallback() if isinstance(one, PlacementGroupCleanerCallback) else one for one in found]


def join() -> Group:
    """The group of the worker that this is called in; the first thing that every worker does.

    Tensors on GPUs travel by NCCL, everything else by gloo. Ray may count GPUs that are not there (`--num-gpus=4`): what
    rank 0's torch sees is what counts. Left alone, gloo takes the address of the machine's name, which on many leads to the
    machine itself (127.0.1.1) and from no other one to it: it is told the interface that Ray uses.
    """
    import torch
    from ray.train.collective import broadcast_from_rank_zero
    from ray.train.torch import get_device

    from trainables.core.training.workers import Group

    context, real = train.get_context(), torch.cuda.is_available()
    rank, size = context.get_world_rank(), context.get_world_size()
    if size > 1:
        where = broadcast_from_rank_zero((_free_address(), real) if rank == 0 else None)
        assert where is not None
        address, real = where
        if interface := interface_of(ray.util.get_node_ip_address()):
            os.environ.setdefault("GLOO_SOCKET_IFNAME", interface)
        backend = "cpu:gloo,cuda:nccl" if real else "gloo"
        torch.distributed.init_process_group(backend, init_method=address, rank=rank, world_size=size)
    return Group(rank, size, get_device() if real else torch.device("cpu"))


def _free_address() -> str:
    from ray._common.network_utils import build_address
    from ray.train._internal.utils import get_address_and_port

    return f"tcp://{build_address(*get_address_and_port())}"


class _Policy(DefaultFailurePolicy):
    """Another group for each that died, of which it tells first; and any time to wait for a place."""

    def __init__(self, config: Any, told: Callable[[Death], bool]) -> None:
        super().__init__(config)
        self._tell, self._idle = told, 0

    def make_decision(self, training_failed_error: TrainingFailedError) -> FailureDecision:
        if not isinstance(training_failed_error, WorkerGroupError):
            failure = getattr(training_failed_error, "controller_failure", None)
            if isinstance(failure, WorkerGroupStartupTimeoutError):  # Ray has no place for it yet: that is no failure
                return FailureDecision.RETRY
            return super().make_decision(training_failed_error)
        of_use = self._tell(_death(training_failed_error))
        self._idle = 0 if of_use else self._idle + 1
        return FailureDecision.RAISE if self._idle > MOST_IDLE_DEATHS else FailureDecision.RETRY


def _death(error: WorkerGroupError) -> Death:
    found = list(error.worker_failures.values())
    lost = [one.health_check_failure for one in found if isinstance(one, WorkerHealthCheckFailedError)]
    words = "\n".join(str(one) for one in lost)
    if any(isinstance(one, RayActorError) and one.preempted for one in lost):
        return Death("Its machine was taken back.", own=False)
    if "node has died" in words:
        return Death("Its machine died.", own=False)
    if "running low on memory" in words:
        return Death("Ray ended its worker, since the machine ran out of memory.", own=True)
    if lost:
        return Death(f"Its worker died: {cause(lost[0])}", own=True)
    if failed := next((one for one in found if isinstance(one, TrialFailed)), None):
        return Death(str(failed), own=True, failed=failed)
    if all(isinstance(one, RayError) for one in found):
        return Death("The queue of the study's trials died.", own=False)
    return Death(f"Its worker ended: {cause(found[0])}", own=True)


class _Backend(Backend):
    share_cuda_visible_devices = True  # ranks of one node that see each other's GPUs copy between them directly


class _Config(BackendConfig):
    @property
    def backend_cls(self) -> type[Backend]:
        return _Backend


class Cleaner(PlacementGroupCleaner):
    """Knows its own cluster, and leaves when it is done."""

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        context = ray.get_runtime_context()
        os.environ["RAY_ADDRESS"] = context.gcs_address
        self._self = context.current_actor

    def _monitor_loop(self) -> None:
        super()._monitor_loop()
        if self._exiting:
            ray.kill(self._self)


class _CleanerCallback(PlacementGroupCleanerCallback):
    def after_controller_start(self, train_run_context: Any) -> None:
        # In the controller's process, which is this group's own.
        placement_group_callback.PlacementGroupCleaner = Cleaner  # ty: ignore[invalid-assignment]
        super().after_controller_start(train_run_context)
