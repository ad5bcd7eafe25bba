"""How a network lies in memory while it trains: channel by channel within a pixel, as frames do."""

from __future__ import annotations

import torch
from torch import nn

LAYOUTS = {4: torch.channels_last, 5: torch.channels_last_3d}
BLOCK = 16  # channels that oneDNN takes at once on AVX-512; 8 on AVX2


def channels_last(model: nn.Module) -> nn.Module:
    """`model` itself, with the weights of its convolutions laid out channels last.

    Gradients of a strided convolution of 1 x 1 on few channels then come from a kernel of oneDNN that writes past its
    memory: a crash, a hang or wrong numbers (oneDNN issue 6035, in torch 2.15). Such a convolution is given the pixels
    that it reads and no stride, which is the same sum.
    """
    for module in model.modules():
        if isinstance(module, (nn.Conv2d, nn.Conv3d)) and _overruns(module):
            _read_every(module, module.stride)
    for parameter in model.parameters():
        if parameter.ndim in LAYOUTS:
            parameter.data = parameter.data.contiguous(memory_format=LAYOUTS[parameter.ndim])
    return model


def _overruns(conv: nn.Conv2d | nn.Conv3d) -> bool:
    pointwise = set(conv.kernel_size) == {1} and not any(conv.padding)
    return pointwise and max(conv.stride) > 1 and conv.in_channels // conv.groups < BLOCK


def _read_every(conv: nn.Conv2d | nn.Conv3d, strides: tuple[int, ...]) -> None:
    steps = (..., *(slice(None, None, stride) for stride in strides))
    conv.stride = (1,) * len(strides)
    conv.register_forward_pre_hook(lambda _, inputs: (inputs[0][steps],))
