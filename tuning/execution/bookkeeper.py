"""Between Ray Tune and the ledger: what is tried next, and what became of it."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import time
from collections import deque
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
from tuning.execution.phase.places import Places, Unlimited
from tuning.execution.preparation import ClipListener
from tuning.execution.search.searcher import Searcher
from tuning.records.ledger import Ledger, Trial

GOES_ON = "It goes on from its checkpoint."
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


MOST_LOSSES = 5  # of one trial in a row, without an epoch between them, through no fault of its own


class Bookkeeper(search.Searcher):
    """Ray Tune's searcher: asks for trials, and writes what becomes of them into the ledger.

    A trial whose actor died, or whose words were lost, is handed out again and goes on from its checkpoint; `places` says how
    many may run. `error` is the first one that was met, such as a full disk, or a file of the study that `gone` says is no
    longer there: Tune would swallow it, or hide it in a traceback of its own. From then on nothing is begun, and `stopper`
    ends what runs.
    """

    places: Places = Unlimited()

    def __init__(
        self,
        ledger: Ledger,
        searcher: Searcher,
        listener: TrialListener,
        spec: Callable[[Trial], TrialSpec],
        deadline: float | None = None,
        first: Job | None = None,
        gone: Callable[[], str] = lambda: "",
    ) -> None:
        super().__init__(metric=None, mode=None)
        self._ledger, self._searcher, self._listener, self._spec = ledger, searcher, listener, spec
        self._deadline, self._first, self._first_id = deadline, first, ""
        self._gone = gone
        self._running: dict[str, Trial] = {}
        self._again: deque[Trial] = deque()  # lost by no fault of their own
        self._losses: dict[str, int] = {}  # in a row, by trial
        self._exhausted, self._waited_for = False, ""
        self.error: Exception | None = None
        self.stopper = _Stopper(self)

    def suggest(self, trial_id: str) -> dict[str, Any] | str | None:  # ty: ignore[incompatible-method-override]
        """What Tune runs next as its `trial_id`; `None` for nothing now, `FINISHED` for nothing any more."""
        with self._keeping_errors():
            self._require_all()
            if self.places.lost:
                return search.Searcher.FINISHED
            busy = len(self._running) + (self._first_id != "")
            if busy >= self.places.granted:
                return None
            late = self._deadline is not None and time.monotonic() > self._deadline
            if self._first and not self._first_id and not late:
                self._first_id = trial_id
                return {"spec": dataclasses.asdict(self._first.spec)}
            over = late or self._exhausted
            if busy and not self._again and not over and not self._searcher.ready:
                return None  # Tune asks again in a moment; with nothing that runs it would sleep for a second
            trial = self._again.popleft() if self._again else None if over else self._searcher.ask()
            if trial is not None:
                trial.trial_id = trial.trial_id or self._ledger.next_id(trial.phase)
                self._ledger.start(trial)
                self._running[trial_id] = self._ledger.trials[trial.trial_id]
                return {"spec": dataclasses.asdict(self._spec(trial)), "deaths": self._running[trial_id].deaths}
            self._exhausted = True
            if busy:  # one of these may have to be handed out again
                self.places.want(busy)
                return None
        return search.Searcher.FINISHED

    @property
    def over(self) -> bool:
        """Whether nothing is left to be done."""
        return self._exhausted and not self._running and not self._again

    def hand_out_again(self) -> None:
        """What runs is lost with the Tune run that ran it: the next one has it."""
        self._first_id = ""
        for trial_id in list(self._running):
            self._lost(trial_id, "Ray ended under it.")

    def is_to_end(self) -> bool:
        """Asked all the time: whether the run has to end, by an error or without a machine; tells what the study waits for."""
        with self._keeping_errors():
            self._require_all()
            self._tell_of_waiting()
        return self.error is not None or self.places.lost

    def _require_all(self) -> None:
        """Raises where there is no sense in going on."""
        if self.error:
            raise self.error
        if self.places.trouble:
            raise RuntimeError(self.places.trouble)
        if gone := self._gone():
            raise FileNotFoundError(gone)

    def on_trial_result(self, trial_id: str, result: dict[str, Any]) -> None:
        if trial_id not in self._running or result.get("done"):
            return
        with self._keeping_errors():
            trial = self._running[trial_id]
            if "died" in result:
                self._ledger.died(trial.trial_id, result["died"], own=result["own"])
                self._listener.noted(f"{trial.trial_id}: {result['died']} {GOES_ON}")
                return
            self._losses.pop(trial.trial_id, None)
            if note := result.get("note"):
                self._ledger.note("noted", trial_id=trial.trial_id, words=note)
                self._listener.noted(f"{trial.trial_id}: {note}")
            if kind := result.get("unmeasured"):
                self._tell_unmeasured(kind)
            row = {key: result[key] for key in _ROW if key in result}
            self._ledger.epoch(trial.trial_id, row)
            self._listener.epoch(trial, self._num_epochs(trial))

    def _tell_of_waiting(self) -> None:
        """Once for each reason."""
        before, self._waited_for = self._waited_for, self.places.waits_for
        if self._waited_for and self._waited_for != before:
            self._listener.noted(f"{self._waited_for}.")

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
                self._first, self._first_id = None, ""

    def _ended(self, trial_id: str, result: dict[str, Any], error: bool) -> None:
        trial = self._running[trial_id]
        # Tune flattens what it hands on: {"metrics": {"uar": 1.0}} comes as {"metrics/uar": 1.0}.
        metrics = {key.removeprefix("metrics/"): result[key] for key in result if key.startswith("metrics/")}
        workers = result.get("workers", [])
        if metrics:
            self._ledger.end(trial.trial_id, "FINISHED", metrics, workers=workers)
        elif error:
            self._lost(trial_id, "The process that reports this trial died.")
            return
        elif "failed" in result and "refused" not in result and not self._gone():
            self._keep_traceback(trial, result.get("traceback", ""))
            self._ledger.end(trial.trial_id, "FAILED", error=result["failed"], workers=workers)
        else:
            self._ledger.end(trial.trial_id, "INTERRUPTED")
        del self._running[trial_id]
        if metrics:
            with contextlib.suppress(OSError):  # it does no harm
                for path in files.checkpoint_files(Path(self._spec(trial).folder)):
                    path.unlink()
        self._searcher.tell(trial)
        self._listener.trial_ended(trial)
        if number := result.get("refused"):  # by the disk: no trial is to blame
            raise OSError(number, os.strerror(number), self._spec(trial).folder)

    def _lost(self, trial_id: str, reason: str) -> None:
        """Tune's `trial_id` was lost: its trial is handed out again, unless that keeps happening."""
        trial = self._running.pop(trial_id)
        self._ledger.died(trial.trial_id, reason, own=False)
        self._losses[trial.trial_id] = self._losses.get(trial.trial_id, 0) + 1
        if self._losses[trial.trial_id] <= MOST_LOSSES:
            self._again.append(trial)
            self._listener.noted(f"{trial.trial_id}: {reason} {GOES_ON}")
            return
        often = f"It was lost {MOST_LOSSES + 1} times in a row; see the logs of Ray. {reason}"
        self._ledger.end(trial.trial_id, "FAILED", error=often)
        self._searcher.tell(trial)
        self._listener.trial_ended(trial)

    def close(self) -> None:
        """Whatever still runs was interrupted: the next `--resume` goes on with it. Raises `error` where there was one."""
        with self._keeping_errors():
            for trial in (*self._running.values(), *self._again):
                if trial.state == "RUNNING":  # else its end was written, and what came after failed
                    self._ledger.end(trial.trial_id, "INTERRUPTED")
        self._running.clear()
        self._again.clear()
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
    """Ends all trials of a run once its bookkeeper has met an error, or Ray has no machine any more."""

    def __init__(self, bookkeeper: Bookkeeper) -> None:
        self._bookkeeper = bookkeeper

    def __call__(self, trial_id: str, result: dict[str, Any]) -> bool:
        return False

    def stop_all(self) -> bool:
        return self._bookkeeper.is_to_end()
