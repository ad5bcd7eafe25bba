"""An exponential moving average of a network's weights, kept while it trains."""

from __future__ import annotations

import copy

import torch
from torch import nn


class Average:
    """`model` is a copy of a network in which each weight is the average of those that it had after every step.

    After step n the average moves by 1 - d of the way to the weights, with d = min(`decay`, (1 + n) / (10 + n)): so the
    random weights of the beginning are forgotten in a short training too (TensorFlow's ExponentialMovingAverage with
    `num_updates`). The running statistics
    of BatchNorm are averaged by the same rule: they belong to the weights of their step. Counters are copied.
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        self.decay = decay
        self.model = copy.deepcopy(model).requires_grad_(False)

    @torch.no_grad()
    def update(self, model: nn.Module, step: int) -> None:
        """Take in the weights that `model` has after `step`, counted from 1."""
        decay = min(self.decay, (1 + step) / (10 + step))
        pairs = list(zip(_tensors(self.model), _tensors(model), strict=True))
        mine, theirs = zip(*((own, new) for own, new in pairs if own.is_floating_point()), strict=True)
        torch._foreach_lerp_(mine, theirs, 1 - decay)  # one pass over all, as the optimisers take it
        for own, new in pairs:
            if not own.is_floating_point():
                own.copy_(new)


def _tensors(model: nn.Module) -> list[torch.Tensor]:
    return [*model.parameters(), *model.buffers()]
