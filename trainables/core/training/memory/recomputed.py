"""Activations that are computed again when the backward pass needs them, instead of being kept (Chen et al., 2016).

"Training Deep Nets with Sublinear Memory Cost", arXiv 1604.06174. The batch stays whole, so that BatchNorm's statistics are
those of the whole batch, and the numbers those of a training that keeps everything; plain accumulation of gradients over
parts of a batch would change both (docs/decisions/0024).
"""

from __future__ import annotations

import contextlib
import functools
import inspect
from collections.abc import Callable, Generator, Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from trainables.core.training.synchronised import NORMS

_CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
_CONTAINERS = (nn.Sequential, nn.ModuleList, nn.ModuleDict)
_DROPOUTS = (nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.Dropout3d)


@contextlib.contextmanager
def recomputed(model: nn.Module, parts: int) -> Generator[None]:
    """Within it, which must enclose the backward pass, `model` keeps little of a training step; the numbers are the same.

    0 `parts` keep everything. With 1, each block of the network keeps its input alone. With more, what takes each frame by
    itself (no BatchNorm in training, no dropout) takes the frames in as many parts, one after the other, and keeps the
    frames and its answers; the rest is as with 1. Random draws are made once, and running statistics move once.
    """
    chosen = list(_units(model, parts)) if parts else []
    for unit, split in chosen:
        answer = functools.partial(_answer, unit, unit.forward, parts if split else 1)
        setattr(unit, "forward", answer)  # noqa: B010
    try:
        yield
    finally:
        for unit, _ in chosen:
            del unit.forward


def can_be_split(model: nn.Module) -> bool:
    """Whether a part of `model`, in the mode that it is in, takes each frame by itself."""
    return any(split for _, split in _units(model, 2))


def _units(module: nn.Module, parts: int) -> Iterator[tuple[nn.Module, bool]]:
    """What is computed again as one, and whether in parts: what takes each frame by itself, else the members of containers."""
    for child in module.children():
        if parts > 1 and _takes_each_by_itself(child):
            yield child, True
        elif isinstance(module, _CONTAINERS) and _is_block(child):
            yield child, False
        else:
            yield from _units(child, parts)


def _takes_each_by_itself(module: nn.Module) -> bool:
    inside = list(module.modules())
    return (
        len(inside) > 1
        and any(isinstance(one, _CONVOLUTIONS) for one in inside)
        and not any(isinstance(one, (*NORMS, *_DROPOUTS, nn.RNNBase)) and one.training for one in inside)
        and len(inspect.signature(type(module).forward).parameters) == 2  # itself and the frames
    )


def _is_block(module: nn.Module) -> bool:
    return type(module) not in _CONTAINERS and not isinstance(module, NORMS) and any(True for _ in module.children())


def _answer(unit: nn.Module, forward: Callable[..., Any], parts: int, *inputs: Any) -> Any:
    if not torch.is_grad_enabled():
        return forward(*inputs)
    again = functools.partial(
        checkpoint, forward, use_reentrant=False, context_fn=lambda: (contextlib.nullcontext(), _unmoved(unit))
    )
    if parts == 1:
        return again(*inputs)
    frames: Tensor = inputs[0]
    return torch.cat([again(part) for part in frames.chunk(parts)])


@contextlib.contextmanager
def _unmoved(unit: nn.Module) -> Generator[None]:
    """Within it, `unit` moves copies of its running statistics: they were moved when it was first computed."""
    kept = [(module, name, buffer) for module in unit.modules() for name, buffer in module.named_buffers(recurse=False)]
    for module, name, buffer in kept:
        setattr(module, name, buffer.clone())
    try:
        yield
    finally:
        for module, name, buffer in kept:
            setattr(module, name, buffer)
