"""The losses of training: cross-entropy, and what is done where classes are unequally many or annotators disagree.

All of them are one formula. With logits z (B, K), targets t (B, K) that say to which share a clip is of each class, and
p = softmax(z + tau * log pi), the loss of a clip is

    sum over k of  t_k * w_k * (1 - p_k) ** gamma * -log p_k

and that of a batch the mean over its clips, by their weights where they have some. tau, w and gamma are off at 0, 1 and 0.
Validation is always judged by plain cross-entropy with the label, so that trials with other losses can be compared.
"""

from __future__ import annotations

import dataclasses
from typing import Self

import torch
import torch.nn.functional as F
from torch import Tensor

from trainables.core.config import TrainerConfig


@dataclasses.dataclass(frozen=True, kw_only=True)
class Loss:
    """The loss of `config`: `loss(logits, targets, weights)` -> a scalar, float32.

    `class_weights` (K,) are w, `shift` (K,) is tau * log pi; `None` where they are off.
    """

    label_smoothing: float = 0.0
    focal_gamma: float = 0.0
    class_weights: Tensor | None = None
    shift: Tensor | None = None

    @classmethod
    def of(cls, config: TrainerConfig, counts: Tensor, device: torch.device) -> Self:
        """The loss of `config` where class k has `counts[k]` clips (K,) to train on."""
        beta, tau = config.class_balance_beta, config.logit_adjustment
        return cls(
            label_smoothing=config.label_smoothing,
            focal_gamma=config.focal_gamma if config.loss == "focal" else 0.0,
            class_weights=class_balanced_weights(counts, beta).to(device) if beta else None,
            shift=(tau * log_priors(counts)).to(device) if tau else None,
        )

    def __call__(self, logits: Tensor, targets: Tensor, weights: Tensor | None = None) -> Tensor:
        """`logits` (B, K) of any precision, `targets` the labels (B,) int64 or shares (B, K), `weights` (B,) of the clips."""
        logits = logits.float() if self.shift is None else logits.float() + self.shift
        if self.focal_gamma:
            each = self._focal(logits, targets)
        elif weights is None and self.class_weights is None:
            return F.cross_entropy(logits, targets, label_smoothing=self.label_smoothing)
        else:  # not "mean", which would divide by the sum of the class weights in the batch
            each = F.cross_entropy(
                logits, targets, self.class_weights, label_smoothing=self.label_smoothing, reduction="none"
            )
        return each.mean() if weights is None else (each * weights).mean()

    def _focal(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Focal loss of each clip (B,): what is answered right already counts less.

        FL = (1 - p) ** gamma * -log p (Lin et al., "Focal Loss for Dense Object Detection", ICCV 2017, equation 4, there
        for two classes; here for the softmax over all).
        """
        num_classes = logits.shape[1]
        shares = F.one_hot(targets, num_classes).float() if targets.ndim == 1 else targets
        shares = shares * (1 - self.label_smoothing) + self.label_smoothing / num_classes
        if self.class_weights is not None:
            shares = shares * self.class_weights
        log_p = logits.log_softmax(1)
        missing = (1 - log_p.exp()).clamp_min(1e-7)  # at 0 a power below 1 has no gradient
        return -(shares * missing**self.focal_gamma * log_p).sum(1)


def class_balanced_weights(counts: Tensor, beta: float) -> Tensor:
    """The weight of each class (K,) by its effective number of clips, 1 on average over the classes that have clips.

    w_k is in proportion to (1 - beta) / (1 - beta ** n_k) (Cui et al., "Class-Balanced Loss Based on Effective Number of
    Samples", CVPR 2019, equation 12); `beta` 0 weighs all classes alike, towards 1 by the inverse of n_k. A class without
    clips, which the source does not have, is taken to have one.
    """
    present = counts > 0
    weights = (1 - beta) / (1 - beta ** counts.clamp(min=1).double())
    return (weights / weights[present].mean()).float()


def log_priors(counts: Tensor) -> Tensor:
    """log pi (K,), the share that each class has of the clips; a class without clips is taken to have one.

    Training adds tau * log pi to the logits, and answers are given without it: the answer that is best where all classes
    are equally frequent (Menon et al., "Long-tail learning via logit adjustment", ICLR 2021, equation 10; their tau is 1).
    """
    counts = counts.clamp(min=1).double()
    return (counts / counts.sum()).log().float()
