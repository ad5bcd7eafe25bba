"""The precision that networks compute in: asked for by a config, given where the device has it."""

from __future__ import annotations

import functools

import torch

from trainables.core.config import TrainerConfig


def autocast(config: TrainerConfig, device: torch.device) -> torch.autocast:
    """The precision that a network of `config` trains, is evaluated and serves in."""
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=in_bfloat16(config, device))


def in_bfloat16(config: TrainerConfig, device: torch.device) -> bool:
    """Whether a network of `config` computes in bfloat16 on `device`, in float32 else."""
    return asks_for_bfloat16(config, device.type) and computes_bfloat16(device.type)


def asks_for_bfloat16(config: TrainerConfig, kind: str) -> bool:
    """Whether a network of `config` computes in bfloat16 on a device of `kind`, `cpu` or `cuda`, that has it."""
    return config.precision == "bfloat16" or (config.precision == "auto" and kind == "cuda")


@functools.cache
def computes_bfloat16(kind: str) -> bool:
    """Whether devices of this kind compute in bfloat16 here; those that imitate it take several times as long as float32."""
    if kind == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    return torch.backends.mkldnn.is_available() and torch.ops.mkldnn._is_mkldnn_bf16_supported()
