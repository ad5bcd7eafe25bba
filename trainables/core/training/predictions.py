"""Predictions of some clips, and what can be counted among them."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np


@dataclasses.dataclass(frozen=True, kw_only=True)
class Predictions:
    """Logits of some clips: `indices (N,)` into the prepared data, `labels (N,)`, `logits (N, num_classes)` float32."""

    indices: np.ndarray
    labels: np.ndarray
    logits: np.ndarray

    @property
    def loss(self) -> float:
        """Mean cross-entropy without label smoothing."""
        logits = self.logits.astype(np.float64)
        log_sum = np.logaddexp.reduce(logits, axis=1)
        return float(np.mean(log_sum - logits[np.arange(len(self.labels)), self.labels]))

    @property
    def answers(self) -> np.ndarray:
        """The class with the largest logit, `(N,)`."""
        return self.logits.argmax(axis=1)


def accuracy(predictions: Predictions) -> float:
    """The share of clips that are answered right (= WAR)."""
    return float(np.mean(predictions.labels == predictions.answers))


def uar(predictions: Predictions) -> float:
    """The mean recall over the classes that occur among the labels."""
    occurring, _, right = _counts(predictions)
    return float(np.mean(right / occurring))


def f1_macro(predictions: Predictions) -> float:
    """The mean F1 (harmonic mean of precision and recall) over the classes that occur among the labels."""
    occurring, answered, right = _counts(predictions)
    return float(np.mean(2 * right / (occurring + answered)))


def require_answers(predictions: Predictions, whose: str = "A network", clip_ids: Sequence[str] | None = None) -> None:
    """Raises `ValueError` for a logit that is not a number, which an argmax would take for the answer.

    It says `whose` predictions they are, and of which clips: by their ids in the prepared data where these are given.
    """
    lost = predictions.indices[np.isnan(predictions.logits).any(axis=1)].tolist()
    if lost:
        names = [f"clip {index}" if clip_ids is None else clip_ids[index] for index in lost[:3]]
        more = f" and {len(lost) - 3} more" if len(lost) > 3 else ""
        raise ValueError(f"{whose} gave no answer, as its logits are not numbers, for {', '.join(names)}{more}.")


def confusion(predictions: Predictions) -> np.ndarray:
    """How many clips of class i were answered with class j: int64 (num_classes, num_classes)."""
    num_classes = predictions.logits.shape[1]
    counts = np.zeros((num_classes, num_classes), np.int64)
    np.add.at(counts, (predictions.labels, predictions.answers), 1)
    return counts


def scores_by_class(predictions: Predictions, classes: Sequence[str]) -> dict[str, float]:
    """`recall/<class>` of every class that occurs among the labels, and `num_absent_classes`, how many do not.

    An absent class has no recall: `uar` and `f1_macro` are means over the others.
    """
    counts = confusion(predictions)
    occurring = counts.sum(axis=1)
    found = {f"recall/{classes[k]}": float(counts[k, k] / occurring[k]) for k in np.flatnonzero(occurring)}
    return {**found, "num_absent_classes": float(np.sum(occurring == 0))}


def _counts(predictions: Predictions) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of each class that occurs: its clips, those answered with it, and those of both.

    Counted here, not by scikit-learn: its import would be half of a worker's start.
    """
    labels, answers = predictions.labels, predictions.answers
    present, occurring = np.unique(labels, return_counts=True)  # (K',) both
    answered = (answers[:, None] == present).sum(axis=0)
    return occurring, answered, (present == labels[:, None])[answers == labels].sum(axis=0)
