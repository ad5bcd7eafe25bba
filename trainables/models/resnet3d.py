"""A 3-D ResNet-18 that keeps padded frames out of everything (Tran et al., CVPR 2018, R3D; Hara et al., CVPR 2018).

The state dict is torchvision's `r3d_18` plus `gate` entries and without the classifier, so published weights fit.
Shapes: B clips, C channels, T frames (fewer after each halving), H, W, D features.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from trainables.models.attention import GATES, attention
from trainables.models.padding import BatchNorm2d, on_rows, valid_mask, valid_rows
from trainables.models.published import colours_for, start
from trainables.models.resnet import RESIDUAL_SCALE
from trainables.models.sources import is_path

WIDTH = 64  # channels of the first stage
NUM_STAGES = 5  # with the stem


class ResNet3d(nn.Module):
    """Clips (B, T, 3, H, W) and lengths (B,) -> features (B, T', D) and their lengths; D is 8 x `width`.

    A stem and four stages of two blocks; stages 2 to 4 halve height and width, and the first `temporal_halvings` of
    them the number of frames, rounded up. A clip has the same features whatever its padding holds and however long it
    is; padded features are zeros. In training only valid frames enter batch statistics.
    """

    def __init__(self, gate: str = "none", temporal_halvings: int = 3, width: int = WIDTH) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv3d(3, width, kernel_size=(3, 7, 7), stride=(1, 2, 2), padding=(1, 3, 3), bias=False),
            BatchNorm2d(width),
        )
        self.layer1 = _stage(width, width, (1, 1, 1), gate)
        strides = [(2 if stage < temporal_halvings else 1, 2, 2) for stage in range(3)]
        self.layer2 = _stage(width, 2 * width, strides[0], gate)
        self.layer3 = _stage(2 * width, 4 * width, strides[1], gate)
        self.layer4 = _stage(4 * width, 8 * width, strides[2], gate)
        self.num_features = 8 * width
        self.colours: nn.Module = nn.Identity()
        for module in self.modules():
            if isinstance(module, nn.Conv3d) and module.bias is None:
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, clips: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        time = Time(lengths, clips.shape[1], clips.device, self.training)
        x = time.cleared(self.colours(clips)).transpose(1, 2)  # (B, 3, T, H, W)
        x = F.relu(time.each_frame(self.stem[1], self.stem[0](x)), inplace=True)
        for stage in (self.layer1, self.layer2, self.layer3, self.layer4):
            for block in stage:
                x, time = block(x, time)
        return x.mean((3, 4)).transpose(1, 2), time.lengths

    def lengths_after(self, lengths: Tensor) -> Tensor:
        """The lengths (B,) of the features of clips with `lengths` frames."""
        for module in self.modules():
            if isinstance(module, Block) and module.halves_time:
                lengths = (lengths + 1) // 2
        return lengths

    def start_from(self, weights: str) -> None:
        """Start from `weights`, a name of published ones or a path; raises `ValueError` for a missing file and a misfit.

        By the name `kinetics` it is shown ImageNet's colours, as it ever was here; by a path those that it was trained on.
        """
        self.colours = colours_for(weights, "r3d_18") if is_path(weights) else nn.Identity()
        start(self, "r3d_18", weights, own=lambda key: key.startswith("fc."), colours=self.colours)


class Block(nn.Module):
    """Two 3 x 3 x 3 convolutions, a gate, the residual sum: maps (B, C, T, H, W) and their time -> the same, later on."""

    def __init__(self, channels: int, width: int, stride: tuple[int, int, int], gate: str) -> None:
        super().__init__()
        self.conv1 = nn.Sequential(
            nn.Conv3d(channels, width, kernel_size=3, stride=stride, padding=1, bias=False), BatchNorm2d(width)
        )
        last = BatchNorm2d(width)
        nn.init.constant_(last.weight, RESIDUAL_SCALE)
        self.conv2 = nn.Sequential(nn.Conv3d(width, width, kernel_size=3, padding=1, bias=False), last)
        self.gate = attention(gate, width)
        self.gates_each_frame = 3 not in GATES[gate].axes
        self.downsample: nn.Sequential | None = None
        if channels != width or stride != (1, 1, 1):
            self.downsample = nn.Sequential(
                nn.Conv3d(channels, width, kernel_size=1, stride=stride, bias=False), BatchNorm2d(width)
            )
        self.halves_time = stride[0] == 2

    def forward(self, x: Tensor, time: Time) -> tuple[Tensor, Time]:
        out = self.conv1[0](x)
        if self.halves_time:
            time = time.halved(out.shape[2])
        out = F.relu(time.each_frame(self.conv1[1], out), inplace=True)
        out = time.each_frame(self.conv2[1], self.conv2[0](out))
        out = time.each_frame(self.gate, out) if self.gates_each_frame else self.gate(out)
        shortcut = x if self.downsample is None else time.each_frame(self.downsample[1], self.downsample[0](x))
        return F.relu(out + shortcut, inplace=True), time

    def before_gate(self) -> tuple[Tensor, ...]:
        """Of the last normalisation."""
        return tuple(self.conv2[1].parameters())


class Time:
    """The frames of a batch at one temporal resolution: how many each clip has, and how padding is kept at zero.

    A convolution over time then sees beyond a clip's end what it sees beyond the end of a batch. In evaluation no
    shape depends on the lengths, which an export needs.
    """

    def __init__(self, lengths: Tensor, num_frames: int, device: torch.device, training: bool) -> None:
        self.lengths, self.device, self.training = lengths, device, training
        self.rows = valid_rows(lengths, num_frames, device) if training else None
        self.padded: Tensor | None = None  # where frames are padding, (B, T, 1, 1, 1), unless known that none are
        if not training or self.rows is not None:
            valid = valid_mask(lengths.to(device, non_blocking=True), num_frames)
            self.padded = ~valid[:, :, None, None, None]

    def halved(self, num_frames: int) -> Time:
        """After a convolution over time with stride 2, which leaves `num_frames`: every second frame, the first one on."""
        return Time((self.lengths + 1) // 2, num_frames, self.device, self.training)

    def each_frame(self, module: nn.Module, x: Tensor) -> Tensor:
        """`module`, such as a BatchNorm, on the valid frames of maps (B, C, T, H, W) as one batch; zeros elsewhere."""
        out = on_rows(module, x.transpose(1, 2), self.rows)  # (B, T, C, H, W)
        return (out if self.training else self.cleared(out)).transpose(1, 2)

    def cleared(self, frames: Tensor) -> Tensor:
        """Frames (B, T, C, H, W) with zeros in the place of padding."""
        return frames if self.padded is None else frames.masked_fill(self.padded, 0)


def _stage(channels: int, width: int, stride: tuple[int, int, int], gate: str) -> nn.Sequential:
    return nn.Sequential(Block(channels, width, stride, gate), Block(width, width, (1, 1, 1), gate))
