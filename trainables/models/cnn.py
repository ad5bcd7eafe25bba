"""Ten published networks for single images, answering for clips (compared by Qian et al., Sensors 2025, 25, 1478).

Eight are torchvision's, two timm's; state dicts are theirs behind `frames.network.`, so published weights fit.
Shapes: B clips, T frames, N frames of all clips, K classes.
"""

from __future__ import annotations

import contextlib
import copy
import dataclasses
import functools
from collections.abc import Generator, Mapping

import timm
import torch
import torch.nn.functional as F
from timm.utils import reparameterize_model
from torch import Tensor, nn
from torchvision.models import get_model

from trainables.core.config import MEAN, STD
from trainables.models.padding import masked_mean, on_rows, valid_rows
from trainables.models.published import colours_for, start
from trainables.models.sources import is_path
from trainables.models.stages import stages

MIN_SIZE = 32  # px; five halvings leave one


@dataclasses.dataclass(frozen=True)
class Published:
    """A network as a library has it: its name there, where its classifiers lie in the state dict, further arguments.

    `statistics` are the means and deviations of the colours that its published weights were trained on.
    """

    library: str
    name: str
    classifiers: tuple[str, ...]
    options: Mapping[str, bool] = dataclasses.field(default_factory=dict)
    statistics: tuple[tuple[float, ...], tuple[float, ...]] = (MEAN, STD)


HALVES = ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))

ARCHITECTURES = {
    "vgg16": Published("torchvision", "vgg16", ("classifier.6.",)),
    "vgg19": Published("torchvision", "vgg19", ("classifier.6.",)),
    "resnet50": Published("torchvision", "resnet50", ("fc.",)),
    "resnet101": Published("torchvision", "resnet101", ("fc.",)),
    "densenet121": Published("torchvision", "densenet121", ("classifier.",)),
    # Its published auxiliary heads were never trained, as torchvision warns.
    "googlenet": Published(
        "torchvision", "googlenet", ("fc.", "aux1.", "aux2."), {"aux_logits": True, "init_weights": True}, HALVES
    ),
    "mobilenet_v1": Published("timm", "mobilenetv1_100.ra4_e3600_r224_in1k", ("classifier.",), statistics=HALVES),
    "efficientnet_v2_s": Published("torchvision", "efficientnet_v2_s", ("classifier.1.",)),
    "shufflenet_v2": Published("torchvision", "shufflenet_v2_x1_0", ("fc.",)),
    "repvgg_a0": Published("timm", "repvgg_a0.rvgg_in1k", ("head.fc.",)),
}


def static_cnn(architecture: str, num_classes: int, *, input_size: int = 0, weights: str = "none") -> StaticCNN:
    """The network `architecture` for clips; frames are enlarged to `input_size` px before it, unless that is 0.

    `weights` is `none`, `imagenet` or a path; a local file is read, never downloaded, and the classifier starts afresh. A
    network under construction on the meta device is left without values. Raises `ValueError` for a missing file and a
    misfit.
    """
    source = ARCHITECTURES[architecture]
    if source.library == "timm":
        network = timm.create_model(source.name, pretrained=False, num_classes=num_classes)
    else:
        network = get_model(source.name, num_classes=num_classes, **source.options)
    colours = colours_for(weights, architecture) if is_path(weights) else nn.Identity()
    start(network, architecture, weights, own=lambda key: key.startswith(source.classifiers), colours=colours)
    # The network reads the colours that it was trained on; one that starts from nothing reads them as they come.
    statistics = source.statistics if weights == "imagenet" else (MEAN, STD)
    frames = FrameNetwork(network, input_size, statistics, colours)
    kind = RepVGG if architecture == "repvgg_a0" else StaticCNN
    return kind(frames, tuple(name.rstrip(".") for name in source.classifiers))


@functools.cache
def num_stages(architecture: str) -> int:
    """How many stages the network `architecture` has before its classifier (`trainables/models/stages.py`)."""
    with torch.device("meta"):
        return len(static_cnn(architecture, 1).stages())


class StaticCNN(nn.Module):
    """Every frame for itself: clips (B, T, 3, H, W) float and lengths (B,) int64 -> logits (B, K), their mean over time.

    Padded frames enter neither the mean nor, in training, batch statistics; leave `lengths` on the CPU then, or every
    step waits for the device. A network with auxiliary heads answers in training with a tuple, the logits first.
    """

    def __init__(self, frames: FrameNetwork, classifiers: tuple[str, ...] = ()) -> None:
        super().__init__()
        self.frames = frames
        self.classifiers = classifiers  # their names in the library's network

    def stages(self) -> list[list[nn.Module]]:
        """Of the network before its classifiers."""
        return stages(self.frames.network, self.classifiers)

    def forward(self, clips: Tensor, lengths: Tensor) -> Tensor | tuple[Tensor, ...]:
        rows = valid_rows(lengths, clips.shape[1], clips.device) if self.training else None
        outputs = on_rows(self.frames, clips, rows)  # (B, T, heads, K)
        logits, *auxiliary = masked_mean(outputs.flatten(2), lengths).unflatten(1, outputs.shape[2:]).unbind(1)
        return (logits, *auxiliary) if auxiliary else logits


class RepVGG(StaticCNN):
    """RepVGG trains three branches a block, and is deployed as one (Ding et al., CVPR 2021)."""

    def deployed(self) -> StaticCNN:
        """The re-parameterised network, for evaluation alone: the same answers from fewer and plainer operations."""
        frames = copy.deepcopy(self.frames).eval()
        frames.network = reparameterize_model(frames.network, inplace=True)
        return StaticCNN(frames).eval()


class FrameNetwork(nn.Module):
    """Normalised frames (N, 3, H, W) -> the logits of each head (N, heads, K): one, in training also auxiliary ones."""

    def __init__(
        self,
        network: nn.Module,
        input_size: int,
        statistics: tuple[tuple[float, ...], tuple[float, ...]],
        colours: nn.Module | None = None,
    ) -> None:
        super().__init__()
        self.colours = colours or nn.Identity()
        self.network = network
        self.input_size = input_size
        self.statistics = statistics

    def forward(self, frames: Tensor) -> Tensor:
        frames = self.colours(frames)
        if self.statistics != (MEAN, STD):
            mean, std, new_mean, new_std = (
                torch.tensor(values, device=frames.device)[:, None, None] for values in (MEAN, STD, *self.statistics)
            )
            frames = (frames * std + mean - new_mean) / new_std
        if self.input_size:
            frames = F.interpolate(frames, size=(self.input_size, self.input_size), mode="bilinear")
        alone = self.training and len(frames) == 1
        with _running_statistics(self.network) if alone else contextlib.nullcontext():
            outputs = self.network(frames)
        return torch.stack(outputs, 1) if isinstance(outputs, tuple) else outputs.unsqueeze(1)


@contextlib.contextmanager
def _running_statistics(network: nn.Module) -> Generator[None]:
    """BatchNorm as in evaluation: a single frame may end as a map of 1 x 1, whose one value has no variance."""
    norms = [module for module in network.modules() if isinstance(module, nn.BatchNorm2d) and module.training]
    for norm in norms:
        norm.eval()
    try:
        yield
    finally:
        for norm in norms:
            norm.train()
