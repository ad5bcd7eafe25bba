"""What the checks and measures of `benchmarks.gpu` share: the device, the networks, a training, and what each finds."""

from __future__ import annotations

import contextlib
import dataclasses
import gc
import hashlib
import statistics
import time
import warnings
from collections.abc import Callable, Generator, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from benchmarks.core.gpu_frames import stored_frames
from trainables import res_rbg
from trainables.core.prepared.batches import Clips
from trainables.core.prepared.stored import margin_size
from trainables.core.training import precision
from trainables.core.training.augmentation.augment import to_input
from trainables.core.training.epoch import seeded
from trainables.core.training.precision import autocast
from trainables.core.training.trainer import Training, as_tuple
from trainables.core.training.workers import Group
from trainables.data.core.dataset import Fold

NUM_BLOCKS = 5  # of steps, for each variant in turn; the median is given
FEW_BLOCKS = 3  # where variants are compared that are not what the trainer does
TOY_BLOCKS = 2


@dataclasses.dataclass(frozen=True, kw_only=True)
class Network:
    """A configuration of Res-RBG, and how much of it is trained: `steps` a block, on `num_clips` different clips."""

    parameters: Mapping[str, Any]
    steps: int
    num_clips: int
    frames_stored: int  # of each clip, of which the network is given `num_frames`


@dataclasses.dataclass(frozen=True, kw_only=True)
class Bench:
    """Where and on what the parts run; plain values, so that it goes to another process.

    `folder` is for files while the script runs, `frames` a packed file of prepared ones, drawn ones without. `toy` sizes
    are for a CPU: they try the script and say nothing of a device.
    """

    device: str
    folder: str
    seed: int = 0
    frames: str = ""
    toy: bool = False

    @property
    def where(self) -> torch.device:
        return torch.device(self.device)

    @property
    def networks(self) -> Mapping[str, Network]:
        """What is timed, by name."""
        return TOY_NETWORKS if self.toy else NETWORKS

    @property
    def checked(self) -> Network:
        """What the checks train: small, so that 200 steps are seconds, with everything that a step can have."""
        return TOY_CHECKED if self.toy else CHECKED


@dataclasses.dataclass(frozen=True, kw_only=True)
class Finding:
    """What a part found: of a check whether it `passed`, of a measure `None`; in words, as rows and as figures.

    A row has `network`, `variant`, `value` and `unit`. `figures` go into the JSON line.
    """

    words: str
    passed: bool | None = None
    rows: Sequence[Mapping[str, Any]] = ()
    figures: Mapping[str, Any] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Part:
    """A check or a measure: a function, the seconds it may take, and whether only a GPU has what it looks at."""

    run: Callable[[Bench], Finding]
    is_check: bool
    limit_s: float
    needs_gpu: bool = False


CHECKED = Network(
    parameters={
        "backbone": "resnet18",
        "rbg_depth": 1,
        "gru_hidden": 128,
        "image_size": 48,
        "num_frames": 8,
        "batch_size": 16,
        "epochs": 25,  # of 8 steps: 200
    },
    steps=8,
    num_clips=128,
    frames_stored=10,
)
TOY_CHECKED = Network(
    parameters={
        "backbone": "resnet18",
        "rbg_depth": 1,
        "gru_hidden": 8,
        "image_size": 32,
        "num_frames": 2,
        "batch_size": 4,
        "epochs": 12,
        "warmup_epochs": 0.0,
        "lr": 3e-3,
    },
    steps=1,
    num_clips=8,
    frames_stored=3,
)
NETWORKS = {
    "resnet18_96": Network(
        parameters={"backbone": "resnet18", "image_size": 96, "num_frames": 16, "batch_size": 16, "epochs": 1000},
        steps=12,
        num_clips=160,
        frames_stored=20,
    ),
    "resnet50_224": Network(
        parameters={"backbone": "resnet50", "image_size": 224, "num_frames": 16, "batch_size": 8, "epochs": 1000},
        steps=8,
        num_clips=64,
        frames_stored=20,
    ),
}
TOY_NETWORKS = {
    "resnet18_32": Network(parameters={**TOY_CHECKED.parameters, "epochs": 1000}, steps=1, num_clips=8, frames_stored=3)
}


