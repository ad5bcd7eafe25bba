"""Metrics: one table of all that is measured, `METRICS`. An entry in it is all that a new objective needs."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any, Literal

from trainables.core.training.predictions import Predictions, accuracy, f1_macro, require_answers, uar

Direction = Literal["max", "min"]
Where = Literal["trial", "epoch", "ledger", "deployed", "disturbed", "selection", "source"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Metric:
    """One quantity. With its entry in `METRICS` every trial measures it, and `Objective(metric="<name>")` optimises it.

    `name` is the key in the ledger, in MLflow and in `--json`. People read `label` and `unit`; `scale` is the factor from
    the stored value to that unit, of which `decimals` are shown, without them four digits. `direction` says which values
    are better, None where neither. `measured` says how and where, in one sentence.

    `measure` is for what follows from predictions alone: their `labels`, `logits` and `answers`. The trainer calls it with
    those of the chosen epoch on the phase's clips: of validation people in a search, of test people or the holdout later.
    What needs more than predictions is measured in `trial.py`.

    `where` is `trial` for what every trial has once, and that alone may be an objective; `epoch` for a curve, measured on
    the validation people after every epoch; `ledger` for one that MLflow does not get; `deployed` for a network that is
    deployed in another form; `disturbed` for a curve over the strength of a disturbance; `selection` for what a search says
    of a trial among others; `source` for what only papers state.

    `share_of_clips`: it has a binomial standard error. `by_device`: it compares only on one kind of device. `cost`: it is
    told of every model that is recommended or promoted. `known` says whether it is, before a trial begins: `exactly` by
    `planned_costs`, or `nearly`, once a few trials were measured; a search needs no more of them to learn it.

    `tests/conformance/test_metrics.py` wants of every entry: a `name` in snake_case, given once; a `label` of its own, which
    does not repeat the `unit`; a unit where there is a `scale`; a `measured` that begins with a capital and ends with a full
    stop; and of one that may be an objective, a finite value from a trial of a tiny network.
    """

    name: str
    label: str
    measured: str
    unit: str = ""
    direction: Direction | None = None
    scale: float = 1.0
    decimals: int | None = None
    where: Where = "trial"
    measure: Callable[[Predictions], float] | None = None
    share_of_clips: bool = False
    by_device: bool = False
    cost: bool = False
    known: Literal["", "nearly", "exactly"] = ""

    @property
    def is_objective(self) -> bool:
        """Whether a study may optimise it: every trial measures it, and one direction is better."""
        return self.where == "trial" and self.direction is not None


def _by_name(*metrics: Metric) -> dict[str, Metric]:
    return {metric.name: metric for metric in metrics}


_PERCENT: Any = {"unit": "%", "scale": 100, "decimals": 1}
_SIZE: Any = {"direction": "min", "cost": True, "known": "exactly"}
_TIME: Any = {"direction": "min", "decimals": 1, "by_device": True, "known": "nearly"}

METRICS = _by_name(
    Metric(
        name="accuracy",
        label="accuracy",
        direction="max",
        **_PERCENT,
        measured="Share of the phase's clips that the chosen epoch answers right (WAR).",
        measure=accuracy,
        share_of_clips=True,
    ),
    Metric(
        name="uar",
        label="UAR",
        direction="max",
        **_PERCENT,
        measured="Mean recall over the classes that occur among the phase's clips, at the chosen epoch.",
        measure=uar,
        share_of_clips=True,
    ),
    Metric(
        name="f1_macro",
        label="macro F1",
        direction="max",
        **_PERCENT,
        measured="Mean F1 over the classes that occur among the phase's clips, at the chosen epoch.",
        measure=f1_macro,
    ),
    Metric(
        name="train_time_s",
        label="training time",
        unit="s",
        measured="Device-seconds of optimisation for the full schedule on an idle device (`timing/schedule.py`), all workers; "
        "without evaluation, preparation, waiting, and the shared features of a frozen trunk, which are data.",
        cost=True,
        **_TIME,
    ),
    Metric(
        name="train_time_spread",
        label="spread of the training time",
        unit="s",
        measured="Standard error of the training time over the blocks of steps that it is the median of; none of one block.",
        by_device=True,
    ),
    Metric(
        name="wall_time_s",
        label="wall time",
        unit="s",
        measured="Seconds from the opening of the data to a trial's last file, evaluation included, of all attempts.",
        **_TIME,
    ),
    Metric(
        name="param_count",
        label="parameters",
        unit="M",
        scale=1e-6,
        decimals=3,
        measured="Number of parameters, trained or not; one that is used twice counts once.",
        **_SIZE,
    ),
    Metric(
        name="weights_mb",
        label="weights",
        unit="MiB",
        decimals=1,
        measured="Size of the state dict's values in a file, floating point as fp32.",
        **_SIZE,
    ),
    Metric(
        name="latency_ms",
        label="latency",
        unit="ms",
        measured="Median time of one whole clip at batch 1 on the device that trained, its faces found already.",
        cost=True,
        **_TIME,
    ),
    Metric(
        name="train_flops",
        label="training compute",
        unit="TFLOP",
        direction="min",
        scale=1e-12,
        decimals=2,
        measured="Operations of the forward and backward passes over all clips of all epochs, a multiply-add counted as two; "
        "not of a trunk whose features are shared.",
        known="nearly",
    ),
    Metric(
        name="epochs_to_90",
        label="epochs to 90 %",
        direction="min",
        measured="First epoch whose validation accuracy reaches 90 % of the best of its curve.",
    ),
    Metric(
        name="generalisation_gap",
        label="generalisation gap",
        direction="min",
        **_PERCENT,
        measured="Accuracy while training, under augmentation and dropout, less that on validation, at the chosen epoch.",
    ),
    Metric(
        name="best_epoch", label="best epoch", measured="Epoch with the lowest validation loss, the earliest on ties."
    ),
    Metric(
        name="num_absent_classes",
        label="absent classes",
        measured="Number of classes without a clip among the phase's clips, which uar and f1_macro leave out.",
    ),
    Metric(
        name="published_time_s",
        label="time as published",
        unit="s",
        decimals=3,
        measured="A time that a paper prints without saying what it measures, so it never stands beside ours.",
        where="source",
    ),
    Metric(
        name="front_probability",
        label="on the front",
        **_PERCENT | {"decimals": 0},
        measured="Share of draws in which no other trial dominates this one: people, seeds and clocks vary, counts are exact.",
        where="selection",
    ),
    Metric(
        name="train_loss",
        label="training loss",
        direction="min",
        measured="Mean loss of an epoch's training clips, as they were trained on.",
        where="epoch",
    ),
    Metric(
        name="train_accuracy",
        label="training accuracy",
        direction="max",
        **_PERCENT,
        measured="Share of an epoch's training clips that were answered right as they were trained on.",
        where="ledger",
    ),
    Metric(
        name="val_loss",
        label="validation loss",
        direction="min",
        measured="Mean cross-entropy on the validation people after an epoch, without label smoothing.",
        where="epoch",
        measure=lambda predictions: predictions.loss,
    ),
    Metric(
        name="val_accuracy",
        label="validation accuracy",
        direction="max",
        **_PERCENT,
        measured="Accuracy on the validation people after an epoch.",
        where="epoch",
        measure=accuracy,
    ),
    Metric(
        name="val_uar",
        label="validation UAR",
        direction="max",
        **_PERCENT,
        measured="UAR on the validation people after an epoch.",
        where="epoch",
        measure=uar,
    ),
    Metric(
        name="accuracy_under_occlusion",
        label="accuracy under occlusion",
        direction="max",
        **_PERCENT,
        measured="Accuracy on the holdout by the share of the face that a square hides, in %, of confirmations.",
        where="disturbed",
    ),
    Metric(
        name="accuracy_under_rotation",
        label="accuracy under rotation",
        direction="max",
        **_PERCENT,
        measured="Accuracy on the holdout by the angle that clips are turned by, in degrees, of confirmations.",
        where="disturbed",
    ),
)


def _deployed(metric: Metric) -> Metric:
    return dataclasses.replace(
        metric,
        name=f"deployed_{metric.name}",
        label=f"deployed {metric.label}",
        measured=f"{metric.measured} Of the form that a network is deployed in, where that is another.",
        where="deployed",
        cost=False,
        known="",
    )


METRICS |= _by_name(*(_deployed(METRICS[name]) for name in ("param_count", "weights_mb", "latency_ms")))


def measured_at(where: Where) -> tuple[str, ...]:
    """The names of what is measured there, in the order of the table."""
    return tuple(name for name, metric in METRICS.items() if metric.where == where)


def objectives() -> tuple[str, ...]:
    """The names of what a study may optimise, in the order of the table."""
    return tuple(name for name, metric in METRICS.items() if metric.is_objective)


def scores(predictions: Predictions, where: Where = "trial") -> dict[str, float]:
    """What is measured there from predictions alone: `accuracy`, `uar`, `f1_macro` and whatever was added to the table.

    Raises `ValueError` as `require_answers` does.
    """
    require_answers(predictions)
    found = ((name, metric.measure) for name, metric in METRICS.items() if metric.where == where)
    return {name: float(measure(predictions)) for name, measure in found if measure}
