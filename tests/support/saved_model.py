"""The folder that a trial leaves, for a network that was never trained."""

import dataclasses
import json
from pathlib import Path

from safetensors.torch import save_file
from torch import nn

from trainables.core.config import TrainerConfig


def save_model(
    folder: Path,
    model: nn.Module,
    trainable: str,
    config: TrainerConfig | dict,
    classes: tuple[str, ...],
    crop_size: int,
) -> Path:
    """Write weights and description as the trainer does."""
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