def make_training(bench: Bench, network: Network, **changes: Any) -> Training:
    """A training of `network` with some parameters changed, not a step done; same seed, same first weights.

    At toy size bfloat16 is imitated where the processor has none, so that mixed precision is tried as well.
    """
    if bench.toy:
        precision.computes_bfloat16 = lambda kind: True  # ty: ignore[invalid-assignment]
    config = res_rbg.Config(**{**network.parameters, **changes})
    size = margin_size(config.image_size)
    prepared = stored_frames(bench.folder, bench.frames, size, network.num_clips, network.frames_stored, bench.seed)
    config = dataclasses.replace(config, num_classes=len(prepared.classes))
    fold = Fold(
        train=tuple(step % network.num_clips for step in range(network.steps * config.batch_size)),
        validation=(),
        test=(),
    )
    seeded(bench.seed, 0)
    model = res_rbg.build_model(config)
    group = Group(device=bench.where)
    return Training(model, Clips.of(prepared, config), fold, config, seed=bench.seed, group=group)


def one_batch(training: Training) -> tuple[Tensor, Tensor, Tensor]:
    """The first batch, without augmentation, on the training's device: inputs, lengths (on the CPU) and labels."""
    indices = list(training.fold.train[: training.config.batch_size])
    frames, lengths = training.clips.batch(indices)
    device = training.group.device
    labels = torch.from_numpy(training.clips.labels[indices]).to(device)
    return to_input(frames.to(device), training.config.image_size), lengths, labels


def forward(training: Training) -> tuple[Tensor, Tensor]:
    """The logits (float32) and the loss of `one_batch`, in training, in the training's precision."""
    inputs, lengths, labels = one_batch(training)
    training.model.train()
    with autocast(training.config, training.group.device):
        logits = as_tuple(training.model(inputs, lengths))[0].float()
    return logits, training.loss(logits, labels)


def gradients(training: Training) -> tuple[Tensor, Tensor, dict[str, Tensor]]:
    """Logits, loss and the gradient of each parameter on `one_batch`, all on the CPU; no step is taken."""
    seeded(0)
    logits, loss = forward(training)
    training.optimizer.zero_grad(set_to_none=True)
    loss.backward()
    found = {name: p.grad.detach().cpu() for name, p in training.bare.named_parameters() if p.grad is not None}
    training.optimizer.zero_grad(set_to_none=True)
    return logits.detach().cpu(), loss.detach().cpu(), found


def digest(training: Training) -> str:
    """A few digits that differ as soon as one bit of the weights does."""
    hashed = hashlib.sha256()
    for value in training.bare.state_dict().values():
        hashed.update(value.detach().cpu().contiguous().view(-1).view(torch.uint8).numpy().tobytes())
    return hashed.hexdigest()[:16]


def rates(trainings: Mapping[str, Training], num_blocks: int) -> dict[str, float]:
    """Clips per second of each training, the median over `num_blocks` blocks of one epoch each, taken in turn.

    A block ends where the epoch's sums are read, so the device has done all of its work.
    """
    for training in trainings.values():
        for _ in range(2):  # algorithms are chosen and memory is asked for on first use
            training.train_epoch()
    seconds: dict[str, list[float]] = {name: [] for name in trainings}
    for _ in range(num_blocks):
        for name, training in trainings.items():
            began = time.perf_counter()
            training.train_epoch()
            seconds[name].append(time.perf_counter() - began)
    return {name: trainings[name].clips_per_epoch / statistics.median(found) for name, found in seconds.items()}


def row(network: str, variant: str, value: float, unit: str) -> dict[str, Any]:
    """One row of the table."""
    return {"network": network, "variant": variant, "value": value, "unit": unit}


def release(device: torch.device) -> None:
    """Give memory that nothing refers to back to the device."""
    gc.collect()
    if device.type == "cuda":
        torch.cuda.empty_cache()


@contextlib.contextmanager
def deterministic() -> Generator[None]:
    """Within, the same work gives the same bits, on a GPU too, where the fastest algorithms do not promise it."""
    before = torch.backends.cudnn.deterministic
    torch.backends.cudnn.deterministic = True
    torch.use_deterministic_algorithms(True, warn_only=True)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of what has no such algorithm: the check tells whether it matters
            yield
    finally:
        torch.backends.cudnn.deterministic = before
        torch.use_deterministic_algorithms(False)


def root() -> Path:
    """The repository, from where other processes are started."""
    return Path(__file__).resolve().parents[2]
