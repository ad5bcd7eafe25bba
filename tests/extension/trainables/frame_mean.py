"""Frame mean: three convolutions on every frame, the average over time, a linear layer. A first baseline, of no paper."""

from __future__ import annotations

import dataclasses
from typing import Annotated, Any

from torch import Tensor, nn

from trainables.core.config import TrainerConfig
from trainables.core.ranges import AtLeast
from trainables.models.padding import masked_mean


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config(TrainerConfig):
    """The network's field beside the trainer's: `width`, the channels of the first convolution; the others double it.

    Raises `ValueError` for a value that is not allowed.
    """

    width: Annotated[int, AtLeast(1)] = 32


def build_model(config: Config) -> nn.Module:
    """The network of `config`: `model(clips, lengths)` with clips (B, T, 3, H, W), lengths (B,) -> logits (B, K)."""
    return FrameMean(config.width, config.num_classes)


class FrameMean(nn.Module):
    """Blind to the order of frames; padded frames do not enter the average."""

    def __init__(self, width: int, num_classes: int) -> None:
        super().__init__()
        self.frames = nn.Sequential(
            *(nn.Conv2d(3, width, 3, stride=2, padding=1), nn.ReLU()),
            *(nn.Conv2d(width, 2 * width, 3, stride=2, padding=1), nn.ReLU()),
            *(nn.Conv2d(2 * width, 4 * width, 3, stride=2, padding=1), nn.ReLU()),
            *(nn.AdaptiveAvgPool2d(1), nn.Flatten()),
        )
        self.linear = nn.Linear(4 * width, num_classes)

    def forward(self, clips: Tensor, lengths: Tensor) -> Tensor:
        features = self.frames(clips.flatten(0, 1)).unflatten(0, clips.shape[:2])  # (B, T, D)
        return self.linear(masked_mean(features, lengths))


# A network and frames small enough for a test or a smoke run.
SMALL: dict[str, Any] = {"width": 8, "image_size": 32, "num_frames": 3, "batch_size": 4, "epochs": 1}
