"""The networks for single frames by name, each with gates in its blocks and weights to start from."""

from __future__ import annotations

import functools

import torch
from torch import nn

from trainables.core.lookup import unknown
from trainables.models import resnet as resnets
from trainables.models.expression_net import NAME, expression_net
from trainables.models.mobilenet import NUM_BLOCKS, mobilenet
from trainables.models.resnet import resnet
from trainables.models.stages import stages

BACKBONES = {
    **dict.fromkeys(resnets.BACKBONES, resnet),
    **dict.fromkeys(NUM_BLOCKS, mobilenet),
    NAME: expression_net,
}


def frame_network(name: str, gate: str, weights: str = "none", stem: str = "imagenet") -> tuple[nn.Module, int]:
    """The backbone `name` with gates `gate`, mapping (N, 3, H, W) to (N, D), and its D.

    `weights` is `none`, a name of published ones (`trainables/models/sources.py`) or the path of a file; nothing is
    downloaded, and on the meta device nothing is read. Raises `ValueError` for an unknown name, a missing file and one that
    misfits.
    """
    if name not in BACKBONES:
        raise ValueError(unknown("backbone", name, list(BACKBONES)))
    if name in resnets.BACKBONES:
        return resnet(name, gate, weights, stem)
    return BACKBONES[name](name, gate, weights)


@functools.cache
def num_stages(name: str) -> int:
    """How many stages the backbone `name` has (`trainables/models/stages.py`)."""
    with torch.device("meta"):
        return len(stages(frame_network(name, "none")[0]))
