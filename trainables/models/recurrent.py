"""How every network here runs its recurrent layers: in float32, whatever precision is asked around them."""

from __future__ import annotations

import torch
from torch import Tensor, nn


def in_float32(layer: nn.Module, x: Tensor) -> Tensor:
    """What the recurrent `layer` answers at each step, outside autocast: (B, T, D) of any precision -> (B, T, hidden).

    Under autocast cuDNN's recurrent layers run in half precision, whichever type was asked for. Small gradients then
    become zeros, since nothing here scales the loss (bfloat16 does not need it). A function and not a layer of its own:
    `torch.compile` knows how to leave its graph at torch's recurrent layers, and fails at what inherits from them.
    """
    kind = x.device.type
    if kind == "meta":  # which knows no autocast
        return layer(x.float())[0]
    if not torch.is_autocast_enabled(kind):
        return layer(x)[0]
    with torch.autocast(kind, enabled=False):
        return layer(x.float())[0]
