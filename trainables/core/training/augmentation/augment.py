"""From stored uint8 frames to a network's input, on the device that holds them.

Stored frames carry a margin around the crop that the network sees, so that rotation and shift have something to show.
Shapes: B clips, T frames, S stored side, R = `image_size`, the side that the network sees.
"""

from __future__ import annotations

import dataclasses
import itertools
import math

import torch
import torch.nn.functional as F
from torch import Tensor

from trainables.core.config import MEAN, STD, TrainerConfig
from trainables.core.training.augmentation.masking import block_mask

# The fixed transforms of `x14`: Mou et al. (Sensors 2025, 25, 3829) multiply every class by 14. Two flips by seven
# rotations, and the angles, are not specified by the source; chosen because they are even about upright, and because a
# square turned by 15 degrees still lies within the stored margin of a quarter.
ANGLES_DEG = (-15.0, -10.0, -5.0, 0.0, 5.0, 10.0, 15.0)
X14 = tuple(itertools.product((False, True), ANGLES_DEG))  # mirrored or not, degrees


# What `random` changes a clip by; `max_drift` is a share of these.
RANGES = ("max_rotation_deg", "max_shift", "max_zoom", "max_brightness")


def to_input(frames: Tensor, image_size: int) -> Tensor:
    """The central crop, normalised: uint8 (B, T, S, S, 3) -> float32 (B, T, 3, R, R), channels last in memory.

    A pure slice, nothing is interpolated. Raises `ValueError` where the frames are smaller than the crop.
    """
    top = _margin(frames, image_size)
    crop = frames[:, :, top : top + image_size, top : top + image_size].float().div_(255)
    mean, std = _statistics(frames.device)
    return crop.sub_(mean).div_(std).permute(0, 1, 4, 2, 3)


def num_copies(augmentation: str) -> int:
    """How many times a training clip appears in an epoch under `augmentation`."""
    return len(X14) if augmentation == "x14" else 1


def augment(
    frames: Tensor,
    lengths: Tensor,
    config: TrainerConfig,
    generator: torch.Generator,
    copies: Tensor | None = None,
) -> Tensor:
    """`to_input` of training clips under `config.augmentation`, then masking at `masking_rate`: same shapes and errors.

    `lengths` (B,) int64 on the CPU are the frames that each clip has; those beyond are zeros (`Clips.batch`).
    `random` changes each clip by draws of its own (`_random`); `x14` turns, and mirrors, clip i as `X14[copies[i]]`
    says, with int64 `copies` (B,); `none` changes nothing. What is done to a clip is done to all its frames. All draws
    come from `generator`, on the CPU: one seed gives one sequence of batches, whichever fields are on.
    """
    if config.augmentation == "random":
        clips = _random(frames, lengths, config, generator)
    elif config.augmentation == "x14":
        assert copies is not None, "x14 without the copy of each clip"
        mirrored, angles = (torch.tensor(values) for values in zip(*X14, strict=True))
        clips = rotated(frames, angles[copies], config.image_size, mirrored[copies])
    else:
        clips = to_input(frames, config.image_size)
    if config.masking_rate > 0:
        size = config.image_size
        mask = block_mask(len(clips), size, size, config.masking_rate, generator, frames.device)
        clips = clips.masked_fill_(mask.unsqueeze(1), 0)
    return clips


def ramped(config: TrainerConfig, epoch: int) -> TrainerConfig:
    """`config` as it is in `epoch`, from 0: the ranges of `random` grow from nothing over the first `ramp_epochs`."""
    if epoch >= config.ramp_epochs:
        return config
    share = epoch / config.ramp_epochs
    return dataclasses.replace(config, **{key: share * getattr(config, key) for key in RANGES})


def rotated(frames: Tensor, angles_deg: Tensor, image_size: int, mirrored: Tensor | None = None) -> Tensor:
    """`to_input` of clips turned clockwise by `angles_deg` (B,), and then mirrored where `mirrored` (B,) is true.

    The margin fills the corners; beyond it the border is repeated. Same shapes, types and errors as `to_input`.
    """
    num_frames, side = frames.shape[1:3]
    centre = (2 * _margin(frames, image_size) + image_size) / side - 1
    angle = angles_deg.float().deg2rad()
    mirror = torch.ones_like(angle) if mirrored is None else torch.where(mirrored, -1.0, 1.0)
    cos, sin = (image_size / side * part for part in (angle.cos(), angle.sin()))
    rows = [cos * mirror, sin, torch.full_like(cos, centre), -sin * mirror, cos, torch.full_like(cos, centre)]
    theta = torch.stack(rows, 1).unflatten(1, (2, 3)).repeat_interleave(num_frames, 0)
    clips = _sampled(frames, theta, image_size).div_(255).unflatten(0, frames.shape[:2])
    return _normalised(clips)


