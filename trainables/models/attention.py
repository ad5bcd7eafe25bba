"""Gates that rescale a feature map by what they see in it. One of your own: a class here, and its line in `GATES`.

The class takes `channels` alone and answers with maps of the shape that it was given; a number of channels that it
cannot take is a `ValueError` that names it. Its docstring says what it does, and the source. Every trainable with a field
`attention` then takes it by name (`tests/conformance/test_gates.py` holds every line of `GATES` to this):

- a gate for single frames (B, C, H, W) in all of them; a 3-D network applies it to each frame, so that no mean counts
  padding;
- one over time (B, C, T, H, W) in 3-D networks. There padded frames hold zeros: they must stay zeros, and the valid ones
  must not depend on how many follow.

Shapes: B maps, C channels, T frames, H, W.
"""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from trainables.core.lookup import unknown
from trainables.core.ranges import Range


@dataclasses.dataclass(frozen=True)
class Gate:
    """A gate's class, and the number of spatial `axes` of the maps that it is for: 2 for single frames, 3 over time.

    Under published weights a gate starts as one half everywhere: with the parameters at 0 whose names begin with `last`,
    by default all. Name those of the last layer where others before it would then never get a gradient.
    """

    module: type[nn.Module]
    axes: tuple[int, ...] = (2,)
    last: str = ""


def attention(name: str, channels: int) -> nn.Module:
    """The gate `name` for maps of `channels` channels; the output has the shape of the input.

    Raises `ValueError` naming the nearest gate for a name that is none.
    """
    if name not in GATES:
        raise ValueError(unknown("attention", name, list(GATES)))
    return GATES[name].module(channels)


@torch.no_grad()
def start_as_identity(gate: nn.Module, *before: Tensor) -> None:
    """Let a fresh gate change nothing of the maps that published weights make of a picture, to the last bit.

    It starts as one half everywhere, and `before`, the weights and biases of the linear layer that it follows, are doubled.
    Both are exact, and what a gate computes is the same under any weights.
    """
    last = next((one.last for one in GATES.values() if one.module is type(gate)), "")
    parameters = list(gate.named_parameters())
    for name, parameter in parameters:
        if name.startswith(last):
            parameter.zero_()
    for values in before if parameters else ():
        values.mul_(2)


@dataclasses.dataclass(frozen=True)
class FrameGate(Range):
    """The gates for single frames, as the range of a config's field."""

    def allows(self, value: Any) -> bool:
        return value in frame_gates()

    def refusal(self, field: str, value: Any, kind: type) -> str:
        if isinstance(value, str) and value in GATES:
            return (
                f"{field} was given as {value!r}, a gate over time; this network sees each frame by itself. "
                f"Allowed are: {', '.join(frame_gates())}."
            )
        return unknown(field, str(value), frame_gates())


def frame_gates() -> list[str]:
    """The names of the gates for single frames."""
    return [name for name, gate in GATES.items() if 2 in gate.axes]


class SqueezeExcitation(nn.Module):
    """Two linear layers on the pooled descriptor with a bottleneck of C / 16 (Hu et al., CVPR 2018, section 3)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        squeezed = max(1, channels // 16)
        self.squeeze = nn.Linear(channels, squeezed)
        self.excite = nn.Linear(squeezed, channels)

    def forward(self, x: Tensor) -> Tensor:
        return _rescale(x, self.excite(F.relu(self.squeeze(_pool(x)))))


class EfficientChannelAttention(nn.Module):
    """A convolution over the pooled descriptor's neighbouring channels, no bias (Wang et al., CVPR 2020, section 3)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        kernel = eca_kernel(channels)
        self.conv = nn.Conv1d(1, 1, kernel, padding=kernel // 2, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return _rescale(x, self.conv(_pool(x).unsqueeze(1)).squeeze(1))


class GhostChannelAttention(nn.Module):
    """G-ECA: half of the gate from the ECA convolution, the other half from it by a cheap operation of 3 taps.

    Mou et al. (Sensors 2025, 25, 3829) name the module without a description; they cite ECA and GhostNet (Han et al.,
    CVPR 2020). Not specified by the source; chosen because it follows both and gives the published parameter count:
    the ECA convolution moves in steps of two channels, so that its C / 2 outputs still see every channel; the cheap
    operation gives each of its C / 2 outputs three weights of its own over neighbouring primary outputs (a depthwise
    convolution proper, over a descriptor of length one, would leave two of its three taps without any effect);
    the halves are concatenated channel by channel, so that each gate stands over the channels it was computed from.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        if channels % 2:
            raise ValueError(f"G-ECA halves the channels and was given {channels}; an even number is allowed.")
        kernel = eca_kernel(channels)
        self.primary = nn.Conv1d(1, 1, kernel, stride=2, padding=kernel // 2, bias=False)
        self.cheap = nn.Parameter(torch.empty(channels // 2, 3))
        nn.init.uniform_(self.cheap, -1 / math.sqrt(3), 1 / math.sqrt(3))  # as a convolution of three taps starts

    def forward(self, x: Tensor) -> Tensor:
        primary = self.primary(_pool(x).unsqueeze(1)).squeeze(1)  # (B, C / 2)
        neighbours = F.pad(primary, (1, 1)).unfold(1, 3, 1)  # (B, C / 2, 3)
        cheap = (neighbours * self.cheap).sum(-1)
        return _rescale(x, torch.stack((primary, cheap), -1).flatten(1))


class SpatialAttention2d(nn.Module):
    """One weight a place: a 7 x 7 convolution of the average and the maximum over channels (Woo et al., ECCV 2018).

    It is the same for any number of channels, and takes `channels` to stand where any other gate stands.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(2, 1, kernel_size=7, padding=3)

    def forward(self, x: Tensor) -> Tensor:
        return x * self.conv(_over_channels(x)).sigmoid()


class SpatialAttention3d(nn.Module):
    """The same over time as well: one weight for each place of each frame, from 3 x 7 x 7 neighbours.

    For maps (B, C, T, H, W). Padded frames must hold zeros, as they do beyond the ends of a clip.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv3d(2, 1, kernel_size=(3, 7, 7), padding=(1, 3, 3))

    def forward(self, x: Tensor) -> Tensor:
        return x * self.conv(_over_channels(x)).sigmoid()


def eca_kernel(channels: int) -> int:
    """The ECA kernel: |log2(C) / 2 + 1 / 2| cut to an integer and, where even, one more (Wang et al., equation 12)."""
    kernel = int(abs(math.log2(channels) / 2 + 1 / 2))
    return kernel if kernel % 2 else kernel + 1


def _pool(x: Tensor) -> Tensor:
    return x.mean(dim=tuple(range(2, x.ndim)))  # (B, C)


def _over_channels(x: Tensor) -> Tensor:
    return torch.cat((x.mean(1, keepdim=True), x.amax(1, keepdim=True)), 1)  # (B, 2, ...)


def _rescale(x: Tensor, gate: Tensor) -> Tensor:
    return x * gate.sigmoid().reshape(*gate.shape, *[1] * (x.ndim - 2))


GATES: dict[str, Gate] = {
    "none": Gate(nn.Identity, axes=(2, 3)),
    "se": Gate(SqueezeExcitation, last="excite"),
    "eca": Gate(EfficientChannelAttention),
    "g_eca": Gate(GhostChannelAttention, last="primary"),
    "spatial": Gate(SpatialAttention2d),
    "spatial_3d": Gate(SpatialAttention3d, axes=(3,)),
}
