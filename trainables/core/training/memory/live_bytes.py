"""How many bytes of tensors are alive while something is computed, on a device or on shapes alone (the meta device)."""

from __future__ import annotations

import functools
import weakref
from collections.abc import Callable, Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map


class LiveBytes(TorchDispatchMode):
    """Of the tensors on a device of `kind` made within it: `now` are the bytes of those alive, `peak` the most so far."""

    def __init__(self, kind: str = "meta") -> None:
        super().__init__()
        self._kind = kind
        self.now = self.peak = 0
        self._known: dict[int, weakref.ref[torch.UntypedStorage]] = {}

    def __torch_dispatch__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        made = func(*args, **(kwargs or {}))
        given = {storage._cdata for storage in self._storages((args, kwargs))}  # of which a view takes nothing
        for storage in self._storages(made):
            if storage._cdata not in given:
                self._take(storage)
        return made

    def _storages(self, values: Any) -> list[torch.UntypedStorage]:
        tensors = [one for one in tree_leaves(values) if isinstance(one, Tensor) and one.device.type == self._kind]
        return [one.untyped_storage() for one in tensors]

    def _take(self, storage: torch.UntypedStorage) -> None:
        key, size = storage._cdata, storage.nbytes()
        known = self._known.get(key)
        if known is not None and known() is not None:
            return

        def freed(_: object) -> None:
            self.now -= size
            self._known.pop(key, None)

        self._known[key] = weakref.ref(storage, freed)
        self.now += size
        self.peak = max(self.peak, self.now)


def lower_precision(model: nn.Module) -> nn.Module:
    """`model` itself, from now on with convolutions and matrix products in bfloat16.

    As under autocast, which does not know the meta device.
    """
    for module in model.modules():
        setattr(module, "forward", functools.partial(_lowered, module.forward))  # noqa: B010
    return model


def _lowered(forward: Callable[..., Any], *inputs: Any) -> Any:
    with _Lowered():  # here and not around a step: a backward pass that computes again does so outside
        return forward(*inputs)


class _Lowered(TorchFunctionMode):
    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        if func in _LOWER:
            args, kwargs = tree_map(_lower, (args, dict(kwargs or {})))
        return func(*args, **(kwargs or {}))


_LOWER = (F.conv1d, F.conv2d, F.conv3d, F.linear, torch.matmul, torch.bmm, torch.addmm)


def _lower(value: Any) -> Any:
    return value.bfloat16() if isinstance(value, Tensor) and value.is_floating_point() else value
