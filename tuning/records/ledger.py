"""The ledger of a study: `<storage>/<study>/ledger.jsonl`, append-only, one writer.

A line is an event. MLflow, the Optuna study and every table are projections of the events and can be rebuilt from them.
"""

from __future__ import annotations

import hashlib
import json
import math
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from trainables.core import files
from trainables.core.baselines.record import BASELINES, Baseline
from trainables.core.config import with_effect
from trainables.core.phases import Phase
from tuning.records.home import known_studies, not_begun
from tuning.records.trial import State, Trial
from tuning.records.writing import told
from tuning.records.writing.ledger_file import LedgerFile, StudyVanished
from tuning.records.writing.ledger_file import StudyBusy as StudyBusy

_GIVEN = ("phase", "parameters", "seed", "folds", "of", "variant", "num_epochs", "trainable")


class Ledger:
    """The events of one study, in memory and on disk. Thread-safe; reading needs no lock, writing does.

    `trials` are all there ever were. Where a study went on with other data (docs/decisions/0014), the tables of a phase, the
    selection and `events_of_data` are those of the present data, and `former_front` is the last one on the data before.
    Use `Ledger.write(folder)` as a context to append and `Ledger.read(folder)` to look. What others do to the file of a ledger
    that is written is undone from memory and told by `tell` (docs/decisions/0038).
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
        self.tell: Callable[[str], object] = lambda words: None
        self._file: LedgerFile | None = None
        self._writing = threading.Lock()

    @classmethod
    def read(cls, folder: Path) -> Ledger:
        """The ledger as it stands; empty where the study has not begun. Raises `ValueError` for one that is damaged."""
        ledger = cls(folder)
        if ledger.path.exists():
            ledger._load(ledger.path.read_bytes())
        return ledger

    @classmethod
    def write(cls, folder: Path) -> Ledger:
        """Open for appending, in a `with` statement. Raises `StudyBusy` where another process already writes it."""
        folder.mkdir(parents=True, exist_ok=True)
        ledger = cls(folder)
        ledger._file = LedgerFile(folder)
        try:
            ledger._load(ledger.path.read_bytes())
            ledger._file.cut_torn_line()
        except BaseException:
            ledger._file.close()
            raise
        return ledger

    def __enter__(self) -> Ledger:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Flush to disk and let others write. Harmless when closed already."""
        with self._writing:
            if self._file is None:
                return
            try:
                self._mend()
                self._file.sync()
            finally:
                self._file.close()
                self._file = None

    def keep(self) -> None:
        """See to the file of a ledger that is written, also while nothing happens. Raises what `LedgerFile.mend` raises."""
        with self._writing:
            words = self._mend() if self._file else ""
        if words:
            self.tell(words)

    def open_study(self, **facts: Any) -> None:
        """What the study is now: its space and data; a line is added only where something changed."""
        if {key: self.study.get(key) for key in facts} != json.loads(json.dumps(facts)):
            self._append({"event": "study", **facts})

    def start(self, trial: Trial) -> None:
        """A trial begins, or begins again after an interruption: then its curve goes on."""
        given = {key: getattr(trial, key) for key in _GIVEN}
        given |= {"proposed": trial.proposed} if trial.proposed else {}
        self._append({"event": "started", "trial_id": trial.trial_id} | given)

    def epoch(self, trial_id: str, row: dict[str, float]) -> None:
        """One row of a trial's curve."""
        assert trial_id in self.trials, trial_id
        self._append({"event": "epoch", "trial_id": trial_id, **row})

    def died(self, trial_id: str, reason: str, own: bool) -> None:
        """What ran a trial died, by the trial's `own` doing or not. The trial is taken again, and its curve goes on."""
        assert trial_id in self.trials, trial_id
        self._append({"event": "died", "trial_id": trial_id, "reason": reason, "own": own})

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
        self._append({"event": "ended", "trial_id": trial_id} | outcome, sync=True)

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

    def _append(self, event: dict[str, Any], *, sync: bool = False) -> None:
        with self._writing:
            words = self._mend()
            self._write(event)
            assert self._file is not None
            if sync:
                self._file.sync()
            vanished, self._file.vanished = self._file.vanished, ""
        if words:
            self.tell(words)
        if vanished:
            raise StudyVanished(vanished)

    def _mend(self) -> str:
        """What was undone of what others did to the file: an event, and the words for `tell`; `""` for nothing."""
        if self._file is None:
            raise RuntimeError(f"{self.path} is open for reading only.")
        if words := self._file.mend(lambda: b"".join(_line(event) for event in self.events)):
            self._write({"event": "mended", "words": words})
        return words

    def _write(self, event: dict[str, Any]) -> None:
        assert self._file is not None
        line = _line({"time": round(time.time(), 3), **event})
        self._file.append(line)
        self._apply(json.loads(line))

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
            case "died":
                trial = self.trials[event["trial_id"]]
                trial.deaths, trial.other_deaths = trial.deaths + facts["own"], trial.other_deaths + (not facts["own"])
            case "ended":
                trial = self.trials[event["trial_id"]]
                trial.state, trial.ended_at = facts["state"], event["time"]
                trial.metrics, trial.error = facts["metrics"], facts["error"]
                trial.workers, trial.taken_from = facts.get("workers", []), facts.get("taken_from", {})
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

    def _load(self, content: bytes) -> None:
        lines = content.split(b"\n")
        for number, line in enumerate(lines[:-1], start=1):  # what follows the last newline was never finished
            try:
                self._apply(json.loads(line))
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                raise ValueError(told.damage(self.path, number, error, ours=self._file is not None)) from error


def _line(event: Mapping[str, Any]) -> bytes:
    return json.dumps(event, allow_nan=True).encode() + b"\n"


def read_begun(home: Path, name: str) -> Ledger:
    """The ledger of study `name` under `home`, as it stands. Raises `ValueError` where it was not begun."""
    if name not in known_studies(home):  # nor is anything read that lies elsewhere
        if (home / name).parent == home and (words := told.gone(home / name)):
            raise ValueError(words)
        raise not_begun(home, name)
    return Ledger.read(home / name)


def objective_values(trial: Trial, metrics: list[str]) -> list[float]:
    """The values of `metrics` for a trial; NaN where it has none."""
    return [float(trial.metrics.get(metric, math.nan)) for metric in metrics]


def first_error(trials: Iterable[Trial]) -> str:
    """` The first error: ...` of the first of `trials` that has one; `""` where none does."""
    failed = next((trial for trial in trials if trial.error), None)
    return f" The first error: {failed.trial_id}: {failed.error}" if failed else ""
