"""RBG: residual bidirectional GRUs over the frames of a clip (Mou et al., Sensors 2025, 25, 3829, algorithm 1).

Shapes: B clips, T frames, D features; `lengths` (B,) int64 valid frames, padding at the end.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from trainables.core.lookup import unknown
from trainables.models.padding import BatchNorm1d, masked_mean, on_rows, reverse
from trainables.models.recurrent import in_float32

RECURRENT = ("rbg", "bi_gru")
SHORTCUTS = ("linear", "parameter_free")


class RBG(nn.Module):
    """Two layers of ReLU and a unidirectional GRU, `depth` pairs of bidirectional layers, a linear layer.

    With `recurrent` `rbg` a pair is a residual block of BatchNorm, ReLU and GRU, twice; with `bi_gru` the same pair
    without BatchNorm and without residual, the ablation's control. Both directions are concatenated.
    Readout: the masked mean over time of the logits of each step (not specified by the source; chosen because it has
    no parameters and gives every valid frame the same say).
    """

    def __init__(
        self,
        num_features: int,
        num_classes: int,
        hidden: int,
        depth: int,
        recurrent: str = "rbg",
        shortcut: str = "parameter_free",
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        if recurrent not in RECURRENT:
            raise ValueError(unknown("recurrent", recurrent, list(RECURRENT)))
        self.entry = nn.ModuleList(
            [nn.GRU(num_features, hidden, batch_first=True), nn.GRU(hidden, hidden, batch_first=True)]
        )
        widths = [hidden, *[2 * hidden] * depth]
        self.blocks = nn.ModuleList(
            ResidualPair(width, hidden, shortcut) if recurrent == "rbg" else PlainPair(width, hidden)
            for width in widths[:depth]
        )
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(widths[-1], num_classes)

    def forward(self, x: Tensor, lengths: Tensor, rows: Tensor | None) -> Tensor:
        """(B, T, D) -> logits (B, K). `rows` are the steps that may enter batch statistics, `None` for all."""
        for gru in self.entry:
            x = in_float32(gru, F.relu(x))  # causal, so padding at the end cannot reach a valid step
        for block in self.blocks:
            x = block(x, lengths, rows)
        return masked_mean(self.head(self.dropout(x)), lengths)


class ResidualPair(nn.Module):
    """One RBG block: (BatchNorm, ReLU, bidirectional GRU) twice, and a shortcut around both.

    Where the width changes the shortcut is a linear layer, or without parameters: the input once for each direction
    (not specified by the source; chosen because zeros in its place would favour one direction).
    """

    def __init__(self, width: int, hidden: int, shortcut: str) -> None:
        super().__init__()
        if shortcut not in SHORTCUTS:
            raise ValueError(unknown("shortcut", shortcut, list(SHORTCUTS)))
        self.norms = nn.ModuleList([BatchNorm1d(width), BatchNorm1d(2 * hidden)])
        self.grus = nn.ModuleList([BidirectionalGRU(width, hidden), BidirectionalGRU(2 * hidden, hidden)])
        self.shortcut: nn.Module = nn.Identity()
        if width != 2 * hidden:
            self.shortcut = nn.Linear(width, 2 * hidden) if shortcut == "linear" else RepeatForBothDirections()

    def forward(self, x: Tensor, lengths: Tensor, rows: Tensor | None) -> Tensor:
        out = x
        for norm, gru in zip(self.norms, self.grus, strict=True):
            out = gru(F.relu(on_rows(norm, out, rows)), lengths)
        return out + self.shortcut(x)


class PlainPair(nn.Module):
    """(ReLU, bidirectional GRU) twice: what is left of an RBG block without BatchNorm and shortcut."""

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.grus = nn.ModuleList([BidirectionalGRU(width, hidden), BidirectionalGRU(2 * hidden, hidden)])

    def forward(self, x: Tensor, lengths: Tensor, rows: Tensor | None) -> Tensor:
        for gru in self.grus:
            x = gru(F.relu(x), lengths)
        return x


class BidirectionalGRU(nn.Module):
    """A GRU forwards and one backwards from each clip's own last valid step: (B, T, width) -> (B, T, 2 hidden).

    Two GRUs and a flip by length instead of a packed sequence: it waits for no device, no shape depends on data.
    """

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.ahead = nn.GRU(width, hidden, batch_first=True)
        self.back = nn.GRU(width, hidden, batch_first=True)

    def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
        ahead, back = in_float32(self.ahead, x), in_float32(self.back, reverse(x, lengths))
        return torch.cat((ahead, reverse(back, lengths)), -1)


class RepeatForBothDirections(nn.Module):
    """(..., D) -> (..., 2 D): the input beside itself."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat((x, x), -1)
