"""mixup over clips: each clip is mixed with another of its batch, and so is its loss (Zhang et al., ICLR 2018)."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor


@dataclasses.dataclass(frozen=True)
class Mixture:
    """Each clip has the share `own`, at least 1/2, of itself, and the rest of the clip at its place in `partners` (B,)."""

    own: float
    partners: Tensor

    def of(self, loss: Callable[..., Tensor], logits: Tensor, targets: Tensor, weights: Tensor | None) -> Tensor:
        """The mixed `loss(logits, targets, weights)`: that for the clips' own targets, and that for their partners'."""
        others = None if weights is None else weights[self.partners]
        theirs = loss(logits, targets[self.partners], others)
        return self.own * loss(logits, targets, weights) + (1 - self.own) * theirs


def mixed(clips: Tensor, lengths: Tensor, alpha: float, generator: torch.Generator) -> tuple[Tensor, Mixture]:
    """Network inputs (B, T, 3, R, R) mixed by one share for all, drawn from Beta(`alpha`, `alpha`), in a random pairing.

    A clip keeps its length, and its partner is brought to it: stretched or shortened in time by the nearest frame, so that
    the first frames meet and the last ones do, and nothing is mixed with padding. Of a single frame the partner gives its
    middle one. So that the larger part is the one whose length and label stay, a share below 1/2 is turned round: as Beta
    is symmetric, the pairs are mixed as in the source, where this is one line. `lengths` (B,) lie on the CPU.
    """
    rng = np.random.default_rng(int(torch.randint(2**62, (), generator=generator)))
    share = rng.beta(alpha, alpha)
    own = float(max(share, 1 - share))
    partners = torch.randperm(len(clips), generator=generator)
    steps, theirs = torch.arange(clips.shape[1]), lengths[partners].unsqueeze(1)
    along = steps * (theirs - 1) / (lengths.unsqueeze(1) - 1).clamp(min=1)  # (B, T)
    places = torch.where(lengths.unsqueeze(1) == 1, (theirs - 1) // 2, along.round().long()).clamp(max=theirs - 1)
    partners, places = (index.to(clips.device, non_blocking=True) for index in (partners, places))
    frames = clips.permute(0, 1, 3, 4, 2)  # as they lie in memory
    other = frames[partners.unsqueeze(1), places]
    return torch.lerp(other, frames, own).permute(0, 1, 4, 2, 3), Mixture(own, partners)
