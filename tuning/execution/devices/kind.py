"""Which kind of device a trial would be trained on now, asked before it is placed."""

from __future__ import annotations

from collections.abc import Callable

from trainables.core.training.memory.measured import name_here
from tuning.execution.devices.memory import on_device
from tuning.execution.devices.placement import CPU, Placement, slots_of
from tuning.execution.reachable import given_address
from tuning.execution.session import Session


def device_kind(placement: Placement, session: Callable[[], Session]) -> str:
    """The model of the GPU or CPU that the next trial gets, as `Trial.device` has it; `""` where it cannot be told.

    Without a cluster it is this machine's. Of a cluster, which `session` joins, a process that has what a worker has is asked;
    where its machines differ, that is one of them.
    """
    if not given_address():
        return name_here(gpu=placement.gpus_per_worker != 0 and placement.device_kind != CPU)
    try:
        fit = slots_of(placement, session(), 1)
        here = fit.bound(placement)
        return on_device(here, fit.gpus_per_worker, name_here)
    except (OSError, ValueError, RuntimeError, MemoryError):
        return ""
