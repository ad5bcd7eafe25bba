"""Costs of a network: parameters, file size, latency and training operations. No measurement leaves a trace.

Networks are called as `model(clips, lengths)` with clips (B, T, 3, H, W) and the valid frames of each clip, (B,).
"""

from __future__ import annotations

import copy
import statistics
import time
from collections.abc import Callable
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from trainables.core.config import TrainerConfig
from trainables.core.training.features import FromFeatures, Trunked, hindrances
from trainables.core.training.fine_tuning import FineTuning
from trainables.core.training.precision import autocast
from trainables.core.training.trainer import as_tuple

LATENCY_BUDGET_S = 0.5
MAX_LATENCY_RUNS = 20
_WITHOUT_WEIGHT = TrainerConfig.__dataclass_fields__.keys() - {"num_classes", "num_frames", "image_size"}


@runtime_checkable
class Deployable(Protocol):
    """A network that is deployed in another form than it is trained in."""

    def deployed(self) -> nn.Module:
        """The other form, in evaluation mode; the network itself is left alone."""
        ...


def costs(model: nn.Module, config: TrainerConfig, device: torch.device | str) -> dict[str, float]:
    """`param_count`, `weights_mb` and `latency_ms`; of a `Deployable` the same three as `deployed_param_count` and so on."""
    found = _costs(model, config, device)
    if isinstance(model, Deployable):
        found |= {f"deployed_{key}": value for key, value in _costs(model.deployed(), config, device).items()}
    return found


def param_count(model: nn.Module) -> int:
    """The number of parameters, trained or not; a parameter that is used twice counts once."""
    return sum(parameter.numel() for parameter in model.parameters())


def weights_mb(model: nn.Module) -> float:
    """MiB of the state dict's values as a file holds them: floating point as fp32, integers as they are.

    The file's header, well below 0.1 MiB, is not counted.
    """
    values = model.state_dict().values()
    num_bytes = sum(value.numel() * (4 if value.is_floating_point() else value.element_size()) for value in values)
    return num_bytes / 2**20


def planned_costs(build_model: Callable[[TrainerConfig], nn.Module], config: TrainerConfig) -> dict[str, float]:
    """`param_count` and `weights_mb` of what `build_model` makes of `config`, by shapes alone: nothing is drawn or loaded."""
    with torch.device("meta"):
        model = build_model(config)
    return {"param_count": float(param_count(model)), "weights_mb": weights_mb(model)}


def shapes_network(name: str) -> bool:
    """Whether the setting `name` may change the shapes of a network; most of the trainer's own do not."""
    return name not in _WITHOUT_WEIGHT


def latency_ms(model: nn.Module, config: TrainerConfig, device: torch.device | str) -> float:
    """Milliseconds for one whole clip at batch 1, the median of what fits into half a second, at least one run.

    In evaluation mode and in the precision that it serves in on this device; faces are found already and the frames
    lie on the device. `model` must lie on `device`. A run before the clock warms up what is built on first use.
    """
    device = torch.device(device)
    clips, lengths = _one_clip(config, device)
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        with torch.inference_mode(), autocast(config, device):
            begin = time.perf_counter()
            _timed(model, clips, lengths, device)
            runs: list[float] = []
            while not runs or (len(runs) < MAX_LATENCY_RUNS and time.perf_counter() - begin < LATENCY_BUDGET_S):
                runs.append(_timed(model, clips, lengths, device))
    finally:
        for module, mode in modes:  # module by module: frozen parts may be in evaluation within a model in training
            module.training = mode
    return 1000 * statistics.median(runs)


def train_flops(model: nn.Module, config: TrainerConfig, num_epochs: int | None = None) -> int:
    """Floating-point operations of one forward and backward pass over one training clip of full length.

    The mean over `num_epochs`, by default all of the schedule, as stages that are not trained are not back-propagated
    through. Matrix products and convolutions, a multiplication and an addition counted as two; `num_frames` frames of
    `image_size` px, of a frozen trunk whose features are shared the head alone. Counted on shapes (the meta device), so
    the figure is the same whatever the model lies on.
    """
    model, epochs = _without_values(model).train(), num_epochs or config.epochs
    tuning, total, done = FineTuning(model, config), 0.0, 0.0
    for duration, _ in tuning.phases(epochs):
        tuning.begin(done)
        total += duration * _flops(model, config)
        done += duration
    return round(total / epochs)


def features_shape(model: Trunked, config: TrainerConfig) -> torch.Size:
    """The shape (1, T', D) of the features of one clip of full length, from shapes alone."""
    inputs, lengths = _one_clip(config, torch.device("meta"))
    assert isinstance(model, nn.Module)
    with torch.no_grad():
        found = _without_values(model).eval()
        assert isinstance(found, Trunked)
        return found.features(inputs, lengths).shape


def _flops(model: nn.Module, config: TrainerConfig) -> int:
    inputs, lengths = _one_clip(config, torch.device("meta"))
    if isinstance(model, Trunked) and hindrances(model, config) == []:
        with torch.no_grad():
            model, inputs = FromFeatures(model), model.features(inputs, lengths)
    with FlopCounterMode(display=False) as counter, torch.enable_grad():
        torch.stack(as_tuple(model(inputs, lengths))).sum().backward()
    return counter.get_total_flops()


def _costs(model: nn.Module, config: TrainerConfig, device: torch.device | str) -> dict[str, float]:
    return {
        "param_count": float(param_count(model)),
        "weights_mb": weights_mb(model),
        "latency_ms": latency_ms(model, config, device),
    }


def _one_clip(config: TrainerConfig, device: torch.device) -> tuple[Tensor, Tensor]:
    shape = (1, config.num_frames, config.image_size, config.image_size, 3)
    clips = torch.zeros(shape, device=device).permute(0, 1, 4, 2, 3)  # channels last, as training gives them
    return clips, torch.tensor([config.num_frames])


def _timed(model: nn.Module, clips: Tensor, lengths: Tensor, device: torch.device) -> float:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    begin = time.perf_counter()
    model(clips, lengths)
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter() - begin


def _without_values(model: nn.Module) -> nn.Module:
    """A copy on the meta device; the values of `model` are never copied."""
    memo: dict[int, object] = {}
    for parameter in model.parameters():
        memo[id(parameter)] = nn.Parameter(torch.empty_like(parameter, device="meta"), parameter.requires_grad)
    for buffer in model.buffers():
        memo[id(buffer)] = torch.empty_like(buffer, device="meta")
    return copy.deepcopy(model, memo)
