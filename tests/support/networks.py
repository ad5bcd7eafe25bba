"""Small networks and noise to show them, and what every network of clips owes to padding."""

import copy
import dataclasses
import functools
import json
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType

import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from trainables import res_rbg
from trainables.core.config import TrainerConfig, make_config

CLASSES = ("neutral", "offset", "onset", "smile")
CROP_SIZE = 48
CONFIG = {
    "backbone": "resnet18",
    "attention": "eca",
    "gru_hidden": 16,
    "rbg_depth": 1,
    "num_classes": len(CLASSES),
    "num_frames": 6,
    "image_size": 32,
}


@functools.lru_cache(maxsize=1)
def _network(trainable: ModuleType, **settings: object) -> nn.Module:
    torch.manual_seed(0)
    return trainable.build_model(make_config(trainable.Config, settings))


def network(trainable: ModuleType, **settings: object) -> nn.Module:
    """A network with the weights of seed 0; the one built last is copied, as drawing millions of weights takes long."""
    return copy.deepcopy(_network(trainable, **settings))


def noisy_clips(num_frames: int, num_clips: int = 3, size: int = 32) -> Tensor:
    return torch.randn(num_clips, num_frames, 3, size, size, generator=torch.Generator().manual_seed(1))


def blanked(x: Tensor, lengths: Tensor, value: float) -> Tensor:
    """A copy in which every frame beyond its clip's length is `value`."""
    x = x.clone()
    for row, length in enumerate(lengths.tolist()):
        x[row, length:] = value
    return x


def assert_padding_is_unseen(
    model: nn.Module, x: Tensor, lengths: Tensor, paddings: Iterable[tuple[float, int]], atol: float
) -> Tensor:
    """Neither logits nor running statistics depend on what and how much stands behind a clip; the logits."""
    state = {key: tensor.clone() for key, tensor in model.state_dict().items()}
    plain = model(x, lengths)
    seen = {key: tensor.clone() for key, tensor in model.state_dict().items()}
    for value, extra in paddings:
        model.load_state_dict(state)
        longer = torch.cat((x, x.new_zeros((len(x), extra, *x.shape[2:]))), 1)
        assert torch.allclose(model(blanked(longer, lengths, value), lengths), plain, atol=atol)
        for key, tensor in model.named_buffers():
            assert torch.allclose(tensor, seen[key], atol=1e-5), key
        assert all(torch.equal(tensor, seen[key]) for key, tensor in model.named_parameters())
    return plain


def gradients(model: nn.Module, x: Tensor, lengths: Tensor) -> list[Tensor]:
    model.train()(x, lengths).square().sum().backward()
    return [parameter.grad for parameter in model.parameters()]


def save_model(
    folder: Path,
    model: nn.Module,
    trainable: str,
    config: TrainerConfig | dict,
    classes: tuple[str, ...],
    crop_size: int,
) -> Path:
    """Write the folder of a trial, weights and description, as the trainer does."""
    folder.mkdir(parents=True, exist_ok=True)
    save_file({key: value.contiguous() for key, value in model.state_dict().items()}, folder / "model.safetensors")
    settings = {
        "trainable": trainable,
        "config": config if isinstance(config, dict) else dataclasses.asdict(config),
        "classes": list(classes),
        "crop_size": crop_size,
        "dataset": "noise",
        "fingerprint": "0" * 16,
    }
    (folder / "model.json").write_text(json.dumps(settings))
    return folder


def write_model(folder, described=CONFIG, trainable="res_rbg", crop_size=CROP_SIZE):
    """A trial's folder with random weights of `CONFIG`, as the trainer writes it; `described` is what it says."""
    torch.manual_seed(0)
    model = res_rbg.build_model(make_config(res_rbg.Config, CONFIG))
    return save_model(folder, model, trainable, described, CLASSES, crop_size)
