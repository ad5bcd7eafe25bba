"""What each event of a ledger writes to MLflow. Writing one twice changes nothing."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from trainables.core import files
from trainables.core.baselines import record
from trainables.core.phases import SCORED_ON
from trainables.core.training.metrics import measured_at
from tuning.records import tags, views
from tuning.records.artifacts import read_robustness
from tuning.records.front.logged import log_selection
from tuning.records.ledger import Ledger
from tuning.records.projection.runs import STUDY, Runs

CURVES = measured_at("epoch")
STATUS = {"FINISHED": "FINISHED", "FAILED": "FAILED", "KILLED": "KILLED", "INTERRUPTED": "KILLED"}
_ARTIFACTS = (files.PREDICTIONS, files.CONFUSION, files.ROBUSTNESS)


class Events:
    """Writes events to the `runs` of their ledger, which had `before` already; `goes_on` is called as a trial starts."""

    def __init__(self, ledger: Ledger, runs: Runs, before: Sequence[dict[str, Any]], goes_on: Callable[[], object]):
        self.ledger, self.runs, self.client, self._goes_on = ledger, runs, runs.client, goes_on
        self._facts: dict[str, Any] = {}  # what the study was when an event was written, not what it is now
        for event in before:
            if event["event"] == "study":
                self._facts |= event

    def write(self, events: Sequence[dict[str, Any]]) -> None:
        """Write `events`, which come in the order of the ledger."""
        curves: dict[str, list[dict[str, Any]]] = {}
        for event in events:
            if event["event"] == "epoch":
                curves.setdefault(event["trial_id"], []).append(event)
            else:
                self._flush(curves)
                self._apply(event)
        self._flush(curves)

    def _apply(self, event: dict[str, Any]) -> None:
        match event["event"]:
            case "study":
                self._study(event)
            case "started":
                self._started(event)
            case "died":
                told = self.ledger.trials[event["trial_id"]].deaths_told
                self.client.set_tag(self.runs.by_trial[event["trial_id"]], tags.DEATHS, told)
            case "ended":
                self._ended(event)
            case record.BASELINES:
                for key, value in record.figures(event["rows"]).items():
                    self.client.log_metric(self.runs.by_trial[STUDY], key, value, int(1000 * event["time"]))
            case "selected":
                log_selection(self.client, self.ledger, self.runs.by_trial, event)

    def _study(self, event: dict[str, Any]) -> None:
        self._facts |= event
        view_tags = views.experiment_tags(self.ledger.folder.name, self._facts, self.ledger.uid)
        for key, value in {**self._study_tags(), views.NOTE: view_tags[views.NOTE]}.items():
            self.client.set_tag(self.runs.by_trial[STUDY], key, value)
        for key, value in view_tags.items():
            self.client.set_experiment_tag(self.runs.experiment, key, value)

    def _started(self, event: dict[str, Any]) -> None:
        from mlflow.entities import Param

        self._goes_on()
        run_tags = {
            "mlflow.parentRunId": self.runs.by_trial[STUDY],
            tags.PHASE: event["phase"],
            tags.SPLIT: SCORED_ON[event["phase"]],
            tags.STOPPED_EARLY: "false",
            tags.SEED: str(event["seed"]),
            tags.SELECTION: "published" if self._facts.get("design") else "nested",
            **self._study_tags(),
        }
        if event["variant"] or event["of"]:
            run_tags[tags.VARIANT] = event["variant"] or "as searched"
        if event["of"]:
            run_tags[tags.OF] = event["of"]
        if event["phase"] == "search":
            run_tags[tags.PARETO] = "false"
        again = event["trial_id"] in self.runs.by_trial
        run_id = self.runs.of(event["trial_id"], event["trial_id"], run_tags, event["time"])
        self.client.update_run(run_id, status="RUNNING")
        if again:
            without_error(self.client, run_id)
        given = event["parameters"]
        if not event.get("trainable"):
            given = self.ledger.effective({**self._facts.get("settings", {}), **given})
        self.client.log_batch(run_id, params=[Param(key, str(value)) for key, value in given.items()])

    def _study_tags(self) -> dict[str, str]:
        """What the study was, for its parent run and for every trial that starts."""
        of = {
            tags.GIT_COMMIT: "git_commit",
            tags.VERSION: "version",
            tags.DATASET_FINGERPRINT: "dataset_fingerprint",
            tags.CONCURRENCY: "concurrency",
        }
        found = {tag: str(self._facts.get(key, "")) for tag, key in of.items()}
        return found | ({tags.LEAKY: "true"} if self._facts.get("leaky") else {})

    def _ended(self, event: dict[str, Any]) -> None:
        from mlflow.entities import Metric, RunTag

        run_id, moment = self.runs.by_trial[event["trial_id"]], int(1000 * event["time"])
        folder = self.ledger.trial_folder(event["trial_id"])
        metrics = [Metric(_metric_name(key), value, moment, 0) for key, value in event["metrics"].items()]
        if event["state"] == "FINISHED":
            for key, curve in read_robustness(folder).items():
                metrics += [Metric(key, value, moment, strength) for strength, value in curve.items()]
        run_tags = [RunTag(tags.STOPPED_EARLY, str(event["state"] == "KILLED").lower())]
        if workers := event.get("workers"):
            run_tags.append(RunTag(tags.DEVICE, ", ".join(sorted({worker["device"] for worker in workers}))))
            placed = ", ".join(f"{worker['host']} {worker['gpus']}".strip() for worker in workers)
            run_tags.append(RunTag(tags.WORKERS, placed[:5000]))
        if taken := event.get("taken_from"):
            run_tags.append(RunTag(tags.TAKEN_FROM, f"{taken['study']} {taken['trial_id']}"))
        if event["error"]:
            run_tags.append(RunTag(tags.ERROR, event["error"][:5000]))
        self.client.log_batch(run_id, metrics=metrics, tags=run_tags)
        for name in _ARTIFACTS:
            if event["state"] == "FINISHED" and (folder / name).exists():
                self.client.log_artifact(run_id, str(folder / name))
        self.client.set_terminated(run_id, status=STATUS[event["state"]], end_time=moment)

    def _flush(self, curves: dict[str, list[dict[str, Any]]]) -> None:
        """One call for all the rows of a trial that are waiting."""
        from mlflow.entities import Metric

        for trial_id, rows in curves.items():
            metrics = [
                Metric(key, row[key], int(1000 * row["time"]), int(row["epoch"]))
                for row in rows
                for key in CURVES
                if key in row
            ]
            for start in range(0, len(metrics), 1000):
                self.client.log_batch(self.runs.by_trial[trial_id], metrics=metrics[start : start + 1000])
        curves.clear()


def without_error(client: Any, run_id: str) -> None:
    """A run that goes on says nothing of how it ended before."""
    if tags.ERROR in client.get_run(run_id).data.tags:
        client.delete_tag(run_id, tags.ERROR)


def _metric_name(key: str) -> str:
    """`key` as MLflow takes it: a class may be named with signs that a metric may not, which become their code."""
    return re.sub(r"[^/\w.\- :]", lambda sign: f"_{ord(sign[0]):x}_", key)
