"""Between Ray Tune and the ledger: what is tried next, and what became of it."""

from __future__ import annotations

import contextlib
import dataclasses
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from ray import tune
from ray.tune import search

from trainables.core import files
from trainables.core.config import TrainerConfig
from trainables.core.phases import Phase
from trainables.core.training.metrics import METRICS
from trainables.core.training.trial import TrialSpec
from tuning.execution.devices.idle_times import unmeasured
from tuning.execution.preparation import ClipListener
from tuning.execution.searcher import Searcher
from tuning.records.ledger import Ledger, Trial

_ROW = ("epoch", *(name for name, metric in METRICS.items() if metric.where in ("epoch", "ledger")))


class TrialListener(Protocol):
    """Whoever shows trials while they run. Every method is called in the driver."""

    def epoch(self, trial: Trial, num_epochs: int) -> None:
        """A trial has done one more of its epochs."""
        ...

    def noted(self, message: str) -> None:
        """Something that a person should know."""
        ...

    def trial_ended(self, trial: Trial) -> None:
        """A trial has ended, however."""
        ...


class Listener(ClipListener, TrialListener, Protocol):
    """Whoever shows a run while it goes on. Every method is called in the driver."""

    def phase_began(
        self,
        phase: Phase,
        num_trials: int,
        *,
        objectives: Sequence[str],
        num_cpus: float,
        num_gpus: float,
        dashboard_url: str,
    ) -> None:
        """`num_trials` trials of a study with these `objectives` are about to run, on a Ray of so many devices."""
        ...

    def phase_ended(self) -> None:
        """No more trials of this phase."""
        ...


class Job(Protocol):
    """What a slot does before the first trial and the ledger knows as no trial."""

    @property
    def spec(self) -> TrialSpec:
        """What its worker is told."""
        ...

    def ended(self, result: Mapping[str, Any], error: bool) -> None:
        """It came to an end, with what its worker reported last."""
        ...


