"""Trainings that answer together with the mean of their probabilities, taken apart into what each of them contributes."""

from __future__ import annotations

import numpy as np


def answers_together(logits: np.ndarray) -> np.ndarray:
    """The classes `(C,)` that members with `logits` `(S, C, L)` answer together."""
    return _probabilities(logits).sum(axis=0).argmax(axis=1)


def parts(logits: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Right answers `(C, S)` whose mean over the S members is that of all together, and whose spread is a member's influence.

    The jackknife's pseudo-values: S times the answer of all, less S - 1 times that of all but one, moved to the mean of all
    together (Efron and Stein, Annals of Statistics 9, 1981). Of two members: the mean of both, and half of how they differ.
    """
    probabilities = _probabilities(logits)
    num_members, total = len(probabilities), probabilities.sum(axis=0)
    together = (total.argmax(axis=1) == labels).astype(float)
    without = np.stack([(total - one).argmax(axis=1) == labels for one in probabilities], axis=1).astype(float)
    return together[:, np.newaxis] - (num_members - 1) * (without - without.mean(axis=1, keepdims=True))


def _probabilities(logits: np.ndarray) -> np.ndarray:
    values = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return values / values.sum(axis=-1, keepdims=True)
