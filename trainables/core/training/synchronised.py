"""BatchNorm over a whole batch that several workers share; torch's own (`nn.SyncBatchNorm`) knows GPUs alone.

Every BatchNorm computes by `F.batch_norm`, those of published networks too, which may do more beside it. So this function,
and not the module, is what is exchanged while a training step runs.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Generator, Mapping
from typing import Any

import torch
import torch.distributed as dist
import torch.nn.functional as F
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)


@contextlib.contextmanager
def synchronised(model: nn.Module, *, counts: bool) -> Generator[None]:
    """Within it, a BatchNorm of `model` that trains takes the mean and the variance of the batches of all workers.

    All workers of the default process group run `model` within it, once each. What one of them gives it adds nothing to the
    statistics unless `counts`; at least one must count. A single value in all, which has no variance, is normalised by the
    running statistics. Gradients pass from worker to worker.
    """
    norms = [module for module in model.modules() if isinstance(module, NORMS) and module.training]
    for norm in norms:
        setattr(norm, "forward", functools.partial(_forward, norm, counts))  # noqa: B010
    try:
        yield
    finally:
        for norm in norms:
            del norm.forward


def _forward(norm: nn.Module, counts: bool, *inputs: Tensor) -> Tensor:
    # Whichever statistics a network asks for on seeing its own worker's part: the others wait for this one's.
    with _Exchanged(functools.partial(_batch_norm, norm, counts)):
        return type(norm).forward(norm, *inputs)


class _Exchanged(TorchFunctionMode):
    """`instead` of `F.batch_norm`."""

    def __init__(self, instead: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self._instead = instead

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        return self._instead(args[0]) if func is F.batch_norm else func(*args, **(kwargs or {}))


def _batch_norm(norm: Any, counts: bool, x: Tensor) -> Tensor:
    """`x` (N, C, ...) normalised; `norm`'s running statistics are moved."""
    values = x.float()
    shape = [1, -1] + [1] * (x.ndim - 2)
    var, mean = torch.var_mean(values, [0, *range(2, x.ndim)], correction=0)  # (C,) both, of this worker
    count = mean.new_full((1,), counts * x.numel() / x.shape[1])
    *sums, total = _summed(torch.cat((count * mean, count))).split((len(mean), 1))
    mean_of_all = sums[0] / total
    var_of_all = _summed(count * (var + (mean - mean_of_all) ** 2)) / total
    several = total > 1
    mean = torch.where(several, mean_of_all, norm.running_mean)
    var = torch.where(several, var_of_all, norm.running_var)
    with torch.no_grad():
        unbiased = torch.where(several, var_of_all * total / (total - 1).clamp(min=1), norm.running_var)
        norm.running_mean.lerp_(mean, norm.momentum)
        norm.running_var.lerp_(unbiased, norm.momentum)
    normalised = (values - mean.view(shape)) * torch.rsqrt(var + norm.eps).view(shape)
    if norm.affine:
        normalised = normalised * norm.weight.view(shape) + norm.bias.view(shape)
    return normalised.to(x.dtype)


def _summed(values: Tensor) -> Tensor:
    return _Sum.apply(values)


class _Sum(torch.autograd.Function):
    """The sum over the workers, on each of them; each one's gradient is the sum of theirs."""

    @staticmethod
    def forward(ctx: Any, values: Tensor) -> Tensor:
        summed = values.clone()
        if values.device.type != "meta":  # where shapes alone are computed, and nobody waits
            dist.all_reduce(summed)
        return summed

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        return _summed(gradients[0])
