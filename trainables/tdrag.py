"""TDRAG: keyframes, a 3-D ResNet-18 with residual attention, a GRU (Liu et al., Journal of XPU 2024).

Published: +4.27 WAR and +4.16 UAR over 3-D ResNet-18 on DFEW; the base and the hardware are not stated. Public tables
give 3-D ResNet-18 there 58.27 WAR and 46.52 UAR: compare the gain, not the level.
"""

from __future__ import annotations

import dataclasses
from typing import Annotated, Any, ClassVar

from torch import nn

from trainables.core.config import OnlyIf, TrainerConfig
from trainables.core.ranges import AtLeast, OneOf, Share, Within
from trainables.models.attention import GATES
from trainables.models.res_rbg import MeanHead
from trainables.models.resnet3d import NUM_STAGES, WIDTH, ResNet3d
from trainables.models.sources import Weights, check_weights
from trainables.models.tdrag import TDRAG, GRUHead


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config(TrainerConfig):
    """The network's fields beside the trainer's; the defaults are the full model as we read it.

    `frame_selection` and `redundancy_threshold` (the trainer's) choose the `num_frames` keyframes. `attention`: the gate
    in each block of the 3-D ResNet-18, `spatial_3d` in the source; one for single frames, such as `se`, is applied to each
    frame by itself. `temporal`: `gru`, or `mean`, which averages over time as
    a plain 3-D ResNet does and leaves `gru_hidden` and `gru_layers` without effect. `temporal_halvings`: how many of the
    last three stages halve the number of frames, 0 to 3. `width`: channels of the first stage. `weights`: what the
    backbone starts from: `none`, `kinetics` (a local file; only at the `width` of 64) or the path of a file.

    Not specified by the source, chosen: `redundancy_threshold` 0.98, which keeps 5 of the 16 frames of a filmed smile;
    16 frames of 112 px, as most results on DFEW have them; `temporal_halvings` 1, where an ordinary 3-D ResNet-18 has
    3, because a GRU over the last 2 steps would have nothing to do; one GRU layer of 256; `dropout` off and `weights`
    none, as nothing is said of them. Raises `ValueError` for a value that is not allowed.
    """

    ONLY_IF: ClassVar[OnlyIf] = {"gru_hidden": {"temporal": ("gru",)}, "gru_layers": {"temporal": ("gru",)}}

    frame_selection: str = "keyframes"
    attention: Annotated[str, OneOf(*GATES)] = "spatial_3d"
    temporal: Annotated[str, OneOf("gru", "mean")] = "gru"
    gru_hidden: Annotated[int, AtLeast(1)] = 256
    gru_layers: Annotated[int, AtLeast(1)] = 1
    temporal_halvings: Annotated[int, Within(0, 3)] = 1
    width: Annotated[int, AtLeast(1)] = WIDTH
    dropout: Annotated[float, Share()] = 0.0
    weights: Annotated[str, Weights()] = "none"

    def __post_init__(self) -> None:
        super().__post_init__()
        check_weights(self.weights, "r3d_18")
        if self.weights == "kinetics" and self.width != WIDTH:
            raise ValueError(f"width was given as {self.width} with weights 'kinetics', which have a width of {WIDTH}.")

    def num_stages(self) -> int:
        """Of the 3-D ResNet-18."""
        return NUM_STAGES


def build_model(config: Config) -> nn.Module:
    """The network of `config`: `model(clips, lengths)` with clips (B, T, 3, H, W), lengths (B,) -> logits (B, K).

    Raises `ValueError` where the file of `weights` is not there or misfits; on the meta device none is read.
    """
    backbone = ResNet3d(config.attention, config.temporal_halvings, config.width)
    backbone.start_from(config.weights)
    head: nn.Module = MeanHead(backbone.num_features, config.num_classes, config.dropout)
    if config.temporal == "gru":
        head = GRUHead(
            backbone.num_features, config.num_classes, config.gru_hidden, config.gru_layers, dropout=config.dropout
        )
    return TDRAG(backbone, head)


# Our reading of an ablation that the source's components suggest: each row adds one of them to the row above, and `full`
# is `Config()`. `r3d_18` is the 3-D ResNet-18 of others, with the usual three halvings of time.
PRESETS: dict[str, dict[str, Any]] = {
    "r3d_18": {"frame_selection": "even", "attention": "none", "temporal": "mean", "temporal_halvings": 3},
    "resnet3d": {"frame_selection": "even", "attention": "none", "temporal": "mean", "temporal_halvings": 1},
    "keyframes": {"frame_selection": "keyframes", "attention": "none", "temporal": "mean", "temporal_halvings": 1},
    "attention": {
        "frame_selection": "keyframes",
        "attention": "spatial_3d",
        "temporal": "mean",
        "temporal_halvings": 1,
    },
    "full": {"frame_selection": "keyframes", "attention": "spatial_3d", "temporal": "gru", "temporal_halvings": 1},
}

# A network and frames small enough for a test or a smoke run.
SMALL: dict[str, Any] = {
    "width": 8,
    "gru_hidden": 8,
    "image_size": 32,
    "num_frames": 5,
    "batch_size": 4,
    "epochs": 1,
}
