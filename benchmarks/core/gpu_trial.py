"""A short trial of `benchmarks.gpu`, and what it comes to."""

from __future__ import annotations

from typing import Any

from benchmarks.core.gpu_bench import Bench, deterministic, digest, make_training
from trainables.core.training.trainer import Training


def trained(bench: Bench, epochs: int, **changes: Any) -> Training:
    """A training of `epochs` epochs, its config changed by `changes`."""
    training = make_training(bench, bench.checked, **changes)
    for _ in range(epochs):
        training.run_epoch()
    return training


def one_trial(bench: Bench) -> dict[str, Any]:
    """What a short trial comes to: its curve, and a digest of its weights."""
    with deterministic():
        training = trained(bench, 2)
    return {"curve": [found["train_loss"] for found in training.curve], "weights": digest(training)}
