"""Deep residual attention: spatial gates in a ResNet, averaged over time (Zhao et al., IETE Technical Review 2021).

On BAUM-1s and RML; the published accuracies and hardware are not openly available.
"""

from __future__ import annotations

import dataclasses
from typing import Annotated, Any

from torch import nn

from trainables.core.config import TrainerConfig
from trainables.core.ranges import AtLeast, OneOf, Share
from trainables.models import backbones
from trainables.models.attention import FrameGate
from trainables.models.backbones import BACKBONES, frame_network
from trainables.models.deep_residual_attention import DeepResidualAttention
from trainables.models.resnet import STEMS, require_stem
from trainables.models.sources import Weights, check_weights


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config(TrainerConfig):
    """The network's fields beside the trainer's.

    `backbone`, `attention`: the frame network and the gate in each of its blocks, `spatial` in the source; the
    others for single frames are there to compare with. `mlp_hidden`: the width of the perceptron's hidden layer. `weights`:
    what the backbone starts from: `none`, a name of `trainables/models/sources.py` such as `imagenet`, or a file's path.
    `stem`: how a ResNet begins, `imagenet` or, for frames of some 64 px or less and only without `weights`, `small`.

    The source names neither the depth of its ResNet nor the perceptron's width. Not specified by the source, chosen:
    `backbone` resnet18, because BAUM-1s and RML have some 500 and 720 clips; `mlp_hidden` 512, as wide as its features;
    `num_classes` 6, the emotions of both data sets; `dropout` off and `weights` none, as nothing is said of them.
    Raises `ValueError` for a value that is not allowed.
    """

    num_classes: int = 6
    backbone: Annotated[str, OneOf(*BACKBONES)] = "resnet18"
    attention: Annotated[str, FrameGate()] = "spatial"
    mlp_hidden: Annotated[int, AtLeast(1)] = 512
    dropout: Annotated[float, Share()] = 0.0
    weights: Annotated[str, Weights()] = "none"
    stem: Annotated[str, OneOf(*STEMS)] = "imagenet"

    def __post_init__(self) -> None:
        super().__post_init__()
        check_weights(self.weights, self.backbone)
        require_stem(self.stem, self.backbone, self.weights)

    def num_stages(self) -> int:
        """Of the frame network."""
        return backbones.num_stages(self.backbone)


def build_model(config: Config) -> nn.Module:
    """The network of `config`: `model(clips, lengths)` with clips (B, T, 3, H, W), lengths (B,) -> logits (B, K).

    Raises `ValueError` where the file of `weights` is not there or misfits; on the meta device none is read.
    """
    backbone, num_features = frame_network(config.backbone, config.attention, config.weights, config.stem)
    return DeepResidualAttention(
        backbone, num_features, config.num_classes, hidden=config.mlp_hidden, dropout=config.dropout
    )


# A network and frames small enough for a test or a smoke run.
SMALL: dict[str, Any] = {"mlp_hidden": 8, "image_size": 32, "num_frames": 3, "batch_size": 4, "epochs": 1}
