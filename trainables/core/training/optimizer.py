"""The optimizer of a training, and its learning rate step by step."""

from __future__ import annotations

import math

import torch
from torch import nn

from trainables.core.config import TrainerConfig
from trainables.core.training.fine_tuning import FineTuning


def optimizer_of(model: nn.Module, config: TrainerConfig, tuning: FineTuning) -> torch.optim.Optimizer:
    """Of the parameters of `model` that are ever trained; biases and norms are not decayed."""
    groups = []
    for factor, parameters in tuning.rates(model):
        decayed = [p for p in parameters if p.ndim > 1]
        rest = [p for p in parameters if p.ndim <= 1]
        lr = config.lr * factor
        groups.append({"params": decayed, "weight_decay": config.weight_decay, "lr": lr})
        groups.append({"params": rest, "weight_decay": 0.0, "lr": lr})
    if config.optimizer == "sgd":
        return torch.optim.SGD(groups, lr=config.lr, momentum=0.9, nesterov=True)
    return torch.optim.AdamW(groups, lr=config.lr, fused=True)  # one pass: a tenth of a small step


def schedule_of(
    optimizer: torch.optim.Optimizer, config: TrainerConfig, steps_per_epoch: int
) -> torch.optim.lr_scheduler.LambdaLR:
    """Linear warm-up, then half a cosine down to zero at the end of the full schedule, of every rate alike."""
    warmup = config.warmup_epochs * steps_per_epoch
    falling = max(1.0, config.epochs * steps_per_epoch - warmup)

    def factor(step: int) -> float:
        if step < warmup:
            return (step + 1) / (warmup + 1)
        return 0.5 * (1 + math.cos(math.pi * min(1.0, (step - warmup) / falling)))

    return torch.optim.lr_scheduler.LambdaLR(optimizer, factor)
