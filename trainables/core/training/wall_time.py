"""How long a trial has been at work: all its attempts count, however they ended, and the time between them does not.

A small file beside the checkpoint holds it, as a worker that is killed cannot say how long it had been at work.
"""

from __future__ import annotations

import contextlib
import json
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

from trainables.core import files

PULSE_S = 2.0  # of an attempt that is killed at most so much is missing


class WallTime:
    """The seconds of the trial that `identity` names, in `folder`: those of its earlier attempts and of this one, so far.

    A context. Where it `writes`, a thread writes them every `PULSE_S`, and they are read from there by the next attempt; one
    that is begun anew, as its checkpoint is gone, counts on all the same. A disk that refuses costs that, and no more.
    `clock` gives seconds.
    """

    def __init__(
        self, folder: Path, identity: str, *, writes: bool, clock: Callable[[], float] = time.perf_counter
    ) -> None:
        self._path, self._identity, self._clock = folder / files.WALL_TIME, identity, clock
        self._began, self._earlier_s = clock(), 0.0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._pulse, daemon=True, name="wall time") if writes else None

    @property
    def seconds(self) -> float:
        """Over all attempts, until now."""
        return self._earlier_s + self._clock() - self._began

    def __enter__(self) -> WallTime:
        if self._thread:
            self._earlier_s = self._read()
            self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        if self._thread:
            self._thread.join()

    def _pulse(self) -> None:
        while not self._ended.wait(PULSE_S):
            with contextlib.suppress(OSError):
                self._path.parent.mkdir(parents=True, exist_ok=True)
            self._write()
        self._write()  # unless it failed at once, and there is no folder

    def _read(self) -> float:
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            stored = json.loads(self._path.read_text())
            # Another's was left by a trial of the same id, before its study was begun anew.
            return float(stored["seconds"]) if stored["trial"] == self._identity else 0.0
        return 0.0

    def _write(self) -> None:
        temporary = self._path.with_name(f"{self._path.stem}.{os.getpid()}.tmp")
        with contextlib.suppress(OSError):
            try:
                temporary.write_text(json.dumps({"trial": self._identity, "seconds": round(self.seconds, 3)}))
                temporary.replace(self._path)
            finally:
                temporary.unlink(missing_ok=True)
