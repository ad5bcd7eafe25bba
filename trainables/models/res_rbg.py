"""Res-RBG: a gated ResNet on every frame, then RBG over the frames (Mou et al., Sensors 2025, 25, 3829)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from trainables.models.padding import BatchNorm1d, masked_mean, on_rows, valid_rows
from trainables.models.stages import stages

NECKS = ("none", "deviation")


class ResRBG(nn.Module):
    """A frame network, then a temporal head: clips (B, T, 3, H, W) float and lengths (B,) int64 -> logits (B, K).

    `clips` are normalised; `lengths` are the valid frames of each clip, padding is at the end. In training, padded
    frames enter no batch statistics; leave `lengths` on the CPU then, or every step waits for the device. In
    evaluation each frame stands alone, so all run and no shape depends on the data (which an export needs).
    """

    def __init__(self, backbone: nn.Module, head: nn.Module, neck: nn.Module | None = None) -> None:
        super().__init__()
        self.backbone = backbone  # (N, 3, H, W) -> (N, D)
        self.head = head  # (B, T, D), lengths, rows -> (B, K)
        self.neck = neck  # (B, T, D), lengths, rows -> (B, T, D)

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
        rows = self._rows(features, lengths)
        if self.neck is not None:
            features = self.neck(features, lengths, rows)
        return self.head(features, lengths, rows)

    def _rows(self, steps: Tensor, lengths: Tensor) -> Tensor | None:
        return valid_rows(lengths, steps.shape[1], steps.device) if self.training else None


class Deviation(nn.Module):
    """Each frame's features beside their deviation from the clip's mean, which has nothing of the person's own look.

    Both are normalised (BatchNorm over the valid frames) and mixed by one linear layer: (B, T, D) -> (B, T, D). Ours; the
    subtraction is speech recognition's cepstral mean normalisation (Atal, JASA 1974, 55, 1304) done to faces.
    """

    def __init__(self, num_features: int) -> None:
        super().__init__()
        self.norm = BatchNorm1d(2 * num_features)
        self.mix = nn.Linear(2 * num_features, num_features)

    def forward(self, x: Tensor, lengths: Tensor, rows: Tensor | None) -> Tensor:
        both = torch.cat((x, x - masked_mean(x, lengths).unsqueeze(1)), -1)
        return self.mix(on_rows(self.norm, both, rows))


class MeanHead(nn.Module):
    """The order-blind control: the masked mean of the frame features, then a linear layer."""

    def __init__(self, num_features: int, num_classes: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        self.linear = nn.Linear(num_features, num_classes)

    def forward(self, x: Tensor, lengths: Tensor, rows: Tensor | None) -> Tensor:
        return self.linear(self.dropout(masked_mean(x, lengths)))
