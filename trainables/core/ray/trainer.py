"""Ray Train's trainer for slots: no process more than a slot needs, none left behind, and no torch but in the workers.

Ray's `TorchTrainer` imports torch into each of its processes, three seconds of a core and half a gigabyte in each, and
starts an actor for Ray Data, which is not used here. It also starts a detached actor that frees the group's resources when
the controller is gone. Measured on ray 2.60: afterwards that one stays for ever, since it leaves from a thread other than
its main one, which ends only the thread; and where `RAY_ADDRESS` is unset and a second cluster runs on the machine, it
fails, and the resources are never freed.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import ray
from ray import train
from ray.train.backend import Backend, BackendConfig
from ray.train.v2._internal.callbacks import placement_group_callback
from ray.train.v2._internal.callbacks.datasets import DatasetsCallback
from ray.train.v2._internal.callbacks.placement_group_callback import PlacementGroupCleanerCallback
from ray.train.v2._internal.execution.controller.placement_group_cleaner import PlacementGroupCleaner
from ray.train.v2.api.data_parallel_trainer import DataParallelTrainer

if TYPE_CHECKING:
    from trainables.core.training.workers import Group


class Trainer(DataParallelTrainer):
    """Runs a loop in each of several workers, which meet by `join`."""

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, backend_config=_Config(), **named)

    def _create_default_callbacks(self) -> list[Any]:
        found = [one for one in super()._create_default_callbacks() if not isinstance(one, DatasetsCallback)]
        return [_CleanerCallback() if isinstance(one, PlacementGroupCleanerCallback) else one for one in found]


def join() -> Group:
    """The group of the worker that this is called in; the first thing that every worker does.

    Tensors on GPUs travel by NCCL, everything else by gloo. Ray may count GPUs that are not there (`--num-gpus=4`): what
    rank 0's torch sees is what counts.
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
        backend = "cpu:gloo,cuda:nccl" if real else "gloo"
        torch.distributed.init_process_group(backend, init_method=address, rank=rank, world_size=size)
    return Group(rank, size, get_device() if real else torch.device("cpu"))


def _free_address() -> str:
    from ray._common.network_utils import build_address
    from ray.train._internal.utils import get_address_and_port

    return f"tcp://{build_address(*get_address_and_port())}"


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
