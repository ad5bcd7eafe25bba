"""The features of a frozen trunk: computed once for each clip, kept beside the prepared data, and shared by all trials.

A trunk is frozen where every stage is and nothing in it starts afresh. Its features are the same in every epoch where each clip
is shown as it always is: without augmentation, or under the fixed views of `x14`, and neither masked nor mixed.
Shapes: N clips, V views of each, T' steps (T frames, or fewer after a network over time), D features.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import time
import uuid
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Protocol, Self, runtime_checkable

import numpy as np
import torch
from filelock import FileLock
from torch import Tensor, nn

from trainables.core import files
from trainables.core.config import TrainerConfig
from trainables.core.prepared.batches import Clips
from trainables.core.prepared.frame_file import nothing_half_written
from trainables.core.prepared.stored import lock_path
from trainables.core.training.augmentation.augment import X14, augment, num_copies
from trainables.core.training.fine_tuning import FineTuning
from trainables.core.training.precision import autocast, in_bfloat16
from trainables.core.wording import counted

FORMAT = 1  # of what is computed and of the file; another one finds none of before


@runtime_checkable
class Trunked(Protocol):
    """A trunk and a head: `model(clips, lengths)` is `model.answer(model.features(clips, lengths), lengths)`."""

    backbone: nn.Module

    def features(self, clips: Tensor, lengths: Tensor) -> Tensor:
        """Clips (B, T, 3, H, W) and their valid frames (B,) -> features (B, T', D)."""
        ...

    def answer(self, features: Tensor, lengths: Tensor) -> Tensor:
        """Features (B, T', D) and the valid frames of their clips (B,) -> logits (B, K)."""
        ...


class FromFeatures(nn.Module):
    """The head of `network`, given features in the place of clips."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        assert isinstance(network, Trunked)
        self.network = network

    def forward(self, features: Tensor, lengths: Tensor) -> Tensor:
        return self.network.answer(features, lengths)


def hindrances(model: nn.Module, config: TrainerConfig) -> list[str] | None:
    """What forbids to share the features of the frozen trunk of `model`, in words; `None` where no trunk is frozen.

    Values on the meta device do.
    """
    tuning = FineTuning(model, config)
    if not tuning.stages or tuning.num_trainable:
        return None
    found = []
    if config.augmentation == "random":
        found.append("augmentation is random")
    found += [f"{key} is {value:g}" for key in ("masking_rate", "mixup_alpha") if (value := getattr(config, key))]
    if getattr(config, "weights", "none") == "none":
        found.append("weights is none, as every seed has another trunk")
    if not isinstance(model, Trunked):
        found.append("the network is not made of a trunk and a head")
    elif {*model.backbone.parameters()} - tuning.staged():
        found.append("attention gates in the trunk are trained")
    return found


class Features:
    """The features of all `clips`: in training `views` (N, V, T', D), else `plain` (N, 1, T', D), mapped from their files.

    It is asked for batches as `Clips` is. `computed_s` are the seconds that computing them took, 0 where they were there.
    """

    def __init__(
        self, clips: Clips, views: np.ndarray, plain: np.ndarray, lengths: Tensor, *, computed_s: float = 0.0
    ) -> None:
        self.labels, self.computed_s = clips.labels, computed_s
        self._views, self._plain, self._lengths = views, plain, lengths

    @classmethod
    def of(
        cls, model: nn.Module, clips: Clips, config: TrainerConfig, tuning: FineTuning, device: torch.device
    ) -> Self | None:
        """Those of the frozen trunk of `model`, which lies on `device`; `None` where there is none, or it cannot be shared.

        Whoever asks first computes them, others wait. Raises `DataError` where there is no room for them.
        """
        if hindrances(model, config) != []:
            return None
        assert isinstance(model, Trunked)
        model.train()
        tuning.set_modes()  # as the trunk is in training
        _, lengths = clips.rows(range(len(clips)))
        plain, computed_s = _stored(model, clips, config, device, "none")
        views = plain
        if config.augmentation != "none":
            views, seconds = _stored(model, clips, config, device, config.augmentation)
            computed_s += seconds
        return cls(clips, views, plain, lengths, computed_s=computed_s)

    def told(self) -> str:
        """A sentence where they were computed; else `""`."""
        if not self.computed_s:
            return ""
        return (
            f"Computed the features of the frozen trunk for {counted(len(self.labels), 'clip')} in {self.computed_s:,.1f} s; "
            "trials after it share them."
        )

    def batch(
        self, indices: Sequence[int], copies: Tensor | None = None, *, pinned: bool = False
    ) -> tuple[Tensor, Tensor]:
        """The features (B, T', D) of the clips at `indices`, in training of their views `copies` (B,), and their lengths."""
        found = self._plain[list(indices), 0] if copies is None else self._views[list(indices), copies.numpy()]
        features = torch.from_numpy(found)
        if found.dtype == np.int16:
            features = features.view(torch.bfloat16)
        return features.pin_memory() if pinned else features, self._lengths[list(indices)]


def _stored(
    model: Trunked, clips: Clips, config: TrainerConfig, device: torch.device, augmentation: str
) -> tuple[np.ndarray, float]:
    """The features under `augmentation`, (N, V, T', D), mapped, bfloat16 as int16; the seconds that computing them took."""
    computed_s = 0.0
    path = clips.folder / files.FEATURES.format(key=_key(model, clips, config, device, augmentation))
    if not path.exists():
        with FileLock(lock_path(clips.folder)):
            if not path.exists():
                began = time.perf_counter()
                _write(path, _computed(model, clips, config, device, augmentation), len(clips))
                computed_s = time.perf_counter() - began
    return np.load(path, mmap_mode="r", allow_pickle=False), computed_s


def _key(model: Trunked, clips: Clips, config: TrainerConfig, device: torch.device, augmentation: str) -> str:
    """What decides the features, but for the data, beside which the file lies: 24 hexadecimal digits."""
    assert isinstance(model, nn.Module)
    digest = hashlib.sha256()
    views = X14 if augmentation == "x14" else "none"
    facts = [FORMAT, type(model).__qualname__, repr(model.backbone), clips.shown, views]
    digest.update(json.dumps([*facts, device.type, in_bfloat16(config, device)]).encode())
    for name, tensor in model.backbone.state_dict().items():
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        digest.update(tensor.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()[:24]


def _computed(
    model: Trunked, clips: Clips, config: TrainerConfig, device: torch.device, augmentation: str
) -> Iterator[np.ndarray]:
    """Of the clips in turn, some at a time, the features (B, V, T', D)."""
    shown, draws = dataclasses.replace(config, augmentation=augmentation), torch.Generator()  # nothing is drawn
    for start in range(0, len(clips), config.batch_size):
        indices = range(start, min(start + config.batch_size, len(clips)))
        frames, lengths = clips.batch(indices)
        frames, views = frames.to(device), []
        for copy in range(num_copies(augmentation)):
            with torch.inference_mode():
                inputs = augment(frames, lengths, shown, draws, torch.full((len(indices),), copy))
                with autocast(config, device):
                    views.append(model.features(inputs, lengths).cpu())
        found = torch.stack(views, 1)
        yield (found.view(torch.int16) if found.dtype == torch.bfloat16 else found.float()).numpy()


def _write(path: Path, parts: Iterable[np.ndarray], num_clips: int) -> None:
    """`parts` one after another, `num_clips` in all, whole or not at all. Raises `DataError` where there is no room."""
    for stale in path.parent.glob(
        f"{files.FEATURES.format(key='*')}.*.tmp"
    ):  # nobody else writes while the lock is held
        stale.unlink()
    temporary, num_bytes = path.with_name(f"{path.name}.{uuid.uuid4().hex[:8]}.tmp"), 0
    with nothing_half_written(temporary, lambda: num_bytes):
        with temporary.open("wb") as file:
            for part in parts:
                if not num_bytes:
                    num_bytes = part[0].nbytes * num_clips
                    header = {"descr": part.dtype.str, "fortran_order": False, "shape": (num_clips, *part.shape[1:])}
                    np.lib.format.write_array_header_1_0(file, header)
                file.write(np.ascontiguousarray(part).data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