class Bookkeeper(search.Searcher):
    """Ray Tune's searcher: asks for trials, and writes what becomes of them into the ledger.

    `error` is the first one that was met, such as a full disk: Tune would swallow it, or hide it in a traceback of its
    own. From then on nothing is begun, and `stopper` ends what runs.
    """

    def __init__(
        self,
        ledger: Ledger,
        searcher: Searcher,
        listener: TrialListener,
        spec: Callable[[Trial], TrialSpec],
        deadline: float | None = None,
        first: Job | None = None,
    ) -> None:
        super().__init__(metric=None, mode=None)
        self._ledger, self._searcher, self._listener, self._spec = ledger, searcher, listener, spec
        self._deadline, self._first, self._first_id = deadline, first, ""
        self._running: dict[str, Trial] = {}
        self._last_messages: dict[str, str] = {}  # of workers that ended, by Tune's trial
        self.error: Exception | None = None
        self.stopper = _Stopper(self)

    def suggest(self, trial_id: str) -> dict[str, Any] | str:  # ty: ignore[incompatible-method-override]  FINISHED is a str
        with self._keeping_errors():
            late = self._deadline is not None and time.monotonic() > self._deadline
            if self._first and not self._first_id and not late and not self.error:
                self._first_id = trial_id
                return {"spec": dataclasses.asdict(self._first.spec)}
            trial = None if late or self.error else self._searcher.ask()
            if trial is not None:
                trial.trial_id = trial.trial_id or self._ledger.next_id(trial.phase)
                self._ledger.start(trial)
                self._running[trial_id] = self._ledger.trials[trial.trial_id]
                return {"spec": dataclasses.asdict(self._spec(trial))}
        return search.Searcher.FINISHED

    def on_trial_result(self, trial_id: str, result: dict[str, Any]) -> None:
        if trial_id not in self._running or result.get("done"):
            return
        with self._keeping_errors():
            trial = self._running[trial_id]
            if "workers_ended" in result:
                self._last_messages[trial_id] = result["workers_ended"]
                return
            if note := result.get("note"):
                self._ledger.note("noted", trial_id=trial.trial_id, words=note)
                self._listener.noted(f"{trial.trial_id}: {note}")
            if kind := result.get("unmeasured"):
                self._tell_unmeasured(kind)
            row = {key: result[key] for key in _ROW if key in result}
            self._ledger.epoch(trial.trial_id, row)
            self._listener.epoch(trial, self._num_epochs(trial))

    def _tell_unmeasured(self, kind: str) -> None:
        """Once a study."""
        known = [event["kind"] for event in self._ledger.events if event["event"] == "unmeasured"]
        if kind not in known:
            self._ledger.note("unmeasured", kind=kind)
            self._listener.noted(unmeasured(kind))

    def on_trial_complete(self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False) -> None:
        with self._keeping_errors():
            if trial_id in self._running:
                self._ended(trial_id, result or {}, error)
            elif self._first and trial_id == self._first_id:
                self._first.ended(result or {}, error)

    def _ended(self, trial_id: str, result: dict[str, Any], error: bool) -> None:
        trial = self._running[trial_id]
        # Tune flattens what it hands on: {"metrics": {"uar": 1.0}} comes as {"metrics/uar": 1.0}.
        metrics = {key.removeprefix("metrics/"): result[key] for key in result if key.startswith("metrics/")}
        workers = result.get("workers", [])
        if metrics:
            self._ledger.end(trial.trial_id, "FINISHED", metrics, workers=workers)
        elif "failed" in result:
            self._keep_traceback(trial, result.get("traceback", ""))
            self._ledger.end(trial.trial_id, "FAILED", error=result["failed"], workers=workers)
        elif error:
            died = "The process that ran this trial died; see the logs of Ray."
            self._ledger.end(trial.trial_id, "FAILED", error=self._last_messages.pop(trial_id, died))
        else:
            self._ledger.end(trial.trial_id, "INTERRUPTED")
        del self._running[trial_id]
        if metrics:
            with contextlib.suppress(OSError):  # it does no harm
                for path in files.checkpoint_files(Path(self._spec(trial).folder)):
                    path.unlink()
        self._searcher.tell(trial)
        self._listener.trial_ended(trial)

    def close(self) -> None:
        """Whatever still runs was interrupted: the next `--resume` goes on with it. Raises `error` where there was one."""
        with self._keeping_errors():
            for trial in self._running.values():
                if trial.state == "RUNNING":  # else its end was written, and what came after failed
                    self._ledger.end(trial.trial_id, "INTERRUPTED")
        self._running.clear()
        if self.error is not None:
            raise self.error

    def __getstate__(self) -> dict[str, Any]:
        """Nothing: Tune pickles its searcher for a restore that fertune never does."""
        return {}

    def save(self, checkpoint_path: str) -> None:
        """Nothing: the ledger is the state."""

    def restore(self, checkpoint_path: str) -> None:
        """Nothing: a resumed study is a new Tune run over the same ledger."""

    @contextlib.contextmanager
    def _keeping_errors(self) -> Generator[None]:
        try:
            yield
        except Exception as error:
            self.error = self.error or error

    def _num_epochs(self, trial: Trial) -> int:
        spec = self._spec(trial)
        return spec.num_epochs or spec.parameters.get("epochs", TrainerConfig.epochs)

    def _keep_traceback(self, trial: Trial, text: str) -> None:
        folder = self._ledger.trial_folder(trial.trial_id)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / files.TRACEBACK).write_text(text, encoding="utf-8", errors="backslashreplace")


class _Stopper(tune.Stopper):
    """Ends all trials of a run once its bookkeeper has met an error."""

    def __init__(self, bookkeeper: Bookkeeper) -> None:
        self._bookkeeper = bookkeeper

    def __call__(self, trial_id: str, result: dict[str, Any]) -> bool:
        return False

    def stop_all(self) -> bool:
        return self._bookkeeper.error is not None
