"""Res-RBG: gated ResNet-50 frames, residual bidirectional GRUs over time (Mou et al., Sensors 2025, 25, 3829).

Published: 98.10 % on CK+ and 88.64 % on Oulu-CASIA with 64.20 M parameters; hardware not stated.
"""

from __future__ import annotations

import dataclasses
from typing import Annotated, Any, ClassVar

from torch import nn

from trainables.core.config import OnlyIf, TrainerConfig
from trainables.core.ranges import AtLeast, OneOf, Share, Within
from trainables.models import backbones
from trainables.models.attention import FrameGate
from trainables.models.backbones import BACKBONES, frame_network
from trainables.models.rbg import RBG, RECURRENT, SHORTCUTS
from trainables.models.res_rbg import NECKS, Deviation, MeanHead, ResRBG
from trainables.models.resnet import STEMS, require_stem
from trainables.models.sources import Weights, check_weights


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config(TrainerConfig):
    """The network's fields beside the trainer's; the defaults are the full model of the paper.

    `backbone`, `attention`: the frame network and the gate in each of its blocks, any for single frames. `temporal`: `gru`,
    or `mean` for the order-blind control, which leaves the four fields after it without effect. `recurrent`: `rbg`, or
    `bi_gru` for the same bidirectional layers without BatchNorm and residual. `rbg_depth`: pairs of bidirectional layers,
    0 to 3, after the two unidirectional ones. `shortcut`: what an RBG block does where its width changes, `linear` or
    `parameter_free`. `weights`: what the backbone starts from: `none`, a name of `trainables/models/sources.py`
    such as `imagenet`, or the path of a file.
    `stem`: how a ResNet begins, `imagenet` or, for frames of some 64 px or less and only without `weights`, `small`.
    `neck`: what the temporal head is given of a frame, its features as they are, or with `deviation` also how far they are
    from their mean over the clip, which is ours and none of the paper's.

    `gru_hidden` 696 with a parameter-free shortcut is not specified by the source; chosen because it gives its 64.20 M
    parameters. Neither are `dropout` (off, as nothing is said of it), `weights` (none, as no file comes along) and the
    value of `masking_rate` (a tenth of a frame; the source masks, at a rate it does not give).
    Raises `ValueError` for a value that is not allowed.
    """

    ONLY_IF: ClassVar[OnlyIf] = {
        "rbg_depth": {"temporal": ("gru",)},
        "gru_hidden": {"temporal": ("gru",)},
        "recurrent": {"rbg_depth": (1, 2, 3)},
        "shortcut": {"recurrent": ("rbg",)},
    }

    masking_rate: float = 0.1
    backbone: Annotated[str, OneOf(*BACKBONES)] = "resnet50"
    attention: Annotated[str, FrameGate()] = "g_eca"
    temporal: Annotated[str, OneOf("gru", "mean")] = "gru"
    recurrent: Annotated[str, OneOf(*RECURRENT)] = "rbg"
    rbg_depth: Annotated[int, Within(0, 3)] = 2
    gru_hidden: Annotated[int, AtLeast(1)] = 696
    shortcut: Annotated[str, OneOf(*SHORTCUTS)] = "parameter_free"
    dropout: Annotated[float, Share()] = 0.0
    weights: Annotated[str, Weights()] = "none"
    stem: Annotated[str, OneOf(*STEMS)] = "imagenet"
    neck: Annotated[str, OneOf(*NECKS)] = "none"

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
    neck = Deviation(num_features) if config.neck == "deviation" else None
    if config.temporal == "mean":
        return ResRBG(backbone, MeanHead(num_features, config.num_classes, config.dropout), neck)
    head = RBG(
        num_features,
        config.num_classes,
        hidden=config.gru_hidden,
        depth=config.rbg_depth,
        recurrent=config.recurrent,
        shortcut=config.shortcut,
        dropout=config.dropout,
    )
    return ResRBG(backbone, head, neck)


# The full model of the paper; `paper_64m` has 64.199 M parameters at 7 classes, `h512` 46.885 M. The six rows after them
# are the paper's ablation as we read it: each adds one component to the row above.
_FULL: dict[str, Any] = {
    "backbone": "resnet50",
    "attention": "g_eca",
    "temporal": "gru",
    "recurrent": "rbg",
    "rbg_depth": 2,
    "gru_hidden": 696,
    "shortcut": "parameter_free",
    "masking_rate": 0.1,
}
PRESETS: dict[str, dict[str, Any]] = {
    "h512": _FULL | {"attention": "eca", "gru_hidden": 512, "shortcut": "linear"},
    "paper_64m": _FULL,
    "baseline": _FULL | {"attention": "none", "rbg_depth": 0, "masking_rate": 0.0},
    "random_masking": _FULL | {"attention": "none", "rbg_depth": 0},
    "bi_gru": _FULL | {"attention": "none", "recurrent": "bi_gru"},
    "rbg": _FULL | {"attention": "none"},
    "eca": _FULL | {"attention": "eca"},
    "full": _FULL,
}

# A network and frames small enough for a test or a smoke run.
SMALL: dict[str, Any] = {
    "backbone": "resnet18",
    "gru_hidden": 8,
    "image_size": 32,
    "num_frames": 4,
    "batch_size": 4,
    "epochs": 1,
}
