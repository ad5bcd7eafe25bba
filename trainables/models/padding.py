"""Clips of unequal length in one batch: how a network keeps padded steps out of everything it computes.

Shapes: B clips, T steps, D features; `lengths` (B,) int64 holds the valid steps of each clip, padding is at the end.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def valid_mask(lengths: Tensor, num_steps: int) -> Tensor:
    """True at valid steps: bool (B, T), on the device of `lengths`."""
    return torch.arange(num_steps, device=lengths.device) < lengths[:, None]


def valid_rows(lengths: Tensor, num_steps: int, device: torch.device) -> Tensor | None:
    """The valid steps as indices (N,) into the B * T flattened steps, or `None` where all are valid.

    Waits for the device if `lengths` lies on one; on the CPU it costs nothing.
    """
    lengths = lengths.cpu()
    assert int(lengths.min()) >= 1, "a clip without a valid frame"
    assert int(lengths.max()) <= num_steps, "a clip longer than its batch"
    rows = valid_mask(lengths, num_steps).flatten().nonzero().squeeze(1)
    return None if len(rows) == len(lengths) * num_steps else rows.to(device, non_blocking=True)


def on_rows(module: nn.Module, x: Tensor, rows: Tensor | None) -> Tensor:
    """`module` applied to the steps of `x` (B, T, ...) as one batch, to `rows` alone unless `None`; zeros elsewhere."""
    flat = x.flatten(0, 1)
    if rows is None:
        return module(flat).unflatten(0, x.shape[:2])
    valid = module(flat[rows])
    padded = valid.new_zeros(len(flat), *valid.shape[1:]).index_copy(0, rows, valid)
    return padded.unflatten(0, x.shape[:2])


def masked_mean(x: Tensor, lengths: Tensor) -> Tensor:
    """The mean over valid steps: (B, T, D) -> (B, D). What padded steps hold has no influence, not even a NaN."""
    lengths = lengths.to(x.device, non_blocking=True)
    valid = valid_mask(lengths, x.shape[1])
    return x.masked_fill(~valid.unsqueeze(-1), 0).sum(1) / lengths.unsqueeze(-1)


def reverse(x: Tensor, lengths: Tensor) -> Tensor:
    """The valid steps of each clip in reverse order, padding left at the end: (B, T, D) -> (B, T, D)."""
    steps = torch.arange(x.shape[1], device=x.device)
    lengths = lengths.to(x.device, non_blocking=True).unsqueeze(1)
    index = torch.where(steps < lengths, lengths - 1 - steps, steps)  # (B, T)
    return x.gather(1, index.unsqueeze(-1).expand_as(x))


def pad_as_tensorflow(x: Tensor, kernel: int, stride: int) -> Tensor:
    """Maps (N, C, H, W) with the zeros that TensorFlow's SAME adds before a convolution: of an odd number more at the end."""
    padding: list[int] = []
    for size in (x.shape[3], x.shape[2]):
        total = max(kernel - stride if size % stride == 0 else kernel - size % stride, 0)
        padding += [total // 2, total - total // 2]
    return F.pad(x, padding)


class BatchNorm1d(nn.BatchNorm1d):
    """BatchNorm of (N, D) that takes the running statistics where a training batch is a single value."""

    def forward(self, input: Tensor) -> Tensor:
        return _single_value_norm(self, input) if _is_single_value(self, input) else super().forward(input)


class BatchNorm2d(nn.BatchNorm2d):
    """BatchNorm of (N, C, H, W) that takes the running statistics where a training batch is a single value."""

    def forward(self, input: Tensor) -> Tensor:
        return _single_value_norm(self, input) if _is_single_value(self, input) else super().forward(input)


def _is_single_value(norm: nn.Module, x: Tensor) -> bool:
    return norm.training and x.numel() == x.shape[1]  # one value has no variance, and PyTorch refuses it


def _single_value_norm(norm: nn.BatchNorm1d | nn.BatchNorm2d, x: Tensor) -> Tensor:
    return F.batch_norm(x, norm.running_mean, norm.running_var, norm.weight, norm.bias, training=False, eps=norm.eps)