def _random(frames: Tensor, lengths: Tensor, config: TrainerConfig, generator: torch.Generator) -> Tensor:
    """`to_input` under random changes, one draw for all frames of a clip.

    Flip with probability 1/2 where `flip`; rotation up to `max_rotation_deg`; shift up to the share `max_shift` of the
    crop; zoom by 1 +- `max_zoom`; brightness, as a share of white, and contrast about the clip's mean, as a factor,
    both up to `max_brightness`. With `max_drift` a change (but the flip) moves evenly over the clip, by up to that share
    of its range, as heads and lamps do. Beyond the stored margin the border is repeated. Neither the mean nor the drift
    counts the padding: a clip is changed as it would be without it.
    """
    num_clips, num_frames, side = frames.shape[:3]
    size = config.image_size
    top = _margin(frames, size)
    draws = _drifting(torch.rand(num_clips, 2, 7, generator=generator), lengths, num_frames, config.max_drift)
    theta = _theta(draws[:, :5], config, size / side, (2 * top + size) / side - 1)
    clips = _sampled(frames, theta, size).div_(255)
    clips = _light(clips.unflatten(0, (num_clips, num_frames)), lengths, draws[:, 5:], config.max_brightness)
    return _normalised(clips)


def _sampled(frames: Tensor, theta: Tensor, size: int) -> Tensor:
    """What `theta` (B * T, 2, 3) shows of the stored frames: (B * T, 3, R, R) in 0 to 255."""
    planes = frames.flatten(0, 1).permute(0, 3, 1, 2).float()
    grid = F.affine_grid(theta.to(frames.device, non_blocking=True), [len(planes), 3, size, size], align_corners=False)
    return F.grid_sample(planes, grid, mode="bilinear", padding_mode="border", align_corners=False)


def _normalised(clips: Tensor) -> Tensor:
    """(B, T, 3, R, R) in 0 to 1 as planes -> normalised, channels last in memory as `to_input` has it."""
    clips = clips.permute(0, 1, 3, 4, 2).contiguous()
    mean, std = _statistics(clips.device)
    return clips.sub_(mean).div_(std).permute(0, 1, 4, 2, 3)


def _statistics(device: torch.device) -> tuple[Tensor, Tensor]:
    """`MEAN` and `STD` (3,) on `device`. Made there outright, they would make the processor wait for it."""
    return torch.tensor(MEAN).to(device, non_blocking=True), torch.tensor(STD).to(device, non_blocking=True)


def _drifting(draws: Tensor, lengths: Tensor, num_frames: int, max_drift: float) -> Tensor:
    """A draw for each frame, (B * T, 7) in 0 to 1, from a place and a direction for each clip, (B, 2, 7)."""
    place, direction = draws.unbind(1)
    along = torch.zeros(len(draws), num_frames, 1)  # from -1/2 in a clip's first frame to 1/2 in its last
    for clip, length in zip(along, lengths.tolist(), strict=True):
        clip[:length, 0] = torch.linspace(-0.5, 0.5, length)
    moved = place[:, None] + max_drift * along * (2 * direction[:, None] - 1)
    moved[..., 0] = place[:, :1]  # a face is mirrored in all frames or in none
    return moved.flatten(0, 1)


def _margin(frames: Tensor, image_size: int) -> int:
    height, width = frames.shape[2:4]
    if height != width or height < image_size:
        raise ValueError(
            f"Stored frames are {height} x {width} px; a square of at least image_size {image_size} px is allowed. "
            f"Prepare the data with a larger size, or set a smaller image_size."
        )
    return (height - image_size) // 2


def _theta(draws: Tensor, config: TrainerConfig, scale: float, centre: float) -> Tensor:
    """Where in the stored frame each pixel of the crop lies, (B * T, 2, 3), in coordinates that run from -1 to 1."""
    flip, angle, right, down, zoom = (2 * draws - 1).unbind(1)
    angle = angle * math.radians(config.max_rotation_deg)
    zoom = scale * (1 + zoom * config.max_zoom)
    mirror = torch.where((flip < 0) & config.flip, -1.0, 1.0)
    cos, sin = zoom * angle.cos(), zoom * angle.sin()
    shift = 2 * config.max_shift * scale
    rows = [cos * mirror, -sin, centre + shift * right, sin * mirror, cos, centre + shift * down]
    return torch.stack(rows, 1).unflatten(1, (2, 3))


def _light(clips: Tensor, lengths: Tensor, draws: Tensor, strength: float) -> Tensor:
    """Contrast about each clip's mean, then brightness: (B, T, 3, R, R) in 0 to 1, changed in place.

    The padding is zeros, so that the mean over all T frames is the clip's times its share of them.
    """
    changes = ((2 * draws - 1) * strength).to(clips.device, non_blocking=True)
    contrast, brightness = changes.view(*clips.shape[:2], 2, 1, 1, 1).unbind(2)
    share = (lengths / clips.shape[1]).to(clips.device, non_blocking=True)
    mean = clips.mean((1, 2, 3, 4), keepdim=True) / share.view(-1, 1, 1, 1, 1)
    return clips.mul_(1 + contrast).add_(brightness - mean * contrast).clamp_(0, 1)
