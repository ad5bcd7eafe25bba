"""What MLflow has of a ledger: as much as it was given so far, and whether the study goes on there."""

from __future__ import annotations

import contextlib
from collections.abc import Generator
from pathlib import Path
from typing import Any

from filelock import FileLock

from trainables.core import files
from tuning.records import tags
from tuning.records.ledger import Ledger, StudyBusy
from tuning.records.mlflow_client import make_client, shown_uri, without_password
from tuning.records.moved_home import is_own_store
from tuning.records.owner import is_written
from tuning.records.projection.events import Events, without_error
from tuning.records.projection.mark import Mark
from tuning.records.projection.outcome import outcome
from tuning.records.projection.runs import STUDY, Runs

AT_ONCE = 500  # events between two marks: what is written of a long ledger is written once
PATIENCE_S = 60.0  # for another process that writes the runs of the same study


class Projection:
    """The runs of `ledger` at `uri`, for one thread. One process at a time writes those of a study; one that does not
    `drives` it gives way to its driver, by `StudyBusy`.

    What MLflow raises goes to the caller, who calls `disconnect` then; the next call begins where the last mark was left.
    """

    def __init__(self, ledger: Ledger, uri: str, home: Path, *, drives: bool = True) -> None:
        self.ledger, self.uri, self.home, self._drives = ledger, uri, home, drives
        self.store = store_of(uri, home)
        self.position = self._marked()  # how many events MLflow has
        self.runs: Runs | None = None
        self._status = ""  # of the parent run, where it is known
        self._events: Events | None = None

    @property
    def unwritten(self) -> int:
        """How many events MLflow does not have yet."""
        return len(self.ledger.events) - self.position

    @property
    def is_behind(self) -> bool:
        """Whether there is something to write, or to find out."""
        return self.unwritten > 0 or (self.runs is None and bool(self.ledger.events))

    @property
    def is_open(self) -> bool:
        """Whether the parent run is RUNNING: it ends with the driver."""
        return self._status == "RUNNING"

    def is_to_end(self, error: BaseException | None = None) -> bool:
        """Whether `end` has something to tell: of a parent run that is open, or of a study that has got over an earlier end."""
        return self.is_open or (self._status not in ("", "FINISHED") and outcome(self.ledger, error) == "FINISHED")

    def run_of(self, trial_id: str) -> str | None:
        """The run of a trial; `None` before it is known."""
        return self.runs.by_trial.get(trial_id) if self.runs else None

    def disconnect(self) -> None:
        """Find everything anew at the next call: what was written last may have come through or not."""
        self.runs = self._events = None

    def write(self) -> bool:
        """Write the next events; says whether there may be more of them at once."""
        with self._alone():
            self._connect()
            assert self._events is not None
            events = self.ledger.events[self.position :][:AT_ONCE]
            self._events.write(events)
            self.position += len(events)
            self._mark()
        return len(events) == AT_ONCE

    def end(self, error: BaseException | None = None) -> None:
        """End the parent run, and those of trials that nobody runs any more; `error` is what ended the driver."""
        with self._alone():
            self._connect()
            assert self.runs is not None
            client, moment = self.runs.client, int(1000 * self.ledger.events[-1]["time"])
            for trial in tuple(self.ledger.trials.values()):
                if trial.state == "RUNNING" and (run_id := self.runs.by_trial.get(trial.trial_id)):
                    client.set_terminated(run_id, status="KILLED", end_time=moment)
            parent, status = self.runs.by_trial[STUDY], outcome(self.ledger, error)
            if status == "FAILED" and error is not None:
                said = without_password(str(error) or type(error).__name__, self.uri)
                client.set_tag(parent, tags.ERROR, said[:5000])
            elif status == "FINISHED":
                without_error(client, parent)
            client.set_terminated(parent, status=status, end_time=moment)
            self._status = status
            self._mark()

    def _connect(self) -> None:
        if self.runs is not None:
            return
        runs = Runs(make_client(self.uri), self.ledger)
        runs.find(self.uri, self.home)
        if not runs.has_all_of(self.ledger.events[: self.position]):
            self.position = 0  # the store lost what it held: everything again
        if STUDY not in runs.by_trial:
            self._mark(is_open=True)
            runs.of(STUDY, self.ledger.folder.name, {}, self.ledger.events[0]["time"])
        self._status = runs.client.get_run(runs.by_trial[STUDY]).info.status
        self._events = Events(self.ledger, runs, self.ledger.events[: self.position], self._goes_on)
        self.runs = runs

    def _goes_on(self) -> None:
        """A trial starts, so the study runs."""
        if not self.is_open:
            assert self.runs is not None
            self._mark(is_open=True)
            without_error(self.runs.client, self.runs.by_trial[STUDY])
            self.runs.client.update_run(self.runs.by_trial[STUDY], status="RUNNING")
            self._status = "RUNNING"

    def _marked(self) -> int:
        """How many events this MLflow already holds; another address, or another ledger, starts from nothing."""
        mark = Mark.read(self.ledger.folder)
        if mark is None or mark.ledger != self.ledger.uid or mark.uri not in (self.store, shown_uri(self.uri)):
            return 0
        return min(mark.position, len(self.ledger.events))

    def _mark(self, *, is_open: bool | None = None) -> None:
        given: dict[str, Any] = {"uri": self.store, "ledger": self.ledger.uid, "position": self.position}
        Mark(**given, is_open=self.is_open if is_open is None else is_open).write(self.ledger.folder)

    @contextlib.contextmanager
    def _alone(self) -> Generator[None]:
        with FileLock(self.ledger.folder / files.TRACKED_LOCK, timeout=PATIENCE_S):
            if not self._drives and is_written(self.ledger.folder):
                raise StudyBusy(f"Study {self.ledger.folder.name} is running.")
            yield


def store_of(uri: str, home: Path) -> str:
    """What a mark calls the store at `uri`: without a password, and the home's own wherever that lies."""
    return files.DATABASE if is_own_store(uri, home) else shown_uri(uri)
