"""Frames in which a change can be told, and where their light is."""

import torch
from torch import Tensor

from trainables.core.config import TrainerConfig

OFF = TrainerConfig(
    image_size=32, flip=False, max_rotation_deg=0.0, max_shift=0.0, max_zoom=0.0, max_brightness=0.0, masking_rate=0.0
)


def noise(num_clips: int = 2, num_frames: int = 3, side: int = 40) -> Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.randint(0, 256, (num_clips, num_frames, side, side, 3), dtype=torch.uint8, generator=generator)


def every_frame(frames: Tensor) -> Tensor:
    """The lengths of clips without padding."""
    return torch.full((len(frames),), frames.shape[1])


def smooth(num_clips: int = 2, num_frames: int = 3, side: int = 40) -> Tensor:
    """A disc off the centre, one colour a channel: what moves can be told from what it looks like."""
    down, right = torch.meshgrid(torch.arange(side), torch.arange(side), indexing="ij")
    disc = (-((down - 0.4 * side) ** 2 + (right - 0.6 * side) ** 2) / (0.1 * side) ** 2).exp()
    frame = (disc.unsqueeze(-1) * torch.tensor([200.0, 150.0, 100.0])).to(torch.uint8)
    return frame.expand(num_clips, num_frames, -1, -1, -1).contiguous()


def centroid(clips: Tensor) -> Tensor:
    """(B, 2): right and down, in px, of the light in the first frame."""
    light = clips[:, 0].sum(1) - clips[:, 0].sum(1).amin((1, 2), keepdim=True)
    axis = torch.arange(light.shape[-1], dtype=torch.float32)
    total = light.sum((1, 2))
    return torch.stack(((light.sum(1) * axis).sum(1) / total, (light.sum(2) * axis).sum(1) / total), 1)
