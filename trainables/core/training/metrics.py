"""Metrics of a set of predictions."""

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


def scores(predictions: Predictions) -> dict[str, float]:
    """`accuracy` (= WAR), `uar` and `f1_macro`, the last two over the classes that occur among the labels.

    Counted here, not by scikit-learn: its import would be half of a worker's start. Raises `ValueError` as
    `require_answers` does.
    """
    require_answers(predictions)
    labels, predicted = predictions.labels, predictions.logits.argmax(axis=1)
    present, occurring = np.unique(labels, return_counts=True)  # (K',) both
    answered = (predicted[:, None] == present).sum(axis=0)
    right = (present == labels[:, None])[predicted == labels].sum(axis=0)
    return {
        "accuracy": float(np.mean(labels == predicted)),
        "uar": float(np.mean(right / occurring)),
        "f1_macro": float(np.mean(2 * right / (occurring + answered))),  # harmonic mean of precision and recall
    }


def require_answers(predictions: Predictions, whose: str = "A network", clip_ids: Sequence[str] | None = None) -> None:
    """Raises `ValueError` for a logit that is not a number, which an argmax would take for the answer.

    It says `whose` predictions they are, and of which clips: by their ids in the prepared data where these are given.
    """
    lost = predictions.indices[np.isnan(predictions.logits).any(axis=1)].tolist()
    if lost:
        names = [f"clip {index}" if clip_ids is None else clip_ids[index] for index in lost[:3]]
        more = f" and {len(lost) - 3} more" if len(lost) > 3 else ""
        raise ValueError(f"{whose} gave no answer, as its logits are not numbers, for {', '.join(names)}{more}.")


def scores_by_class(predictions: Predictions, classes: Sequence[str]) -> dict[str, float]:
    """`recall/<class>` of every class that occurs among the labels, and `num_absent_classes`, how many do not.

    An absent class has no recall: `uar` and `f1_macro` are means over the others.
    """
    counts = confusion(predictions)
    occurring = counts.sum(axis=1)
    found = {f"recall/{classes[k]}": float(counts[k, k] / occurring[k]) for k in np.flatnonzero(occurring)}
    return {**found, "num_absent_classes": float(np.sum(occurring == 0))}


def confusion(predictions: Predictions) -> np.ndarray:
    """How many clips of class i were answered with class j: int64 (num_classes, num_classes)."""
    num_classes = predictions.logits.shape[1]
    counts = np.zeros((num_classes, num_classes), np.int64)
    np.add.at(counts, (predictions.labels, predictions.logits.argmax(axis=1)), 1)
    return counts


def epochs_to_90(accuracies: list[float]) -> int:
    """The first epoch (from 1) whose accuracy reaches 90 % of the best accuracy of the curve."""
    return 1 + int(np.argmax(np.asarray(accuracies) >= 0.9 * max(accuracies)))
