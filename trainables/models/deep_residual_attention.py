"""Deep residual attention: a gated ResNet on every frame, the average over time, a multi-layer perceptron.

Zhao et al., "Deep residual attention network" for expressions in video, IETE Technical Review 2021.
"""

from __future__ import annotations

from torch import Tensor, nn

from trainables.models.padding import masked_mean, on_rows, valid_rows
from trainables.models.stages import stages


class DeepResidualAttention(nn.Module):
    """Clips (B, T, 3, H, W) float and lengths (B,) int64 -> logits (B, K). Blind to the order of frames.

    `clips` are normalised; `lengths` are the valid frames of each clip, padding is at the end, and enters neither the
    average nor, in training, batch statistics; leave `lengths` on the CPU then, or every step waits for the device.
    """

    def __init__(
        self, backbone: nn.Module, num_features: int, num_classes: int, hidden: int, dropout: float = 0.0
    ) -> None:
        super().__init__()
        self.backbone = backbone  # (N, 3, H, W) -> (N, D)
        self.perceptron = nn.Sequential(
            nn.Linear(num_features, hidden), nn.ReLU(), nn.Dropout(dropout), nn.Linear(hidden, num_classes)
        )

    def stages(self) -> list[list[nn.Module]]:
        """Of the backbone."""
        return stages(self.backbone)

    def forward(self, clips: Tensor, lengths: Tensor) -> Tensor:
        return self.answer(self.features(clips, lengths), lengths)

    def features(self, clips: Tensor, lengths: Tensor) -> Tensor:
        """What the backbone makes of each frame, (B, T, D)."""
        rows = valid_rows(lengths, clips.shape[1], clips.device) if self.training else None
        return on_rows(self.backbone, clips, rows)

    def answer(self, features: Tensor, lengths: Tensor) -> Tensor:
        """The logits (B, K) for features (B, T, D)."""
        return self.perceptron(masked_mean(features, lengths))
