"""What a step really takes, measured on a device; and what a device has."""

from __future__ import annotations

import ctypes
import gc
import math
import os
from pathlib import Path

import torch

from trainables.core import lookup
from trainables.core.config import TrainerConfig
from trainables.core.training.layout import channels_last
from trainables.core.training.memory.forecast import Forecast, one_step
from trainables.core.training.precision import computes_bfloat16
from trainables.core.training.workers import device_name

_USABLE = {"cpu": 0.85, "cuda": 0.95}  # share of a device's memory; on a CPU Ray and the driver want some of it


def measured_step(
    trainable: str, config: TrainerConfig, device: torch.device, *, workers: int = 1, parts: int = 0
) -> int:
    """Bytes that `one_step` adds to its network on `device`: what `Forecast.step` foresees. Nothing of it stays.

    On a GPU the most that tensors took, on a CPU the most that the process held: no other thread of it may be at work.
    """
    with torch.random.fork_rng(devices=[]):
        model = lookup.load("trainables", trainable, "trainable").build_model(config)
        model = channels_last(model.to(device))
        gc.collect()
        before = _restart(device)
        one_step(model, config, device, math.ceil(config.batch_size / workers), parts=parts)
        peak = _most(device)
    del model
    gc.collect()
    if device.type == "cuda":
        torch.cuda.empty_cache()
    return peak - before


def gaps_of(forecast: Forecast, measured: int) -> float:
    """By how much more than is alive a device holds, where a step of `forecast` took `measured` bytes; never below 1."""
    return max(1.0, measured / forecast.step)


def this_device() -> torch.device:
    """What this process trains on: the GPU that it was given, else the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def name_here(*, gpu: bool = True) -> str:
    """The kind of `this_device`, as trials tell it (`device_name`); of the CPU where no `gpu` is to be used."""
    return device_name(this_device() if gpu else torch.device("cpu"))


def capacity_here() -> tuple[str, int, bool]:
    """The kind of `this_device`, its `capacity`, and whether it `computes_bfloat16`."""
    return this_device().type, capacity(this_device()), computes_bfloat16(this_device().type)


def step_here(trainable: str, config: TrainerConfig, about: dict[str, int]) -> int:
    """`measured_step` on `this_device`; `about` are its `workers` and `parts`. Raises `MemoryError` where a GPU is full."""
    try:
        return measured_step(trainable, config, this_device(), **about)
    except torch.OutOfMemoryError as error:
        raise MemoryError(str(error)) from error


def capacity(device: torch.device | str) -> int:
    """The bytes of memory that `device` has in all: of a CPU, what the machine or its container may use."""
    if torch.device(device).type == "cuda":
        return torch.cuda.get_device_properties(device).total_memory
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return min([machine, *_limits(Path("/proc/self/cgroup"), Path("/sys/fs/cgroup"))])


def room_of(device: torch.device, share: float = 1.0) -> int:
    """The bytes that a worker with that `share` of `device` may take; some are left to others."""
    return usable(device.type, capacity(device), share)


def usable(kind: str, num_bytes: int, share: float = 1.0) -> int:
    """What `room_of` says of a device of that `kind`, `cpu` or `cuda`, with `num_bytes` of memory."""
    return int(share * _USABLE[kind] * num_bytes)


def _limits(own: Path, groups: Path) -> list[int]:
    """What the groups of processes that this one is in may use together, by either version of Linux's control groups."""
    limits = []
    for line in own.read_text().splitlines() if own.is_file() else ():
        _, controllers, path = line.split(":", 2)
        inside = Path(path.lstrip("/"))
        for group in (inside, *inside.parents):
            if not controllers:
                limits.append(groups / group / "memory.max")
            elif "memory" in controllers.split(","):
                limits.append(groups / "memory" / group / "memory.limit_in_bytes")
    words = [limit.read_text().strip() for limit in limits if limit.is_file()]
    return [int(word) for word in words if word.isdigit()]


def _restart(device: torch.device) -> int:
    """What is taken now, from where on the most is counted."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
        torch.cuda.reset_peak_memory_stats(device)
        return torch.cuda.memory_allocated(device)
    ctypes.CDLL(None).malloc_trim(0)  # what was freed goes back, else it would be taken again unseen
    Path("/proc/self/clear_refs").write_text("5")  # the most that this process held is what it holds now
    return _status("VmRSS")


def _most(device: torch.device) -> int:
    return torch.cuda.max_memory_allocated(device) if device.type == "cuda" else _status("VmHWM")


def _status(key: str) -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        name, value = line.split(":", 1)
        if name == key:
            return int(value.split()[0]) * 1024  # it says kB and means KiB
    raise OSError(f"/proc/self/status has no {key}.")
