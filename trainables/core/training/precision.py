"""The precision that networks compute in."""

from __future__ import annotations

import functools

import torch

from trainables.core.config import TrainerConfig


def autocast(config: TrainerConfig, device: torch.device) -> torch.autocast:
    """The precision that a network of `config` trains, is evaluated and serves in."""
    asked = config.precision == "bfloat16" or (config.precision == "auto" and device.type == "cuda")
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=asked and computes_bfloat16(device.type))


@functools.cache
def computes_bfloat16(kind: str) -> bool:
    """Whether devices of this kind compute in bfloat16 here; those that imitate it take several times as long as float32."""
    if kind == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    return torch.backends.mkldnn.is_available() and torch.ops.mkldnn._is_mkldnn_bf16_supported()
