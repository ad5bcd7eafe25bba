"""What a trial ran on: times compare only on one kind of device."""

from __future__ import annotations

import contextlib
import os
import socket
from pathlib import Path

import torch


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
