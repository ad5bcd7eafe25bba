"""What a set of predictions is worth."""

from __future__ import annotations

import dataclasses

import numpy as np
from sklearn.metrics import f1_score, recall_score


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
    """`accuracy` (= WAR), `uar` (over the classes that occur) and `f1_macro` (over the same)."""
    labels, predicted = predictions.labels, predictions.logits.argmax(axis=1)
    present = np.unique(labels)
    return {
        "accuracy": float(np.mean(labels == predicted)),
        "uar": float(recall_score(labels, predicted, labels=present, average="macro", zero_division=0)),
        "f1_macro": float(f1_score(labels, predicted, labels=present, average="macro", zero_division=0)),
    }


def epochs_to_90(accuracies: list[float]) -> int:
    """The first epoch (from 1) whose accuracy reaches 90 % of the best accuracy of the curve."""
    return 1 + int(np.argmax(np.asarray(accuracies) >= 0.9 * max(accuracies)))
