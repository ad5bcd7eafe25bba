"""How many bytes a training takes on its device, counted on shapes alone before anything runs.

Counted is every tensor that is alive at once: weights, gradients, what the optimiser and the average keep, frames, and what a
step computes. `Forecast.num_bytes` allows for what is not counted: what libraries take for themselves, and gaps.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import math
from collections.abc import Callable

import torch
from torch import Tensor, nn

from trainables.core import lookup
from trainables.core.config import TrainerConfig
from trainables.core.prepared.stored import margin_size
from trainables.core.training.augmentation.augment import augment, to_input
from trainables.core.training.augmentation.mixup import mixed
from trainables.core.training.features import FromFeatures, Trunked, hindrances
from trainables.core.training.fine_tuning import FineTuning
from trainables.core.training.memory.live_bytes import LiveBytes, lower_precision
from trainables.core.training.memory.recomputed import can_be_split, recomputed
from trainables.core.training.precision import asks_for_bfloat16, autocast
from trainables.core.training.synchronised import synchronised

GIB = 2**30
META = torch.device("meta")
# What a process takes before it has a tensor: torch itself, or CUDA's context and the workspaces of its libraries.
ALLOWANCE = {"cpu": GIB // 2, "cuda": GIB}
GAPS = {"cpu": 1.3, "cuda": 1.1}  # by how much more is held than is alive, until it is measured
SPLITS = (0, 1, 2, 8, 32)  # into how many parts a step may be taken, the later the less memory it takes, mostly
_MOMENTS = {"adamw": 2, "sgd": 1}  # that the optimiser keeps of each weight

# The fields that change no tensor's size.
_WEIGHTLESS = (
    *("frame_selection", "redundancy_threshold", "epochs", "batch_by", "lr", "weight_decay", "warmup_epochs"),
    *("label_smoothing", "gradient_clip", "flip", "max_rotation_deg", "max_shift", "max_zoom"),
    *("max_brightness", "max_drift", "ramp_epochs", "loss", "focal_gamma", "class_balance_beta"),
    *("logit_adjustment", "soft_labels", "layer_decay", "probe_epochs", "unfreeze_epochs"),
)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Forecast:
    """Bytes on a device of kind `device`, of a trial with so many `trainings`, which step one after the other.

    Each `keeps` weights and what is made of them, and its `gradients` until its next step; `step` is what `one_step` takes at
    most, its gradients included, with activations in `parts` as `recomputed` has them.
    """

    device: str
    keeps: int
    gradients: int
    step: int
    parts: int = 0
    trainings: int = 1

    def num_bytes(self, gaps: float | None = None) -> int:
        """What the process of a worker takes; `gaps` is by how much more it holds than is alive, where that was measured."""
        return int((gaps or GAPS[self.device]) * self._alive) + ALLOWANCE[self.device]

    def gaps_beyond(self, room: int) -> float:
        """The gaps that there are at least where it took more than `room` bytes."""
        return max(GAPS[self.device], (room - ALLOWANCE[self.device] + 2) / self._alive)

    @property
    def _alive(self) -> int:
        return self.trainings * self.keeps + (self.trainings - 1) * self.gradients + self.step


def forecast(
    trainable: str,
    config: TrainerConfig,
    device: str,
    *,
    workers: int = 1,
    trainings: int = 1,
    parts: int = 0,
    bfloat16: bool = True,
) -> Forecast:
    """That of a worker which trains `config` on a `device` of kind `cpu` or `cuda`, where `workers` share the batch.

    `bfloat16` is whether that device computes in it where it is asked to (`computes_bfloat16`).
    """
    lower = bfloat16 and asks_for_bfloat16(config, device)
    found = _forecast(trainable, _plain(config), device, workers, parts, lower)
    return dataclasses.replace(found, trainings=trainings)


def splits_of(trainable: str, config: TrainerConfig) -> tuple[int, ...]:
    """The numbers of `parts` that make a difference to the network of `config`."""
    frames = config.batch_size * config.num_frames
    return tuple(parts for parts in SPLITS if parts <= (frames if _can_be_split(trainable, _plain(config)) else 1))


def one_step(
    model: nn.Module, config: TrainerConfig, device: torch.device, num_clips: int, *, parts: int, workers: int = 1
) -> None:
    """What a training does in a step until it has its gradients, with `num_clips` clips, and then to validate a whole batch.

    The clips are of full length and of the size of `config`; every stage is trained that ever is. `workers` above 1 compute
    BatchNorm by `synchronised`, which on the meta device waits for nobody.
    """
    _begin(model, config)
    _train(model, config, device, num_clips, parts, workers)
    frames, lengths = _frames(config, device, config.batch_size)
    with torch.no_grad(), _precision(config, device):
        model.eval()(to_input(frames, config.image_size), lengths)


def _begin(model: nn.Module, config: TrainerConfig) -> None:
    """`model` as it is trained when all of its stages are that ever are."""
    tuning = FineTuning(model, dataclasses.replace(config, probe_epochs=0.0, unfreeze_epochs=0.0))
    tuning.begin(0)
    model.train()
    tuning.set_modes()


def _train(
    model: nn.Module, config: TrainerConfig, device: torch.device, num_clips: int, parts: int, workers: int
) -> None:
    frames, lengths = _frames(config, device, num_clips)
    inputs = augment(frames, lengths, config, torch.Generator(), torch.zeros(num_clips, dtype=torch.int64))
    if config.mixup_alpha:
        inputs, _ = mixed(inputs, lengths, config.mixup_alpha, torch.Generator())
    trained = model
    if hindrances(model, config) == []:
        assert isinstance(model, Trunked)
        with torch.no_grad(), _precision(config, device):
            trained, inputs = FromFeatures(model), model.features(inputs, lengths)
    norms = synchronised(model, counts=True) if workers > 1 else contextlib.nullcontext()
    with norms, recomputed(model, parts):
        with _precision(config, device):
            outputs = trained(inputs, lengths)
        each = outputs if isinstance(outputs, tuple) else (outputs,)
        torch.stack([logits.float().square().mean() for logits in each]).sum().backward()


def _precision(config: TrainerConfig, device: torch.device) -> contextlib.AbstractContextManager[object]:
    return contextlib.nullcontext() if device == META else autocast(config, device)


@functools.lru_cache(maxsize=512)  # the trials of a search ask for the same again and again
def _forecast(trainable: str, config: TrainerConfig, device: str, workers: int, parts: int, lower: bool) -> Forecast:
    model = _on_meta(trainable, config)
    state = sum(_size(value) for value in model.state_dict().values())
    if lower:
        lower_precision(model)
    clips = math.ceil(config.batch_size / workers)
    step = _peak(lambda: one_step(model, config, META, clips, parts=parts, workers=workers))
    gradients = sum(_size(parameter) for parameter in model.parameters() if parameter.requires_grad)
    keeps = state * (1 + (config.ema_decay > 0)) + gradients * _MOMENTS[config.optimizer]
    if device == "cpu":
        keeps = 2 * keeps + state  # what a checkpoint is written from, and the chosen weights, lie in the same memory
    if workers > 1:
        keeps += gradients  # the buffers that gradients are exchanged in
    return Forecast(device=device, keeps=keeps, gradients=gradients, step=step, parts=parts)


def _plain(config: TrainerConfig) -> TrainerConfig:
    """`config` with the defaults of what changes no tensor's size: those that are equal take the same memory."""
    fields = {field.name: field.default for field in dataclasses.fields(config) if field.name in _WEIGHTLESS}
    return dataclasses.replace(config, **fields)


def _frames(config: TrainerConfig, device: torch.device, num_clips: int) -> tuple[Tensor, Tensor]:
    side = margin_size(config.image_size)
    shape = (num_clips, config.num_frames, side, side, 3)
    return torch.zeros(shape, dtype=torch.uint8, device=device), torch.full((num_clips,), config.num_frames)


def _on_meta(trainable: str, config: TrainerConfig) -> nn.Module:
    with META:
        return lookup.load("trainables", trainable, "trainable").build_model(config)


@functools.lru_cache(maxsize=512)
def _can_be_split(trainable: str, config: TrainerConfig) -> bool:
    model = _on_meta(trainable, config)
    _begin(model, config)
    return hindrances(model, config) != [] and can_be_split(model)


def _peak(run: Callable[[], object]) -> int:
    with LiveBytes() as live:
        run()
    return live.peak


def _size(value: Tensor) -> int:
    return value.numel() * value.element_size()
