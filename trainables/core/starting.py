"""What a network started from: told by whoever loads weights into it, and read by trials, by `run` and by the model card."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence

import torch
from torch import nn

from trainables.core.config import TrainerConfig
from trainables.core.wording import counted


@dataclasses.dataclass(frozen=True, kw_only=True)
class Loaded:
    """What a backbone started from, and which of its layers: told by trials, by `run` and by the model card.

    `loaded` and `fresh` are layers of the backbone, `left_out` those of the file. `published` says of a file with a stated
    checksum whether it has it, and is `None` for others.
    """

    weights: str
    backbone: str
    file: str
    sha256: str
    trained_on: str
    licence: str
    published: bool | None
    loaded: tuple[str, ...]
    left_out: tuple[str, ...]
    fresh: tuple[str, ...]

    def sentence(self) -> str:
        """One sentence for people."""
        loaded, left_out, fresh = (counted(len(one), "layer") for one in (self.loaded, self.left_out, self.fresh))
        told = [f"{self.backbone} starts from {self.file}, trained on {self.trained_on}: {loaded} loaded"]
        if self.left_out:
            told.append(f"{left_out} of the file left out ({_shortened(self.left_out)})")
        if self.fresh:
            told.append(f"{fresh} made fresh ({_shortened(self.fresh)})")
        if self.published is False:
            told.append("its checksum is not the published one")
        return f"{'; '.join(told)}."


def loaded_into(model: nn.Module) -> Loaded | None:
    """What was loaded into `model`, or a part of it; `None` where it started from nothing."""
    found = (getattr(module, "loaded", None) for module in model.modules())
    return next((one for one in found if isinstance(one, Loaded)), None)


def what_is_loaded(build_model: Callable[[TrainerConfig], nn.Module], config: TrainerConfig) -> Loaded | None:
    """What `build_model` loads into the network of `config`; raises its errors, and leaves no trace in random numbers."""
    return loaded_into(built(build_model, config))


def built(build_model: Callable[[TrainerConfig], nn.Module], config: TrainerConfig) -> nn.Module:
    """The network of `config`; leaves no trace in random numbers."""
    with torch.random.fork_rng(devices=[]):
        return build_model(config)


def _shortened(layers: Sequence[str]) -> str:
    return ", ".join(layers) if len(layers) <= 4 else f"{', '.join(layers[:3])}, ..., {layers[-1]}"
