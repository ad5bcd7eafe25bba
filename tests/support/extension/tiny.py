"""A network that trains in a blink, with what makes repeating a run hard: dropout, BatchNorm, a GRU over time."""

import dataclasses

import torch
from torch import Tensor, nn

from trainables.core.config import TrainerConfig


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config(TrainerConfig):
    hidden: int = 8
    dropout: float = 0.3

    def num_stages(self) -> int:
        return 2


def build_model(config: Config) -> nn.Module:
    return Tiny(config)


class Tiny(nn.Module):
    def __init__(self, config: Config) -> None:
        super().__init__()
        self.frames = nn.Sequential(
            nn.Conv2d(3, 4, 5, stride=4), nn.BatchNorm2d(4), nn.ReLU(), nn.AdaptiveAvgPool2d(2), nn.Flatten()
        )
        self.dropout = nn.Dropout(config.dropout)
        self.gru = nn.GRU(16, config.hidden, batch_first=True)
        self.head = nn.Linear(config.hidden, config.num_classes)

    def stages(self) -> list[list[nn.Module]]:
        return [[self.frames[0], self.frames[1]], [self.gru]]

    def forward(self, clips: Tensor, lengths: Tensor) -> Tensor:
        features = self.frames(clips.flatten(0, 1)).unflatten(0, clips.shape[:2])  # (B, T, D)
        states, _ = self.gru(self.dropout(features))
        last = states[torch.arange(states.shape[0]), lengths.to(states.device) - 1]
        return self.head(last)
