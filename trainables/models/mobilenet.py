"""MobileNetV1 of width 1.0 as TensorFlow computes it, BatchNorm folded into the convolutions (Howard et al., 2017).

The file of `vggface2` (`trainables/models/sources.py`) has its state dict. Shapes: N frames, C channels, H, W, D features.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from trainables.models.attention import attention, start_as_identity
from trainables.models.padding import pad_as_tensorflow
from trainables.models.published import colours_for, start
from trainables.models.sources import check_weights

# Of the thirteen blocks: output channels, stride.
BLOCKS = (
    *((64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2)),
    *((512, 1), (512, 1), (512, 1), (512, 1), (512, 1)),
    *((1024, 2), (1024, 1)),
)
NUM_BLOCKS = {"mobilenet_tf": 13, "mobilenet_tf_12": 12}


def mobilenet(name: str, gate: str, weights: str = "none") -> tuple[nn.Module, int]:
    """The backbone `name`, whole or without its last block, with gates `gate`: (N, 3, H, W) to (N, D), and its D.

    A network for identity throws expressions away in its last block. `weights` as `resnet` takes them. Raises `ValueError`
    for a missing file and one that misfits.
    """
    check_weights(weights, name)
    network = MobileNet(NUM_BLOCKS[name], gate)
    network.colours = colours_for(weights, name)

    def beyond(key: str) -> bool:
        return key.startswith("blocks.") and int(key.split(".")[1]) >= NUM_BLOCKS[name]

    start(network, name, weights, without=beyond, colours=network.colours)
    return network, BLOCKS[NUM_BLOCKS[name] - 1][0]


class MobileNet(nn.Module):
    """Normalised frames (N, 3, H, W) -> features (N, D), the mean over places of the last block's maps."""

    def __init__(self, num_blocks: int = len(BLOCKS), gate: str = "none") -> None:
        super().__init__()
        self.colours: nn.Module = nn.Identity()
        self.stem = nn.Conv2d(3, 32, kernel_size=3, stride=2)
        widths = (32, *(width for width, _ in BLOCKS))
        blocks = [Block(widths[number], *block, gate) for number, block in enumerate(BLOCKS[:num_blocks])]
        self.blocks = nn.Sequential(*blocks)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                start_for_relu(module)
        for block in blocks:
            start_as_identity(block.gate, *block.before_gate())  # thirteen halves in a row would leave nothing

    def forward(self, frames: Tensor) -> Tensor:
        x = F.relu6(self.stem(pad_as_tensorflow(self.colours(frames), kernel=3, stride=2)))
        return self.blocks(x).mean((2, 3))


class Block(nn.Module):
    """A 3 x 3 convolution of each channel, a 1 x 1 across them, and the gate before the last ReLU6."""

    def __init__(self, channels: int, width: int, stride: int, gate: str) -> None:
        super().__init__()
        self.stride = stride
        self.depthwise = nn.Conv2d(channels, channels, kernel_size=3, stride=stride, groups=channels)
        self.pointwise = nn.Conv2d(channels, width, kernel_size=1)
        self.gate = attention(gate, width)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu6(self.depthwise(pad_as_tensorflow(x, kernel=3, stride=self.stride)))
        return F.relu6(self.gate(self.pointwise(x)))

    def before_gate(self) -> tuple[Tensor, ...]:
        """Of the convolution across channels."""
        return tuple(self.pointwise.parameters())


def start_for_relu(conv: nn.Conv2d) -> None:
    """Values that keep the size of what passes through a convolution and a ReLU (He et al., ICCV 2015)."""
    nn.init.kaiming_normal_(conv.weight, nonlinearity="relu")
    if conv.bias is not None:
        nn.init.zeros_(conv.bias)
