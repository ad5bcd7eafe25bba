"""TDRAG: a 3-D residual network with attention on keyframes, then a GRU (Liu et al., Journal of XPU 2024)."""

from __future__ import annotations

from torch import Tensor, nn

from trainables.models.padding import masked_mean
from trainables.models.recurrent import in_float32
from trainables.models.resnet3d import ResNet3d
from trainables.models.stages import stages


class TDRAG(nn.Module):
    """A 3-D backbone, then a temporal head: clips (B, T, 3, H, W) float and lengths (B,) int64 -> logits (B, K).

    `clips` are normalised; `lengths` are the valid frames of each clip, padding is at the end. Leave `lengths` on the
    CPU in training, or every step waits for the device.
    """

    def __init__(self, backbone: ResNet3d, head: nn.Module) -> None:
        super().__init__()
        self.backbone = backbone  # clips, lengths -> (B, T', D), lengths'
        self.head = head  # (B, T', D), lengths', rows -> (B, K)

    def stages(self) -> list[list[nn.Module]]:
        """Of the backbone."""
        return stages(self.backbone)

    def forward(self, clips: Tensor, lengths: Tensor) -> Tensor:
        return self.answer(self.features(clips, lengths), lengths)

    def features(self, clips: Tensor, lengths: Tensor) -> Tensor:
        """What the backbone makes of each clip, (B, T', D)."""
        return self.backbone(clips, lengths)[0]

    def answer(self, features: Tensor, lengths: Tensor) -> Tensor:
        """The logits (B, K) for features (B, T', D) of clips with `lengths` frames."""
        lengths = self.backbone.lengths_after(lengths)
        return self.head(features, lengths, None)  # no head here has batch statistics to keep padded steps out of


class GRUHead(nn.Module):
    """Unidirectional GRU layers, then the masked mean over time of the logits of each step.

    The readout is not specified by the source; chosen because it is that of Res-RBG, so that systems, not readouts, are
    compared.
    """

    def __init__(self, num_features: int, num_classes: int, hidden: int, num_layers: int, dropout: float) -> None:
        super().__init__()
        self.gru = nn.GRU(num_features, hidden, num_layers, batch_first=True)
        self.dropout = nn.Dropout(dropout)
        self.linear = nn.Linear(hidden, num_classes)

    def forward(self, x: Tensor, lengths: Tensor, rows: Tensor | None) -> Tensor:
        steps = in_float32(self.gru, x)  # causal, so padding at the end cannot reach a valid step
        return masked_mean(self.linear(self.dropout(steps)), lengths)
