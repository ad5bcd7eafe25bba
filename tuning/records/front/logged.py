"""What MLflow gets of a selection: of each search trial, whether it is on the front, and how probable that is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tuning.records import tags
from tuning.records.ledger import Ledger

FRONT_PROBABILITY = "front_probability"


def log_selection(client: Any, ledger: Ledger, runs: Mapping[str, str], event: Mapping[str, Any]) -> None:
    """Write the event `selected` to the run of each search trial: the tag of the exact front, and the probability."""
    from mlflow.entities import Metric, RunTag

    moment, probabilities = int(1000 * event["time"]), event.get("front_probability", {})
    for trial in tuple(ledger.trials.values()):
        name = trial.trial_id
        if trial.phase == "search" and name in runs:
            on_front = [RunTag(tags.PARETO, str(name in event["front"]).lower())]
            known = [Metric(FRONT_PROBABILITY, probabilities[name], moment, 0)] if name in probabilities else []
            client.log_batch(runs[name], metrics=known, tags=on_front)
