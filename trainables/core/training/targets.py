"""What a training compares its logits with: labels or the shares of votes, and by how much each clip counts."""

from __future__ import annotations

import dataclasses
from typing import Self

import torch
import torch.nn.functional as F
from torch import Tensor

from trainables.core.config import TrainerConfig
from trainables.core.prepared.batches import Clips
from trainables.data.core.dataset import Fold


@dataclasses.dataclass(frozen=True, kw_only=True)
class Targets:
    """Of all N clips: the `shares` (N, K) of their classes or `None` for the labels, and their `weights` (N,) or `None`.

    `counts` (K,) are the clips of each class that are trained on, by their labels.
    """

    counts: Tensor
    shares: Tensor | None
    weights: Tensor | None

    @classmethod
    def of(cls, clips: Clips, fold: Fold, config: TrainerConfig) -> Self:
        """Those of a training on `fold`, of which `train` alone is looked at.

        Raises `ValueError` for `soft_labels` where no clip to train on has votes.
        """
        labels = torch.from_numpy(clips.labels)
        return cls(
            counts=labels[list(fold.train)].bincount(minlength=config.num_classes),
            shares=_shares(clips, fold, config.num_classes) if config.soft_labels else None,
            weights=_weights(clips, fold),
        )

    def of_batch(self, indices: list[int], labels: Tensor) -> tuple[Tensor, Tensor | None]:
        """What a loss is given for the clips `indices` with `labels` (B,), on the device of these: targets and weights."""
        targets, weights = (
            None if given is None else given[indices].to(labels.device, non_blocking=True)
            for given in (self.shares, self.weights)
        )
        return labels if targets is None else targets, weights


def _shares(clips: Clips, fold: Fold, num_classes: int) -> Tensor:
    """The share of each class in the votes for a clip (N, K); a clip without votes is wholly of its label."""
    shares = F.one_hot(torch.from_numpy(clips.labels), num_classes).float()
    voted = [index for index, votes in enumerate(clips.votes) if votes]
    if not set(voted) & set(fold.train):
        raise ValueError(
            "soft_labels was given as True, but no clip to train on has votes. They are read from fer2013_plus, from dfew with "
            "its annotation.xlsx, and from columns `votes:<class>` of clips_csv; data prepared by an earlier version have none."
        )
    given = torch.tensor([clips.votes[index] for index in voted], dtype=torch.float32)
    shares[voted] = given / given.sum(1, keepdim=True)
    return shares


def _weights(clips: Clips, fold: Fold) -> Tensor | None:
    """By clip, its weight in the loss, 1 on average over those of `fold.train`; `None` where all count alike."""
    given = torch.tensor(clips.weights, dtype=torch.float32)
    if not len(given) or bool((given == given[0]).all()):
        return None
    return given / given[list(fold.train)].mean()
