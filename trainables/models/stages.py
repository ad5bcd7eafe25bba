"""The stages of a backbone, counted from its input: what is frozen, unfrozen, and trained at a rate of its own."""

from __future__ import annotations

from collections.abc import Iterator

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from trainables.core.starting import Loaded

OPENED = ("features", "blocks", "stages")  # children that hold stages and are none


def stages(backbone: nn.Module, without: tuple[str, ...] = ()) -> list[list[nn.Module]]:
    """The modules of each stage, containers and layers, the stage that sees the input first.

    A stage is a child of `backbone` that has parameters, or such a child of one that is called as `OPENED` says. A
    BatchNorm by itself belongs to the stage before it: so a ResNet has its stem and four stages, a MobileNet its stem and
    its blocks. What starts afresh is in no stage: the layers that the weights' file did not have (where there is none, the
    gates), and those below the names `without`, such as a classifier.
    """
    loaded = getattr(backbone, "loaded", None)
    gates = [name for name, _ in backbone.named_modules() if name.rpartition(".")[2] == "gate"]
    fresh = (*without, *(loaded.fresh if isinstance(loaded, Loaded) else gates))
    found: list[list[nn.Module]] = []
    for name, child in _children(backbone):
        modules = [
            module
            for place, module in child.named_modules(prefix=name)
            if not any(f"{place}.".startswith(f"{one}.") for one in fresh)
        ]
        if not any(True for module in modules for _ in module.parameters(recurse=False)):
            continue
        if found and isinstance(child, _BatchNorm):
            found[-1] += modules
        else:
            found.append(modules)
    return found


def _children(backbone: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    for name, child in backbone.named_children():
        if name in OPENED:
            yield from ((f"{name}.{inner}", part) for inner, part in child.named_children())
        else:
            yield name, child
