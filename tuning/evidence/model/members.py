"""A registered model of several trainings, its members: what it costs, and how it is told of. A model of before has one."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from trainables.core.wording import counted
from tuning.records.ledger import Trial
from tuning.text.quantities import quantity

SERVED = ("param_count", "weights_mb", "latency_ms")  # of which a model of K members has K times as much


def served_costs(refits: Sequence[Trial]) -> dict[str, float] | None:
    """What the model that several `refits` make costs whoever runs it, all members together; `None` of one.

    What was not measured is left out.
    """
    if len(refits) == 1:
        return None
    return {
        key: len(refits) * statistics.fmean(trial.metrics[key] for trial in refits)
        for key in SERVED
        if all(key in trial.metrics for trial in refits)
    }


def told_members(refits: Sequence[Trial]) -> dict[str, Any]:
    """For `evidence.json`: how many trainings answer, which, and with which seeds."""
    return {
        "num_members": len(refits),
        "trial_ids": [trial.trial_id for trial in refits],
        "seeds": [trial.seed for trial in refits],
    }


def num_members(facts: Mapping[str, Any]) -> int:
    """How many trainings answer in the model of these `facts` (`evidence.json`)."""
    return facts["refit"].get("num_members", 1)


def card_size(facts: Mapping[str, Any]) -> str:
    """What the model consists of, for the summary of its card; `""` where nobody counted its parameters."""
    count, costs = num_members(facts), facts.get("served") or facts["costs"]
    if count == 1:
        return f" {quantity('param_count').typed(costs['param_count'])} parameters." if "param_count" in costs else ""
    words = {"param_count": "parameters", "weights_mb": "of weights", "latency_ms": "a clip"}
    parts = [f"{quantity(key).typed(costs[key])} {word}" for key, word in words.items() if key in costs]
    told = f": {', '.join(parts)}, all members together" if parts else ""
    return f" It answers with the mean of the probabilities of {count} trainings{told}."


def card_limits(facts: Mapping[str, Any], on: str) -> str:
    """What was trained of the model itself, `on` whom."""
    count = num_members(facts)
    if count == 1:
        return f"The registered weights are one more training, on {on}. They were not tested themselves."
    seeds = ", ".join(str(seed) for seed in facts["refit"]["seeds"])
    return (
        f"The registered model averages the answers of {count} more trainings, each on {on}, with seeds {seeds}. It was not "
        "tested itself; parameters, weights and latency of it are those of all members."
    )


def card_renewed(facts: Mapping[str, Any]) -> str:
    """How the model differs from the version of the same configuration that it follows; `""` where it follows none."""
    if (version := facts.get("renews")) is None:
        return ""
    if (before := facts.get("renewed_members")) is None:
        return (
            f"It is the configuration of version {version}, trained again on data that have grown since, and not tested "
            "against that version."
        )
    return (
        f"It is the configuration of version {version}, on the same data: the answers of {num_members(facts)} trainings are "
        f"averaged where that version has {counted(before, 'training')}. It was not tested against that version."
    )


def card_trials(facts: Mapping[str, Any]) -> str:
    """The refits by name."""
    return ", ".join(facts["refit"].get("trial_ids", [facts["refit"]["trial_id"]]))
