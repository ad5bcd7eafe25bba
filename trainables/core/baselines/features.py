"""Features of frames that nothing is trained for: of a network with published weights, or oriented gradients.

Shapes: N frames, H, W px, D features.
"""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from trainables.core.config import MEAN, STD
from trainables.core.prepared.stored import Prepared
from trainables.models.backbones import BACKBONES, frame_network
from trainables.models.sources import is_path, path_of

NETWORK_SIZE = 112  # px
CELLS, BINS = 8, 9  # of the gradients: a grid of 8 x 8 cells of 8 px, angles in steps of 20 degrees

# Published weights that may lie at hand, those first that were trained on expressions, then on faces: name and backbone.
BEST_FIRST = (
    ("affectnet8", "resnet18"),
    ("affectnet7", "resnet18"),
    ("face_api", "expression_net"),
    ("vggface2", "mobilenet_tf_12"),
    ("vggface2", "resnet50_caffe"),
    ("msceleb", "resnet18"),
    ("msceleb_fan", "resnet18"),
    ("imagenet", "resnet18"),
    ("imagenet", "resnet50"),
)


@dataclasses.dataclass(frozen=True)
class Features:
    """`what` they are, for people, and `of`, from faces (N, 3, H, W) in 0 to 255 to features (N, D)."""

    what: str
    of: Callable[[Tensor], Tensor]


def frozen_features(weights: str, backbone: str, device: torch.device, size: int = NETWORK_SIZE) -> Features:
    """Of the network that `weights` start `backbone` with; of published ones at hand where these are none for frames.

    The network is shown faces of `size` px. Where nothing lies at hand they are oriented gradients. Raises `ValueError` for
    `weights` that cannot be loaded.
    """
    if weights != "none" and backbone in BACKBONES:
        return _of_network(weights, backbone, device, size)
    for name, fitting in BEST_FIRST:
        if path_of(name, fitting).is_file():
            with contextlib.suppress(ValueError):  # damaged: nobody asked for it
                return _of_network(name, fitting, device, size)
    return Features("oriented gradients of grey frames, as no weights lie at hand", oriented_gradients)


def faces_of(frames: Tensor, prepared: Prepared) -> Tensor:
    """Stored frames uint8 (N, S, S, 3) without their margin, float32 (N, 3, H, W) in 0 to 255."""
    size, top = prepared.face_size, (prepared.crop_size - prepared.face_size) // 2
    return frames[:, top : top + size, top : top + size].permute(0, 3, 1, 2).float()


def oriented_gradients(faces: Tensor) -> Tensor:
    """Histograms of oriented gradients (Dalal and Triggs, CVPR 2005): (N, 3, H, W) -> (N, 49 blocks x 36).

    A block is 2 x 2 cells, its histograms of unsigned angles together of length 1.
    """
    side = CELLS * 8
    grey = F.interpolate(faces.mean(1, keepdim=True) / 255, size=(side, side), mode="area")
    padded = F.pad(grey, (1, 1, 1, 1), mode="replicate")
    across = padded[..., 1:-1, 2:] - padded[..., 1:-1, :-2]
    down = padded[..., 2:, 1:-1] - padded[..., :-2, 1:-1]
    angle = torch.atan2(down, across) % torch.pi / torch.pi * BINS
    apart = (angle - torch.arange(BINS, device=faces.device).view(1, BINS, 1, 1)).abs()
    shares = (1 - torch.minimum(apart, BINS - apart)).clamp(min=0)  # of the two nearest bins
    cells = F.avg_pool2d(shares * torch.hypot(across, down), side // CELLS)
    return F.normalize(F.unfold(cells, 2), dim=1).flatten(1)


def _of_network(weights: str, backbone: str, device: torch.device, size: int) -> Features:
    network, _ = frame_network(backbone, "none", weights)
    network.to(device).eval()
    mean, std = (torch.tensor(values, device=device).view(3, 1, 1) * 255 for values in (MEAN, STD))

    def of(faces: Tensor) -> Tensor:
        pixels = F.interpolate(faces.to(device), size=(size, size), mode="bilinear", antialias=True)
        with torch.inference_mode():
            return network((pixels - mean) / std).float().cpu()

    return Features(f"frozen features of {backbone} ({Path(weights).name if is_path(weights) else weights})", of)
