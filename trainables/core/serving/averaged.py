"""Several trainings of one configuration as one model: it answers with the mean of their probabilities.

On disk it is a model as any other, `model.safetensors` and `model.json`: the weights of member 0 are named `members.0.…`, and
`num_members` says how many there are. A model without it is one network.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from trainables.core import files

NUM_MEMBERS = "num_members"


class Averaged(nn.Module):
    """Networks of one configuration: clips (B, T, 3, H, W) and lengths (B,) -> logs of mean probabilities (B, K), float32.

    These take the place of logits: their softmax is the mean of the members' (Lakshminarayanan et al., NeurIPS 2017).
    """

    def __init__(self, members: Iterable[nn.Module]) -> None:
        super().__init__()
        self.members = nn.ModuleList(members)

    def forward(self, clips: Tensor, lengths: Tensor) -> Tensor:
        logs = [F.log_softmax(member(clips, lengths).float(), dim=-1) for member in self.members]
        # Of logs: a probability may be too small for float32.
        return torch.stack(logs).logsumexp(dim=0) - math.log(len(logs))


def num_members(described: Mapping[str, Any]) -> int:
    """How many trainings answer in a model that is `described` by its `model.json`."""
    return described.get(NUM_MEMBERS, 1)


def built(build: Callable[[], nn.Module], described: Mapping[str, Any]) -> nn.Module:
    """A network as `described` by its `model.json`; `build` makes one of its members."""
    count = num_members(described)
    return build() if count == 1 else Averaged(build() for _ in range(count))


def write_averaged(folder: Path, members: Sequence[Path]) -> None:
    """Write the model that averages those in the folders `members` into `folder`, in their order.

    Raises `ValueError` where they are not trainings of one configuration on the same data, and for one that cannot be read.
    """
    weights: dict[str, Tensor] = {}
    read = [_read(member) for member in members]
    described = [settings for settings, _ in read]
    for number, (member, (settings, tensors)) in enumerate(zip(members, read, strict=True)):
        if settings != described[0]:
            differ = sorted(key for key in settings | described[0] if settings.get(key) != described[0].get(key))
            raise ValueError(f"{member} is not averaged with {members[0]}: they differ in {', '.join(differ)}.")
        weights |= {f"members.{number}.{key}": tensor for key, tensor in tensors.items()}
    folder.mkdir(parents=True, exist_ok=True)
    save_file(weights, folder / files.WEIGHTS)
    (folder / files.MODEL).write_text(json.dumps({**described[0], NUM_MEMBERS: len(members)}, indent=1))


def _read(member: Path) -> tuple[dict[str, Any], dict[str, Tensor]]:
    try:
        settings = json.loads((member / files.MODEL).read_text(encoding="utf-8"))
        return settings, load_file(member / files.WEIGHTS)
    except (OSError, ValueError, SafetensorError) as error:
        raise ValueError(f"{member} is not whole: its model cannot be read ({error}).") from error
