"""The ledger of a study: `<storage>/<study>/ledger.jsonl`, append-only, one writer.

A line is an event. MLflow, the Optuna study and every table are projections of the events and can be rebuilt from them.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import threading
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from trainables.core import files
from trainables.core.baselines.record import BASELINES, Baseline
from trainables.core.config import with_effect
from trainables.core.phases import Phase
from tuning.records.home import known_studies, not_begun
from tuning.records.owner import Owner, read_owner
from tuning.records.trial import State, Trial

_GIVEN = ("phase", "parameters", "seed", "folds", "of", "variant", "num_epochs", "trainable")


class StudyBusy(RuntimeError):
    """Another process writes this study's ledger; the message names it."""


class Ledger:
    """The events of one study, in memory and on disk. Thread-safe; reading needs no lock, writing does.

    `trials` are all there ever were. Where a study went on with other data (docs/decisions/0014), the tables of a phase, the
    selection and `events_of_data` are those of the present data, and `former_front` is the last one on the data before.
    Use `Ledger.write(folder)` as a context to append and `Ledger.read(folder)` to look.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path = folder / files.LEDGER
        self.events: list[dict[str, Any]] = []
        self.trials: dict[str, Trial] = {}
        self.study: dict[str, Any] = {}
        self.selection: dict[str, Any] = {}
        self.data_version = 1  # of the data that the study has now; its trials on other data count no more
        self.former_front: list[Trial] = []
        self._version_began = 0
        self._file: Any = None
        self._writing = threading.Lock()
        self._lock = FileLock(folder / files.LOCK)

    @classmethod
    def read(cls, folder: Path) -> Ledger:
        """The ledger as it stands; empty where the study has not begun."""
        ledger = cls(folder)
        if ledger.path.exists():
            ledger._load()
        return ledger

    @classmethod
    def write(cls, folder: Path) -> Ledger:
        """Open for appending, in a `with` statement. Raises `StudyBusy` where another process already writes it."""
        folder.mkdir(parents=True, exist_ok=True)
        ledger = cls(folder)
        try:
            ledger._lock.acquire(timeout=0.5)
        except Timeout:
            who = read_owner(folder) or "another process"
            raise StudyBusy(f"Study {folder.name} is already running: {who} writes {ledger.path}.") from None
        Owner.this().sign(folder)
        try:
            if ledger.path.exists():
                ledger._load()
                ledger._cut_torn_line()
            ledger._file = ledger.path.open("ab", buffering=0)
        except BaseException:
            ledger._lock.release()
            raise
        return ledger

    def __enter__(self) -> Ledger:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Flush to disk and let others write. Harmless when closed already."""
        if self._file is None:
            return
        with self._writing:
            self._sync()
            self._file.close()
            self._file = None
        self._lock.release()

    def open_study(self, **facts: Any) -> None:
        """What the study is now: its space and data; a line is added only where something changed."""
        if {key: self.study.get(key) for key in facts} != json.loads(json.dumps(facts)):
            self._append({"event": "study", **facts})

    def start(self, trial: Trial) -> None:
        """A trial begins, or begins again after an interruption: then its curve goes on."""
        self._append({"event": "started", "trial_id": trial.trial_id} | {key: getattr(trial, key) for key in _GIVEN})

    def epoch(self, trial_id: str, row: dict[str, float]) -> None:
        """One row of a trial's curve."""
        assert trial_id in self.trials, trial_id
        self._append({"event": "epoch", "trial_id": trial_id, **row})

    def end(
        self,
        trial_id: str,
        state: State,
        metrics: dict[str, float] | None = None,
        error: str = "",
        workers: list[dict[str, str]] | None = None,
        **beside: Any,
    ) -> None:
        """A trial's last word, with what is known `beside` (`taken_from`). On disk before this returns."""
        assert trial_id in self.trials, trial_id
        outcome = {"state": state, "metrics": metrics or {}, "error": error, "workers": workers or [], **beside}
        self._append({"event": "ended", "trial_id": trial_id} | outcome)
        with self._writing:
            self._sync()

    def died(self, trial_id: str, reason: str, *, own: bool) -> None:
        """What trained a trial died, by its `own` doing or not; it is taken again from its checkpoint."""
        self._append({"event": "died", "trial_id": trial_id, "reason": reason, "own": own})

    def select(self, front: list[str], recommended: str | None, **beside: Any) -> None:
        """The exact Pareto front of the search trials, the recommended one, and what is known `beside` (`Chosen.facts`)."""
        selected = {"front": front, "recommended": recommended, **beside}
        if self.selection != selected:
            self._append({"event": "selected", **selected})

    def note(self, event: str, **facts: Any) -> None:
        """An event that changes no trial, such as a promotion."""
        self._append({"event": event, **facts})

    @property
    def leaky(self) -> bool:
        """Whether clips were dealt to folds at random, so that one person is on both sides (docs/decisions/0007)."""
        return bool(self.study.get("leaky"))

    @property
    def incomparable(self) -> dict[str, str]:
        """By trial whose configuration cannot be trained any more, so that nothing is compared with it, why."""
        return {event["of"]: event["reason"] for event in self.events if event["event"] == "incomparable"}

    @property
    def baselines(self) -> list[Baseline]:
        """What was measured beside the trials on the present data; empty before that."""
        measured = [event["rows"] for event in self.events_of_data() if event["event"] == BASELINES]
        return [Baseline.of(row) for row in measured[-1]] if measured else []

    @property
    def uid(self) -> str:
        """Tells this ledger from any other, of the same study too: it is that of its first event. `""` without one."""
        first = json.dumps(self.events[:1])
        return hashlib.blake2b(first.encode(), digest_size=8).hexdigest() if self.events else ""

    def effective(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Those of `parameters` that have an effect in a trial of this study; all of them where it was not told what has."""
        told = self.study.get("effects", {})
        values = {**told.get("defaults", {}), **self.study.get("settings", {}), **parameters}
        return with_effect(parameters, values, told.get("only_if", {}))

    def next_id(self, phase: Phase) -> str:
        """The id of the next trial of `phase`, such as `search-0007`."""
        return f"{phase}-{sum(trial.phase == phase for trial in tuple(self.trials.values())):04d}"

    def of_phase(self, phase: Phase) -> list[Trial]:
        """The trials of one phase on the present data, in order of their start."""
        begun = tuple(self.trials.values())  # another thread may add one
        return [trial for trial in begun if trial.phase == phase and trial.data_version == self.data_version]

    def events_of_data(self) -> list[dict[str, Any]]:
        """What happened since the study has the present data."""
        return self.events[self._version_began :]

    def finished(self, phase: Phase) -> list[Trial]:
        """Those of a phase that ran their full schedule and have metrics."""
        return [trial for trial in self.of_phase(phase) if trial.state == "FINISHED"]

    def search_size(self, default: int, num_samples: int | None = None, extend: int | None = None) -> int:
        """How many search trials there are to be in all: what is asked for now, else what was, else the `default`."""
        begun = len(self.of_phase("search"))
        if extend is not None:
            return begun + extend
        return max(begun, self.study.get("num_samples", default)) if num_samples is None else num_samples

    def trial_folder(self, trial_id: str) -> Path:
        """Where the files of a trial lie."""
        return files.trial_folder(self.folder, trial_id)

    def _append(self, event: dict[str, Any]) -> None:
        line = json.dumps({"time": round(time.time(), 3), **event}, allow_nan=True)
        with self._writing:
            if self._file is None:
                raise RuntimeError(f"{self.path} is open for reading only.")
            self._write_whole(line.encode() + b"\n")
            self._apply(json.loads(line))

    def _write_whole(self, line: bytes) -> None:
        """All of `line` or nothing: half of it, left by a full disk, would spoil the line after it."""
        end = os.fstat(self._file.fileno()).st_size
        try:
            while line:
                line = line[self._file.write(line) :]
        except OSError:
            os.truncate(self.path, end)
            raise

    def _apply(self, event: dict[str, Any]) -> None:
        self.events.append(event)
        facts = {key: value for key, value in event.items() if key not in ("event", "time", "trial_id")}
        match event["event"]:
            case "study":
                self._note_data(facts)
                self.study |= facts
            case "started":
                known = self.trials.get(event["trial_id"])
                if known:
                    known.state, known.ended_at, known.error = "RUNNING", None, ""
                else:
                    facts["folds"] = tuple(facts["folds"])
                    self.trials[event["trial_id"]] = Trial(
                        trial_id=event["trial_id"], started_at=event["time"], data_version=self.data_version, **facts
                    )
            case "epoch":
                trial = self.trials[event["trial_id"]]
                # A resumed trial repeats the epochs since its last checkpoint.
                trial.curve = [row for row in trial.curve if row["epoch"] < facts["epoch"]] + [facts]
            case "ended":
                trial = self.trials[event["trial_id"]]
                trial.state, trial.ended_at = facts["state"], event["time"]
                trial.metrics, trial.error = facts["metrics"], facts["error"]
                trial.workers, trial.taken_from = facts.get("workers", []), facts.get("taken_from", {})
            case "died":
                self.trials[event["trial_id"]].deaths += facts["own"]
            case "selected":
                self.selection = facts

    def _note_data(self, facts: Mapping[str, Any]) -> None:
        """Other data than the study had are a new version of it."""
        before = self.study.get("dataset_fingerprint")
        if before is None or facts.get("dataset_fingerprint", before) == before:
            return
        if self.selection:
            recommended = self.selection["recommended"]
            front = sorted(self.selection["front"], key=lambda trial_id: trial_id != recommended)
            self.former_front = [self.trials[trial_id] for trial_id in front]
        self.data_version, self.selection, self._version_began = self.data_version + 1, {}, len(self.events) - 1

    def _load(self) -> None:
        lines = self.path.read_bytes().split(b"\n")
        for number, line in enumerate(lines[:-1], start=1):  # what follows the last newline was never finished
            try:
                self._apply(json.loads(line))
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                raise ValueError(
                    f"{self.path} is damaged in line {number}: {error}. Restore it from a copy."
                ) from error

    def _cut_torn_line(self) -> None:
        """A writer that died left half a line: what stands after the last newline goes."""
        content = self.path.read_bytes()
        whole = content.rfind(b"\n") + 1
        if whole != len(content):
            os.truncate(self.path, whole)

    def _sync(self) -> None:
        os.fsync(self._file.fileno())


def read_begun(home: Path, name: str) -> Ledger:
    """The ledger of study `name` under `home`, as it stands. Raises `ValueError` where it was not begun."""
    if name not in known_studies(home):  # nor is anything read that lies elsewhere
        raise not_begun(home, name)
    return Ledger.read(home / name)


def objective_values(trial: Trial, metrics: list[str]) -> list[float]:
    """The values of `metrics` for a trial; NaN where it has none."""
    return [float(trial.metrics.get(metric, math.nan)) for metric in metrics]


def first_error(trials: Iterable[Trial]) -> str:
    """` The first error: ...` of the first of `trials` that has one; `""` where none does."""
    failed = next((trial for trial in trials if trial.error), None)
    return f" The first error: {failed.trial_id}: {failed.error}" if failed else ""
