"""Random masking: square blocks of a clip's frames are blanked in training."""

from __future__ import annotations

import torch
from torch import Tensor


def block_mask(
    num_clips: int,
    height: int,
    width: int,
    rate: float,
    generator: torch.Generator,
    device: torch.device | str,
    block: int | None = None,
) -> Tensor:
    """True where a clip is masked, the same on all its frames: bool (B, 1, H, W) on `device`.

    `rate` is the expected share of a frame's area; 0 masks nothing. `block` is the side of a block in px, by default a
    seventh of the shorter side (not specified by the source; chosen because an eye or a mouth has about that size).
    Each cell of a grid is masked by its own draw, and each clip shifts the grid, so that every pixel is masked with
    probability `rate`, also at the border. Draws come from `generator`, on the CPU.
    Raises `ValueError` for a rate that is not a share.
    """
    if not 0 <= rate < 1:
        raise ValueError(f"The masking rate was given as {rate!r}; 0 (off) up to below 1 is allowed.")
    block = block or max(1, min(height, width) // 7)
    rows, columns = -(-height // block) + 1, -(-width // block) + 1  # one more, for the shift
    cells = torch.rand(num_clips, rows, columns, generator=generator) < rate
    shifts = torch.randint(block, (num_clips, 2, 1), generator=generator)
    row = (torch.arange(height) + shifts[:, 0]) // block  # (B, H)
    column = (torch.arange(width) + shifts[:, 1]) // block  # (B, W)
    cells, row, column = (tensor.to(device, non_blocking=True) for tensor in (cells, row, column))
    clip = torch.arange(num_clips, device=device)
    return cells[clip[:, None, None], row[:, :, None], column[:, None, :]].unsqueeze(1)
