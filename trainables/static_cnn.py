"""Ten architectures for single images, compared on FER2013 (Qian et al., Sensors 2025, 25, 1478).

Published: EfficientNet V2 and ResNet50 best, MobileNet V1 and ShuffleNet V2 weak on fear and disgust; an earlier paper
of the group gives ResNet50 69.46 % and a weight file of 512 MB for VGG16.
"""

from __future__ import annotations

import dataclasses
from typing import Annotated, Any, Self

from torch import nn

from trainables.core.config import TrainerConfig
from trainables.core.ranges import AtLeast, OneOf
from trainables.models.cnn import ARCHITECTURES, MIN_SIZE, num_stages, static_cnn
from trainables.models.sources import Weights, check_weights


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config(TrainerConfig):
    """The network's fields beside the trainer's.

    `architecture`: one of the ten. `weights`: what it starts from: `none`, `imagenet` (a local file) or the path of a file.
    `input_size`: px to which frames are enlarged, bilinearly, before the network, or 0 for as they are; most of the ten were
    made for 224 px, and FER2013 has 48. `num_frames` is 1 for still images; of a clip with more, the logits are averaged.

    `architecture` resnet50 is one of the two best. Not specified by the source: the variants of DenseNet (121),
    EfficientNet V2 (S), ShuffleNet V2 (x1.0) and RepVGG (A0), chosen as each family's common smallest; `input_size` 0,
    chosen because 224 px take 20 times as long; `weights` none, as no file comes along.
    Raises `ValueError` for a value that is not allowed.
    """

    num_frames: int = 1
    image_size: int = 48
    architecture: Annotated[str, OneOf(*ARCHITECTURES)] = "resnet50"
    input_size: Annotated[int, AtLeast(0)] = 0
    weights: Annotated[str, Weights()] = "none"

    def __post_init__(self) -> None:
        super().__post_init__()
        check_weights(self.weights, self.architecture)
        if 0 < self.input_size < self.image_size:
            raise ValueError(
                f"input_size was given as {self.input_size!r} px; 0 (frames as they are) or a whole number of at least "
                f"image_size, {self.image_size} px, is allowed."
            )
        if max(self.image_size, self.input_size) < MIN_SIZE:
            raise ValueError(
                f"image_size was given as {self.image_size} px; at least {MIN_SIZE} px are allowed, or an input_size "
                "that enlarges the frames to as much."
            )

    def num_stages(self) -> int:
        """Of the network without its classifier."""
        return num_stages(self.architecture)

    def canonical(self) -> Self:
        """As every config's; an `input_size` that frames have already is 0."""
        found = super().canonical()
        return dataclasses.replace(found, input_size=0) if found.input_size == found.image_size else found


def build_model(config: Config) -> nn.Module:
    """The network of `config`: `model(clips, lengths)` with clips (B, T, 3, H, W), lengths (B,) -> logits (B, K).

    GoogLeNet in training gives a tuple, the logits and those of its two auxiliary heads. RepVGG has `deployed()`, the
    network after re-parameterisation. Raises `ValueError` where the file of `weights` is not there or misfits; on the
    meta device none is read.
    """
    return static_cnn(config.architecture, config.num_classes, input_size=config.input_size, weights=config.weights)


PRESETS: dict[str, dict[str, Any]] = {name: {"architecture": name} for name in ARCHITECTURES}

# A network and frames small enough for a test or a smoke run.
SMALL: dict[str, Any] = {
    "architecture": "shufflenet_v2",
    "image_size": 32,
    "num_frames": 2,
    "batch_size": 4,
    "epochs": 1,
}
