"""A study that is watched while it runs: whoever asked hears of its end, and of a time in which nothing moves."""

from __future__ import annotations

import contextlib
import threading
import time
from collections import Counter
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any, cast

from tuning.execution.runner import Listener
from tuning.notifying.notice import Event, Notice, run_command
from tuning.records.ledger import Trial
from tuning.text.errors import message_of

STALLED_S = 600.0  # without an epoch; longer where an epoch takes longer
EPOCHS = 3  # as many of the longest epoch
_LOOKS_S = 15.0


@contextlib.contextmanager
def notified(command: str | None, study: str, home: Path, listener: Listener) -> Generator[Listener]:
    """A listener for the run of `study` in this block; `command`, if any, is run where the run ends or stalls.

    It never fails the study: what goes wrong with it is noted. Raises `ValueError` for a command without a word.
    """
    if command is None:
        yield listener
        return
    if not command.strip():
        raise ValueError("--notify was given without a command.")

    def call(event: Event, summary: str) -> None:
        notice = Notice(study=study, event=event, summary=f"{study}: {summary}", home=home)
        if trouble := run_command(command, notice):
            listener.noted(trouble)

    watched = Watched(listener, lambda summary: call("stalled", summary))
    try:
        with watched.watching():
            yield cast("Listener", watched)  # what it does not watch it hands on
    except (KeyboardInterrupt, SystemExit) as end:
        why = f" ({end})" if isinstance(end, KeyboardInterrupt) and str(end) else ""
        call("stopped", f"stopped{why}, {watched.counted}. What was done is kept.")
        raise
    except Exception as error:
        call("failed", f"failed, {watched.counted}. {message_of(error)}")
        raise
    call("failed" if watched.fruitless else "ended", f"ended, {watched.counted}.")


class Watched:
    """Hands what it hears on to `listener`. Where no trial makes an epoch for too long, `stalled` is called with a sentence.

    Too long are `STALLED_S`, or `EPOCHS` times the longest epoch that was seen; it is told once until something moves again.
    """

    def __init__(
        self, listener: Listener, stalled: Callable[[str], None], *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._listener, self._stalled, self._clock = listener, stalled, clock
        self._lock = threading.Lock()
        self._running = self._told = False
        self._began = self._moved = clock()
        self._longest = 0.0
        self._last: dict[str, float] = {}  # when a trial made its last epoch
        self._states: Counter[str] = Counter()

    def __getattr__(self, name: str) -> Any:
        """What it does not watch itself."""
        return getattr(self._listener, name)

    def phase_began(self, *given: Any, **named: Any) -> None:
        """From here on trials are to move."""
        with self._lock:
            self._running, self._began = True, self._clock()
            self._move(self._began)
        self._listener.phase_began(*given, **named)

    def phase_ended(self) -> None:
        """What comes now makes no epochs."""
        with self._lock:
            self._running = False
        self._listener.phase_ended()

    def epoch(self, trial: Trial, num_epochs: int) -> None:
        """A trial moves. The first epoch of a trial is not measured, that of the first trials since the phase began."""
        with self._lock:
            now = self._clock()
            before = self._last.get(trial.trial_id, now if self._last else self._began)
            self._longest = max(self._longest, now - before)
            self._last[trial.trial_id] = now
            self._move(now)
        self._listener.epoch(trial, num_epochs)

    def trial_ended(self, trial: Trial) -> None:
        """A trial moves, for the last time."""
        with self._lock:
            self._states[trial.state] += 1
            self._move(self._clock())
        self._listener.trial_ended(trial)

    def _move(self, now: float) -> None:
        self._moved, self._told = now, False

    def look(self) -> None:
        """Call where nothing has moved for too long."""
        with self._lock:
            still_s = self._clock() - self._moved
            if not self._running or self._told or still_s <= max(STALLED_S, EPOCHS * self._longest):
                return
            self._told = True
        self._stalled(
            f"no trial has made an epoch for {still_s / 60:.0f} min, {self.counted}. `status` and `doctor` show more."
        )

    @contextlib.contextmanager
    def watching(self) -> Generator[None]:
        """Look every few seconds while the block runs."""
        over = threading.Event()

        def watch() -> None:
            while not over.wait(_LOOKS_S):
                self.look()

        thread = threading.Thread(target=watch, daemon=True, name="watch for a stall")
        thread.start()
        try:
            yield
        finally:
            over.set()  # one that calls just now is not waited for: it is bounded

    @property
    def counted(self) -> str:
        """How many trials have ended since the command began, and how."""
        with self._lock:
            parts = [f"{count} {state.lower()}" for state, count in sorted(self._states.items())]
        return f"trials: {', '.join(parts)}" if parts else "no trial ended"

    @property
    def fruitless(self) -> bool:
        """Whether trials ended and none of them well."""
        return bool(self._states) and not self._states["FINISHED"]
