"""The processes that train one model together, the few things they must agree on, and what each of them runs on."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import socket
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from torch import nn

from trainables.core.training.synchronised import synchronised


@dataclasses.dataclass(frozen=True)
class Group:
    """One process of a worker group; `Group()` is a single process on the CPU.

    With `world_size` above 1 the default process group of `torch.distributed` must be initialised.
    """

    rank: int = 0
    world_size: int = 1
    device: torch.device = dataclasses.field(default_factory=lambda: torch.device("cpu"))

    @property
    def leads(self) -> bool:
        """Whether this process writes files and reports."""
        return self.rank == 0

    def wrap(self, model: nn.Module) -> nn.Module:
        """`model` with its gradients averaged over the group."""
        if self.world_size == 1:
            return model
        devices = [self.device] if self.device.type == "cuda" else None
        return nn.parallel.DistributedDataParallel(model, device_ids=devices, broadcast_buffers=False)

    def one_batch(self, model: nn.Module, *, counts: bool) -> contextlib.AbstractContextManager[None]:
        """Within it, what the ranks give `model` is one batch to its BatchNorms; of a rank only where it `counts`."""
        return contextlib.nullcontext() if self.world_size == 1 else synchronised(model, counts=counts)

    def share_buffers(self, model: nn.Module) -> None:
        """Give every rank rank 0's buffers, which no gradient keeps equal."""
        if self.world_size > 1:
            for buffer in model.buffers():
                dist.broadcast(buffer, src=0)

    def gather(self, value: Any) -> list[Any]:
        """`value` of every rank, in rank order, on every rank."""
        if self.world_size == 1:
            return [value]
        values: list[Any] = [None] * self.world_size
        dist.all_gather_object(values, value)
        return values

    def agree(self, value: Any) -> Any:
        """Rank 0's `value`, on every rank."""
        if self.world_size == 1:
            return value
        box = [value]
        dist.broadcast_object_list(box, src=0)
        return box[0]


def device_name(device: torch.device) -> str:
    """The kind of `device`: the model of the GPU or of the CPU."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return "cpu"


def is_lost(device: torch.device) -> bool:
    """Whether an earlier error of a kernel has made `device` useless to this process; a new process can use it.

    Such an error comes back from every later call, whatever that call does.
    """
    if device.type != "cuda":
        return False
    try:
        torch.cuda.synchronize(device)
    except RuntimeError:
        return True
    return False


def whereabouts(device: torch.device) -> dict[str, str]:
    """The host, the kind of device, and which of the host's GPUs this process was given (`""` for none)."""
    given = os.environ.get("CUDA_VISIBLE_DEVICES", "")
    return {"host": socket.gethostname(), "device": device_name(device), "gpus": given}
