"""MLflow as a projection of the ledger: one experiment and one parent run per study, one child run per logical trial.

`Tracker` follows the ledger in a thread of its own, so that a slow or absent MLflow never holds a study up. How far it
came is kept beside the ledger; what could not be written is written by the next command that tracks.
"""

from __future__ import annotations

import contextlib
import threading
import time
from pathlib import Path

from trainables.core.wording import counted
from tuning.records import views
from tuning.records.ledger import Ledger
from tuning.records.mlflow_client import shown_uri, trouble
from tuning.records.projection.projection import Projection

END_S = 10.0  # how long an MLflow that answers may take to hear that a study has ended


class Tracker:
    """Writes a study's events to MLflow as they come.

    Use it as a context, so that it hears of what ended the study; `close` waits up to `patience_s` for MLflow and then leaves
    the rest for the next time. The state in which the study ended is written all the same, where MLflow answers.
    `unwritten` counts the events that are still to be written, `error` tells what MLflow does instead of taking them.
    """

    def __init__(self, ledger: Ledger, uri: str, home: Path, *, patience_s: float = 30.0) -> None:
        self.ledger, self.uri, self.home, self.patience_s = ledger, uri, home, patience_s
        self.error = ""
        self._projection = Projection(ledger, uri, home)
        self._ended_by: BaseException | None = None
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._follow, daemon=True, name="mlflow")

    def __enter__(self) -> Tracker:
        self._thread.start()
        return self

    def __exit__(self, kind: object, error: BaseException | None, *_: object) -> None:
        self._ended_by = error
        self.close()

    @property
    def unwritten(self) -> int:
        """How many events of the ledger MLflow does not have yet."""
        return self._projection.unwritten

    def close(self) -> None:
        """Write what is left and stop."""
        self._closing.set()
        self._thread.join(timeout=1.2 * self.patience_s)
        if self._projection.is_to_end(self._ended_by) and not self.error:
            self._thread.join(timeout=END_S)

    def run_id(self, trial_id: str) -> str:
        """The MLflow run of a trial, waiting until it is written. Raises `TimeoutError` with MLflow's words."""
        deadline = time.monotonic() + self.patience_s
        while (found := self._projection.run_of(trial_id)) is None or self.unwritten:
            if time.monotonic() > deadline:
                raise TimeoutError(f"MLflow at {shown_uri(self.uri)} {self.error or 'does not answer'}.")
            time.sleep(0.05)
        return found

    def what_is_missing(self) -> str:
        """A sentence about events that MLflow did not take; `""` where it has all."""
        if not self.unwritten:
            return ""
        kept = f"the ledger keeps {counted(self.unwritten, 'event')} for the next command on this study"
        return f"MLflow at {shown_uri(self.uri)} {self.error or 'is slow'}: {kept}."

    def how_to_compare(self) -> list[str]:
        """Lines that say where MLflow compares this study's trials; none while it lacks some of them."""
        runs = self._projection.runs
        if self.unwritten or self.error or runs is None:
            return []
        front = [runs.by_trial[trial_id] for trial_id in self.ledger.selection.get("front", [])]
        return views.how_to_compare(self.uri, runs.experiment, front)

    def _follow(self) -> None:
        pause, deadline = 0.2, None
        while True:
            if self._closing.is_set() and deadline is None:
                deadline = time.monotonic() + self.patience_s
            late, more = deadline is not None and time.monotonic() > deadline, False
            with contextlib.suppress(OSError, RuntimeError):  # the driver's next event says so
                self.ledger.keep()
            try:
                if self._projection.is_behind and not late:
                    more = self._projection.write()
                elif deadline is not None and self._projection.is_to_end(self._ended_by) and not (late and self.error):
                    self._projection.end(self._ended_by)
                self.error, pause = "", 0.2
            except Exception as error:  # whatever MLflow raises: the ledger keeps the events
                self.error = trouble(error, self.uri)
                self._projection.disconnect()
                pause = min(2 * pause, 10.0)
            through = not (self._projection.is_behind or self._projection.is_to_end(self._ended_by))
            if late or (deadline is not None and through and not self.error):
                return
            if not more:
                self._closing.wait(pause) if deadline is None else time.sleep(min(pause, 0.5))
