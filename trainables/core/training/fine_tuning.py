"""Fine-tuning: which stages of a backbone are trained at which time of a training, and at which rate.

A stage that is not trained gets no gradient, so that the optimizer passes it over, and is in evaluation: it keeps the
statistics of its BatchNorm. What lies before the first stage that is trained is not back-propagated through.
"""

from __future__ import annotations

import math
from typing import Protocol, runtime_checkable

from torch import nn

from trainables.core.config import TrainerConfig
from trainables.core.training.synchronised import NORMS

_ROUNDING = 1e-9  # of an epoch


@runtime_checkable
class Staged(Protocol):
    """A network with a backbone that weights may be loaded into."""

    def stages(self) -> list[list[nn.Module]]:
        """The modules of each stage of the backbone, from its input on, without what starts afresh."""
        ...


class FineTuning:
    """What `config` says of the stages of `model`; a network that is not `Staged` is trained whole."""

    def __init__(self, model: nn.Module, config: TrainerConfig) -> None:
        self.stages = model.stages() if isinstance(model, Staged) else []
        self.config = config
        self._num_trained: int | None = None

    @property
    def num_trainable(self) -> int:
        """How many stages, the last ones, are trained once all are that are to be."""
        return len(self.stages) - self.config.frozen_stages

    def num_trained(self, epoch: float) -> int:
        """How many stages, the last ones, are trained when `epoch` epochs are done."""
        since = epoch - self.config.probe_epochs + _ROUNDING
        if since < 0:
            return 0
        if not self.config.unfreeze_epochs:
            return self.num_trainable
        return min(self.num_trainable, 1 + math.floor(since / self.config.unfreeze_epochs))

    def phases(self, num_epochs: float) -> list[tuple[float, int]]:
        """How long, in epochs, how many stages are trained, in turn; together `num_epochs`."""
        config, found, done = self.config, [], 0.0
        ends = {config.probe_epochs + number * config.unfreeze_epochs for number in range(self.num_trainable)}
        for end in (*sorted(end for end in ends if 0 < end < num_epochs), num_epochs):
            found.append((end - done, self.num_trained(done)))
            done = end
        return found

    def rates(self, model: nn.Module) -> list[tuple[float, list[nn.Parameter]]]:
        """The parameters of `model` that are ever trained, each once, and by which factor of `lr`: what is fresh by 1."""
        factor: dict[nn.Parameter, float] = {}
        for above, stage in enumerate(reversed(self.stages), start=1):
            frozen = above > self.num_trainable
            rate = 0.0 if frozen else self.config.layer_decay**above
            factor |= {parameter: rate for module in stage for parameter in module.parameters(recurse=False)}
        found: dict[float, list[nn.Parameter]] = {}
        for parameter in model.parameters():
            found.setdefault(factor.get(parameter, 1.0), []).append(parameter)
        found.pop(0.0, None)
        return list(found.items())

    def staged(self) -> set[nn.Parameter]:
        """The parameters of all stages."""
        modules = (module for stage in self.stages for module in stage)
        return {parameter for module in modules for parameter in module.parameters(recurse=False)}

    def begin(self, epoch: float) -> bool:
        """Let those stages be trained that are when `epoch` epochs are done; whether they are others than before."""
        num_trained = self.num_trained(epoch)
        if num_trained == self._num_trained:
            return False
        self._num_trained = num_trained
        for above, stage in enumerate(reversed(self.stages)):
            for module in stage:
                for parameter in module.parameters(recurse=False):
                    parameter.requires_grad_(above < num_trained)
        return True

    def set_modes(self) -> None:
        """Put into evaluation, of a model in training, what is not trained now, and every BatchNorm that is kept."""
        for stage in self._untrained():
            for module in stage:
                module.training = False
        if self.config.batch_norm == "kept":
            for module in (module for stage in self.stages for module in stage):
                if isinstance(module, NORMS):
                    module.training = False

    def _untrained(self) -> list[list[nn.Module]]:
        return self.stages[: len(self.stages) - (self._num_trained or 0)]
