"""MLflow as a projection of the ledger: one experiment and one parent run per study, one child run per logical trial.

`Tracker` follows the ledger in a thread of its own, so that a slow or absent MLflow never holds a study up. How far it
came is kept beside the ledger; what could not be written is written by the next command that tracks.
"""

from __future__ import annotations

import contextlib
import json
import re
import threading
import time
from pathlib import Path
from typing import Any

from trainables.core import files
from trainables.core.baselines import record
from trainables.core.phases import SCORED_ON
from trainables.core.training.metrics import measured_at
from trainables.core.wording import counted
from tuning.records import tags, views
from tuning.records.artifacts import read_robustness
from tuning.records.front.logged import log_selection
from tuning.records.ledger import Ledger
from tuning.records.mlflow_client import make_client, shown_uri, trouble
from tuning.records.moved_home import is_own_store

CURVES = measured_at("epoch")
STATUS = {"FINISHED": "FINISHED", "FAILED": "FAILED", "KILLED": "KILLED", "INTERRUPTED": "KILLED"}
_ARTIFACTS = (files.PREDICTIONS, files.CONFUSION, files.ROBUSTNESS)
_STUDY = "study"  # the identity of the parent run


class Tracker:
    """Writes a study's events to MLflow as they come.

    Use it as a context; `close` waits up to `patience_s` for MLflow and then leaves the rest for the next time.
    `unwritten` counts the events that are still to be written, `error` tells what MLflow does instead of taking them.
    """

    def __init__(self, ledger: Ledger, uri: str, home: Path, *, patience_s: float = 30.0) -> None:
        self.ledger, self.uri, self.home, self.patience_s = ledger, uri, home, patience_s
        self.error = ""
        self._mark = ledger.folder / files.TRACKED
        self._store = files.DATABASE if is_own_store(uri, home) else shown_uri(uri)  # wherever the home lies
        self._position = self._stored_position()
        self._runs: dict[str, str] = {}
        self._experiment = self._parent = ""
        self._running = False  # the parent run, which ends with the driver
        self._facts: dict[str, Any] = {}
        self._client: Any = None
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._follow, daemon=True, name="mlflow")

    def __enter__(self) -> Tracker:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def unwritten(self) -> int:
        """How many events of the ledger MLflow does not have yet."""
        return len(self.ledger.events) - self._position

    def close(self) -> None:
        """Write what is left and stop."""
        self._closing.set()
        self._thread.join(timeout=1.2 * self.patience_s)

    def run_id(self, trial_id: str) -> str:
        """The MLflow run of a trial, waiting until it is written. Raises `TimeoutError` with MLflow's words."""
        deadline = time.monotonic() + self.patience_s
        while trial_id not in self._runs or self.unwritten:
            if time.monotonic() > deadline:
                raise TimeoutError(f"MLflow at {shown_uri(self.uri)} {self.error or 'does not answer'}.")
            time.sleep(0.05)
        return self._runs[trial_id]

    def what_is_missing(self) -> str:
        """A sentence about events that MLflow did not take; `""` where it has all."""
        if not self.unwritten:
            return ""
        kept = f"the ledger keeps {counted(self.unwritten, 'event')} for the next command on this study"
        return f"MLflow at {shown_uri(self.uri)} {self.error or 'is slow'}: {kept}."

    def how_to_compare(self) -> list[str]:
        """Lines that say where MLflow compares this study's trials; none while it lacks some of them."""
        if self.unwritten or self.error or not self._experiment:
            return []
        front = [self._runs[trial_id] for trial_id in self.ledger.selection.get("front", [])]
        return views.how_to_compare(self.uri, self._experiment, front)

    def _stored_position(self) -> int:
        """How many events this MLflow already holds; another address, or another ledger, starts from nothing.

        Writing an event twice changes nothing, so a mark that cannot be read costs time only.
        """
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            stored = json.loads(self._mark.read_text())
            if stored["uri"] in (self._store, shown_uri(self.uri)) and stored["ledger"] == self.ledger.uid:
                return min(int(stored["position"]), len(self.ledger.events))
        return 0

    def _follow(self) -> None:
        pause, deadline = 0.2, None
        while True:
            if self._closing.is_set() and deadline is None:
                deadline = time.monotonic() + self.patience_s
            pending = len(self.ledger.events) - self._position
            if not pending and self._closing.is_set() and not self._running:
                return
            try:
                if pending or (self._client is None and self.ledger.events):
                    self._position = self._write()
                    marked = {"uri": self._store, "ledger": self.ledger.uid, "position": self._position}
                    self._mark.write_text(json.dumps(marked))
                elif self._closing.is_set():
                    self._end_study()
                self.error, pause = "", 0.2
            except Exception as error:  # whatever MLflow raises: the ledger keeps the events
                self.error, self._client = trouble(error, self.uri), None
                pause = min(2 * pause, 10.0)
            if deadline is not None and time.monotonic() > deadline:
                return
            self._closing.wait(pause) if deadline is None else time.sleep(min(pause, 0.5))

    def _write(self) -> int:
        """Write the events there are by now; returns how many they are."""
        if self._client is None:
            self._client = make_client(self.uri)
            self._find_runs()
        events = self.ledger.events[self._position :]
        curves: dict[str, list[dict[str, Any]]] = {}
        for event in events:
            if event["event"] == "epoch":
                curves.setdefault(event["trial_id"], []).append(event)
            else:
                self._flush(curves)
                self._apply(event)
        self._flush(curves)
        return self._position + len(events)

    def _find_runs(self) -> None:
        name = f"fertune/{self.ledger.folder.name}"
        found = self._client.get_experiment_by_name(name)
        if found is None:
            # Beside the default store, by absolute path: MLflow's own default is relative to whoever reads.
            location = (self.home.absolute() / files.ARTIFACTS).as_uri() if self.uri.startswith("sqlite") else None
            self._experiment = self._client.create_experiment(name, artifact_location=location)
        else:
            self._experiment = found.experiment_id
        self._runs, token = {}, None
        ours = f"tags.`{tags.LEDGER}` = '{self.ledger.uid}'"  # a study begun anew has trials of the same ids
        while True:
            page = self._client.search_runs([self._experiment], ours, max_results=1000, page_token=token)
            self._runs |= {run.data.tags[tags.TRIAL_ID]: run.info.run_id for run in page}
            token = page.token
            if not token:
                break
        written = {event.get("trial_id", _STUDY) for event in self.ledger.events[: self._position]}
        if not written <= self._runs.keys():
            self._position = 0  # the store lost what it held: everything again
        self._facts = {}  # what the study was when an event was written, not what it is now
        for event in self.ledger.events[: self._position]:
            if event["event"] == "study":
                self._facts |= event
        began = next((event["time"] for event in self.ledger.events), None)
        self._parent = self._run(_STUDY, self.ledger.folder.name, {}, began)
        self._running = self._client.get_run(self._parent).info.status == "RUNNING"

    def _run(self, trial_id: str, name: str, given: dict[str, str], started_at: float | None = None) -> str:
        """The run of `trial_id`, found by its tag or created."""
        if trial_id not in self._runs:
            given = given | {
                "mlflow.runName": name,
                tags.STUDY: self.ledger.folder.name,
                tags.TRIAL_ID: trial_id,
                tags.LEDGER: self.ledger.uid,
            }
            milliseconds = int(1000 * (started_at or time.time()))
            created = self._client.create_run(self._experiment, start_time=milliseconds, tags=given, run_name=name)
            self._runs[trial_id] = created.info.run_id
        return self._runs[trial_id]

    def _apply(self, event: dict[str, Any]) -> None:
        match event["event"]:
            case "study":
                self._facts |= event
                view_tags = views.experiment_tags(self.ledger.folder.name, self._facts, self.ledger.uid)
                for key, value in {**self._study_tags(), views.NOTE: view_tags[views.NOTE]}.items():
                    self._client.set_tag(self._parent, key, value)
                for key, value in view_tags.items():
                    self._client.set_experiment_tag(self._experiment, key, value)
            case "started":
                self._started(event)
            case "ended":
                self._ended(event)
            case record.BASELINES:
                for key, value in record.figures(event["rows"]).items():
                    self._client.log_metric(self._parent, key, value, int(1000 * event["time"]))
            case "selected":
                log_selection(self._client, self.ledger, self._runs, event)

    def _started(self, event: dict[str, Any]) -> None:
        from mlflow.entities import Param

        if not self._running:  # a study that goes on
            self._client.update_run(self._parent, status="RUNNING")
            self._running = True
        run_tags = {
            "mlflow.parentRunId": self._parent,
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
        again = event["trial_id"] in self._runs
        run_id = self._run(event["trial_id"], event["trial_id"], run_tags, event["time"])
        self._client.update_run(run_id, status="RUNNING")
        if again and tags.ERROR in self._client.get_run(run_id).data.tags:
            self._client.delete_tag(run_id, tags.ERROR)
        given = event["parameters"]
        if not event.get("trainable"):
            given = self.ledger.effective({**self._facts.get("settings", {}), **given})
        params = [Param(key, str(value)) for key, value in given.items()]
        self._client.log_batch(run_id, params=params)

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

        run_id, moment = self._runs[event["trial_id"]], int(1000 * event["time"])
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
        self._client.log_batch(run_id, metrics=metrics, tags=run_tags)
        for name in _ARTIFACTS:
            if event["state"] == "FINISHED" and (folder / name).exists():
                self._client.log_artifact(run_id, str(folder / name))
        self._client.set_terminated(run_id, status=STATUS[event["state"]], end_time=moment)

    def _end_study(self) -> None:
        """The parent run's last word until somebody goes on: how its trials came out."""
        states = {trial.state for phase in ("search", "ablation") for trial in self.ledger.of_phase(phase)}
        outcome = "FINISHED" if "FINISHED" in states else "FAILED"
        status = "KILLED" if states & {"RUNNING", "INTERRUPTED"} else outcome
        self._client.set_terminated(self._parent, status=status, end_time=int(1000 * self.ledger.events[-1]["time"]))
        self._running = False

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
                self._client.log_batch(self._runs[trial_id], metrics=metrics[start : start + 1000])
        curves.clear()


def _metric_name(key: str) -> str:
    """`key` as MLflow takes it: a class may be named with signs that a metric may not, which become their code."""
    return re.sub(r"[^/\w.\- :]", lambda sign: f"_{ord(sign[0]):x}_", key)
