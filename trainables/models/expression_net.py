"""The small expression network of face-api: sixteen separable convolutions in four densely added blocks.

Trained to tell seven expressions in single pictures of 112 px; its last layer, which tells them, is left out. The file of
`face_api` (`trainables/models/sources.py`) has its state dict. Shapes: N frames, C channels, H, W.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from trainables.models.attention import attention, start_as_identity
from trainables.models.mobilenet import start_for_relu
from trainables.models.padding import pad_as_tensorflow
from trainables.models.published import colours_for, start
from trainables.models.resnet import RESIDUAL_SCALE
from trainables.models.sources import check_weights

NAME = "expression_net"
WIDTHS = (32, 64, 128, 256)


def expression_net(name: str, gate: str, weights: str = "none") -> tuple[nn.Module, int]:
    """The network with gates `gate`: (N, 3, H, W) to (N, 256), and 256.

    `weights` as `resnet` takes them. Raises `ValueError` for a missing file and one that misfits.
    """
    check_weights(weights, name)
    network = ExpressionNet(gate)
    network.colours = colours_for(weights, name)
    start(network, name, weights, own=lambda key: key.startswith("fc."), colours=network.colours)
    return network, WIDTHS[-1]


class ExpressionNet(nn.Module):
    """Normalised frames (N, 3, H, W) -> features (N, 256), the mean over places of the last block's maps."""

    def __init__(self, gate: str = "none") -> None:
        super().__init__()
        self.colours: nn.Module = nn.Identity()
        channels = (3, *WIDTHS)
        blocks = [Block(channels[number], width, gate) for number, width in enumerate(WIDTHS)]
        self.blocks = nn.Sequential(*blocks)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                start_for_relu(module)
        for block in blocks:
            for branch in (block.conv1, block.conv2, block.conv3):
                branch.pointwise.weight.data.mul_(RESIDUAL_SCALE)
            start_as_identity(block.gate, *block.before_gate())

    def forward(self, frames: Tensor) -> Tensor:
        x = self.blocks(self.colours(frames))
        return F.avg_pool2d(x, (x.shape[2], x.shape[3])).flatten(1)


class Block(nn.Module):
    """Four convolutions, the first of stride 2, each of the sum of those before it; the gate is before the last sum."""

    def __init__(self, channels: int, width: int, gate: str) -> None:
        super().__init__()
        first = Convolution if channels == 3 else Separable
        self.conv0 = first(channels, width, stride=2)
        self.conv1 = Separable(width, width)
        self.conv2 = Separable(width, width)
        self.conv3 = Separable(width, width)
        self.gate = attention(gate, width)

    def forward(self, x: Tensor) -> Tensor:
        a = F.relu(self.conv0(x))
        b = self.conv1(a)
        c = self.conv2(F.relu(a + b))
        d = self.gate(self.conv3(F.relu(a + b + c)))
        return F.relu(a + b + c + d)

    def before_gate(self) -> tuple[Tensor, ...]:
        """Of the last convolution."""
        return self.conv3.pointwise.weight, self.conv3.bias


class Convolution(nn.Conv2d):
    """A full 3 x 3 convolution, padded as TensorFlow does."""

    def __init__(self, channels: int, width: int, stride: int) -> None:
        super().__init__(channels, width, kernel_size=3, stride=stride)

    def forward(self, input: Tensor) -> Tensor:
        return super().forward(pad_as_tensorflow(input, kernel=3, stride=self.stride[0]))


class Separable(nn.Module):
    """A 3 x 3 convolution of each channel without a bias, then a 1 x 1 across them; `bias` is that of the whole."""

    def __init__(self, channels: int, width: int, stride: int = 1) -> None:
        super().__init__()
        self.stride = stride
        self.depthwise = nn.Conv2d(channels, channels, kernel_size=3, stride=stride, groups=channels, bias=False)
        self.pointwise = nn.Conv2d(channels, width, kernel_size=1, bias=False)
        self.bias = nn.Parameter(nn.init.zeros_(self.pointwise.weight.new_empty(width)))

    def forward(self, x: Tensor) -> Tensor:
        x = self.depthwise(pad_as_tensorflow(x, kernel=3, stride=self.stride))
        return F.conv2d(x, self.pointwise.weight, self.bias)
