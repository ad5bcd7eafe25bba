"""Ray Train's clean-up after a worker group whose controller was killed, with its two leaks mended.

Every `TorchTrainer` starts a detached actor that frees the group's resources when the controller is gone. Measured on ray
2.60: afterwards it stays for ever, since it leaves from a thread other than its main one, which ends only the thread; and
where `RAY_ADDRESS` is unset and a second cluster runs on the machine, it fails, and the resources are never freed.
"""

from __future__ import annotations

import os
from typing import Any

import ray
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


class Trainer(TorchTrainer):
    """A `TorchTrainer` with that cleaner."""

    def _create_default_callbacks(self) -> list[Any]:
        found = super()._create_default_callbacks()
        return [_CleanerCallback() if isinstance(one, PlacementGroupCleanerCallback) else one for one in found]
