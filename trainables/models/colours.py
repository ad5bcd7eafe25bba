"""From the colours that all networks here are given to those that a network with published weights was trained on."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from trainables.core.config import MEAN, STD
from trainables.models.sources import Colours

_GRID = 256  # steps of a grey level; normalising and back errs by less than a fiftieth of one


class AsTrained(nn.Module):
    """Normalised frames (N, 3, H, W), or clips (B, T, 3, H, W) -> the same in other colours, by what `Colours` says.

    Values are rounded to 1/256 of a grey level, so that a frame that nothing has changed is its bytes to the last bit. All
    that it knows is in the state dict: a stored model does not depend on the table of sources.
    """

    input_mean: Tensor
    input_std: Tensor
    order: Tensor
    mean: Tensor
    scale: Tensor

    def __init__(self, colours: Colours) -> None:
        super().__init__()
        self.register_buffer("input_mean", _column([255 * value for value in MEAN]))
        self.register_buffer("input_std", _column([255 * value for value in STD]))
        self.register_buffer("order", torch.tensor(["RGB".index(letter) for letter in colours.order]))
        self.register_buffer("mean", _column(colours.mean))
        self.register_buffer("scale", _column(colours.scale))

    def forward(self, frames: Tensor) -> Tensor:
        pixels = ((frames * self.input_std + self.input_mean) * _GRID).round() / _GRID
        ordered = pixels.index_select(-3, self.order)
        if frames.ndim == 4:
            ordered = ordered.contiguous(memory_format=torch.channels_last)  # as frames lie
        return (ordered - self.mean) / self.scale


def _column(values: list[float] | tuple[float, ...]) -> Tensor:
    return torch.tensor(values)[:, None, None]
