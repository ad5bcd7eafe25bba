"""Res-RBG: a gated ResNet on every frame, then RBG over the frames (Mou et al., Sensors 2025, 25, 3829)."""

from __future__ import annotations

from torch import Tensor, nn

from trainables.models.padding import masked_mean, on_rows, valid_rows
from trainables.models.stages import stages


class ResRBG(nn.Module):
    """A frame network, then a temporal head: clips (B, T, 3, H, W) float and lengths (B,) int64 -> logits (B, K).

    `clips` are normalised; `lengths` are the valid frames of each clip, padding is at the end. In training, padded
    frames enter no batch statistics; leave `lengths` on the CPU then, or every step waits for the device. In
    evaluation each frame stands alone, so all run and no shape depends on the data (which an export needs).
    """

    def __init__(self, backbone: nn.Module, head: nn.Module) -> None:
        super().__init__()
        self.backbone = backbone  # (N, 3, H, W) -> (N, D)
        self.head = head  # (B, T, D), lengths, rows -> (B, K)

    def stages(self) -> list[list[nn.Module]]:
        """Of the backbone."""
        return stages(self.backbone)

    def forward(self, clips: Tensor, lengths: Tensor) -> Tensor:
        return self.answer(self.features(clips, lengths), lengths)

    def features(self, clips: Tensor, lengths: Tensor) -> Tensor:
        """What the backbone makes of each frame, (B, T, D)."""
        return on_rows(self.backbone, clips, self._rows(clips, lengths))

    def answer(self, features: Tensor, lengths: Tensor) -> Tensor:
        """The logits (B, K) for features (B, T, D)."""
        return self.head(features, lengths, self._rows(features, lengths))

    def _rows(self, steps: Tensor, lengths: Tensor) -> Tensor | None:
        return valid_rows(lengths, steps.shape[1], steps.device) if self.training else None


class MeanHead(nn.Module):
    """The order-blind control: the masked mean of the frame features, then a linear layer."""

    def __init__(self, num_features: int, num_classes: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        self.linear = nn.Linear(num_features, num_classes)

    def forward(self, x: Tensor, lengths: Tensor, rows: Tensor | None) -> Tensor:
        return self.linear(self.dropout(masked_mean(x, lengths)))
