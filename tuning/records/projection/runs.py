"""The runs of one ledger in MLflow: each is found by its tags, or created, and is there once whatever was lost on the way."""

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tuning.records import tags
from tuning.records.ledger import Ledger
from tuning.records.projection.artifact_store import location_of

STUDY = "study"  # the identity of the parent run
CREATE = "/api/2.0/mlflow/runs/create"


class Runs:
    """The experiment of a study, and by trial the run of each; that of `STUDY` is their parent."""

    def __init__(self, client: Any, ledger: Ledger) -> None:
        self.client, self.ledger = client, ledger
        self.by_trial: dict[str, str] = {}
        self.experiment = ""

    def find(self, uri: str, home: Path) -> None:
        """Find the experiment, or make it, and all runs of this ledger in it."""
        name = f"fertune/{self.ledger.folder.name}"
        found = self.client.get_experiment_by_name(name)
        if found is None:
            self.experiment = self.client.create_experiment(name, artifact_location=location_of(uri, home))
        else:
            self.experiment = found.experiment_id
        by_trial: dict[str, list[Any]] = {}
        for run in self._all():
            by_trial.setdefault(run.data.tags[tags.TRIAL_ID], []).append(run)
        for runs in by_trial.values():
            self._keep_one(runs)
        self.by_trial = {trial_id: runs[0].info.run_id for trial_id, runs in by_trial.items()}

    def has_all_of(self, events: Iterable[dict[str, Any]]) -> bool:
        """Whether each of `events` has the run that it was written to."""
        return {event.get("trial_id", STUDY) for event in events} <= self.by_trial.keys()

    def of(self, trial_id: str, name: str, given: dict[str, str], started_at: float | None = None) -> str:
        """The id of the run of `trial_id`; created, with the tags `given`, where it is not there."""
        if trial_id not in self.by_trial:
            given = given | {
                "mlflow.runName": name,
                tags.STUDY: self.ledger.folder.name,
                tags.TRIAL_ID: trial_id,
                tags.LEDGER: self.ledger.uid,
            }
            milliseconds = int(1000 * (started_at or time.time()))
            asked = {"start_time": milliseconds, "tags": given, "run_name": name}
            self.by_trial[trial_id] = _create_once(self.client, self.experiment, asked)
        return self.by_trial[trial_id]

    def _all(self) -> list[Any]:
        ours = f"tags.`{tags.LEDGER}` = '{self.ledger.uid}'"  # a study begun anew has trials of the same ids
        found, token = [], None
        while True:
            page = self.client.search_runs([self.experiment], ours, max_results=1000, page_token=token)
            found += page
            token = page.token
            if not token:
                return found

    def _keep_one(self, runs: list[Any]) -> None:
        """Of several runs of one trial the fullest stays: a server that answered too late made the others."""
        runs.sort(key=lambda run: (-len(run.data.metrics) - len(run.data.params), run.info.run_id))
        while len(runs) > 1:
            self.client.delete_run(runs.pop().info.run_id)


def _create_once(client: Any, experiment: str, given: dict[str, Any]) -> str:
    """The id of a new run, asked for once: a run whose answer alone was lost would else be there twice.

    MLflow's client asks again, as often as a variable of the whole process says, whose other threads ask MLflow too. So a
    server is asked here; other stores answer at once.
    """
    credentials = getattr(client._tracking_client.store, "get_host_creds", None)
    if credentials is None:
        return client.create_run(experiment, **given).info.run_id
    from mlflow.utils.rest_utils import http_request, verify_rest_response  # seconds of imports

    tags_told = [{"key": key, "value": value} for key, value in given["tags"].items()]
    asked = {**given, "experiment_id": experiment, "user_id": "unknown", "tags": tags_told}
    answer = http_request(credentials(), CREATE, "POST", max_retries=0, json=asked)
    return verify_rest_response(answer, CREATE).json()["run"]["info"]["run_id"]
