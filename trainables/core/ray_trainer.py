"""Ray's `TorchTrainer` with two things mended: what it leaves behind, and how its workers talk where a GPU is only a number.

Every `TorchTrainer` starts a detached actor that frees the group's resources when the controller is gone. Measured on ray
2.60: afterwards it stays for ever, since it leaves from a thread other than its main one, which ends only the thread; and
where `RAY_ADDRESS` is unset and a second cluster runs on the machine, it fails, and the resources are never freed.
"""

from __future__ import annotations

import dataclasses
import os
from typing import Any

import ray
import torch
from ray.train.torch import TorchConfig
from ray.train.torch.config import _TorchBackend
from ray.train.v2._internal.callbacks import placement_group_callback
from ray.train.v2._internal.callbacks.placement_group_callback import PlacementGroupCleanerCallback
from ray.train.v2._internal.execution.controller.placement_group_cleaner import PlacementGroupCleaner
from ray.train.v2.torch.torch_trainer import TorchTrainer


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


class _Backend(_TorchBackend):
    """Tensors on GPUs travel by NCCL, everything else by gloo; Ray would ask for NCCL wherever GPUs are asked for."""

    def on_start(self, worker_group: Any, backend_config: TorchConfig) -> None:
        real = all(worker_group.execute(torch.cuda.is_available))
        backend = "cpu:gloo,cuda:nccl" if real else "gloo"
        super().on_start(worker_group, dataclasses.replace(backend_config, backend=backend))


@dataclasses.dataclass
class _Config(TorchConfig):
    @property
    def backend_cls(self) -> type[_Backend]:
        return _Backend


class Trainer(TorchTrainer):
    """A `TorchTrainer` with that cleaner and those backends."""

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, torch_config=_Config(), **named)

    def _create_default_callbacks(self) -> list[Any]:
        found = super()._create_default_callbacks()
        return [_CleanerCallback() if isinstance(one, PlacementGroupCleanerCallback) else one for one in found]
