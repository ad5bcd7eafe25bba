"""Published weights: read from a local file, never downloaded."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

WEIGHTS = ("none", "imagenet")


def load_published(
    model: nn.Module,
    name: str,
    url: str,
    *,
    own: Callable[[str], bool],
    file_name: str | None = None,
    rename: Callable[[str], str] = str,
) -> None:
    """Start `model` from the weights of `name` that are published at `url`.

    The file lies in torch's folder for weights under `file_name`, by default the name it has at `url`. `own` tells the
    entries of the state dict that the two need not share, such as the classifier; `rename` turns a key of the file into
    the model's. Raises `ValueError` naming file and place where there is no such file, or one of another network.
    """
    path = Path(torch.hub.get_dir()) / "checkpoints" / (file_name or url.rsplit("/", 1)[1])
    if not path.is_file():
        raise ValueError(
            f"The published weights of {name} are not at {path}, and nothing is downloaded during training. Put the "
            f"file there, for instance with `curl -L --create-dirs -o {path} {url}`, or set weights to 'none'."
        )
    state = {rename(key): value for key, value in _read(path, url).items()}
    theirs = {key: value for key, value in state.items() if not own(key)}
    ours = {key: value for key, value in model.state_dict().items() if not own(key)}
    lacking = [key for key in ours if key not in theirs and not key.endswith("num_batches_tracked")]
    misfits = [key for key in theirs if key not in ours or theirs[key].shape != ours[key].shape]
    if lacking or misfits:
        raise ValueError(
            f"{path} does not hold the weights of {name}: missing {lacking[:3]}, not expected {misfits[:3]}. "
            f"The file is expected as published at {url}."
        )
    model.load_state_dict(theirs, strict=False)


def _read(path: Path, url: str) -> dict[str, Tensor]:
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # any damage shows as another exception type
        raise ValueError(f"{path} cannot be read ({type(error).__name__}); fetch it from {url} once more.") from error
