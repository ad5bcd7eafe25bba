"""The process that runs one part after another, and is replaced as soon as one of them breaks it or takes too long."""

from __future__ import annotations

import contextlib
import multiprocessing
import multiprocessing.process
import os
import signal
import time
from multiprocessing.connection import Connection

from benchmarks.core.gpu_bench import Bench, Finding, Part, release
from trainables.core.training.workers import is_lost

START_S = 60.0  # that a new process may take until it is ready; a part's own limit counts from then


class Worker:
    """One process at a time. `run` answers what a part found, or why it found nothing, and never raises for a part.

    A part that fails, dies or passes its limit costs the process, since nobody knows what it left behind. Checks and
    measures have processes of their own: what makes a device repeat its bits also makes it slower.
    """

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self._process: multiprocessing.process.BaseProcess | None = None
        self._pipe: Connection | None = None
        self._exact = False

    def run(self, part: Part, limit_s: float) -> tuple[Finding | str, float]:
        """The finding of `part`, or the reason why there is none, and the seconds that it took."""
        began = time.perf_counter()
        if part.is_check != self._exact:
            self.close()
            self._exact = part.is_check
        try:
            if self._process is None:
                self._start()
            assert self._pipe is not None
            self._pipe.send(part.run)
            answer = self._pipe.recv() if self._pipe.poll(limit_s) else f"it took longer than {limit_s:.0f} s"
        except TimeoutError as error:
            answer = str(error)
        except (EOFError, OSError):  # OSError: a pipe that nobody reads any more
            answer = f"its process died (exit code {self._exit_code()})"
        if isinstance(answer, str):
            self.close()
        return answer, time.perf_counter() - began

    def close(self) -> None:
        """End the process, and all that it started."""
        if self._process is None or self._pipe is None:
            return
        self._pipe.close()
        assert self._process.pid  # 0 would be our own group
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)  # it leads a group of its own, see `_serve`
        self._process.kill()
        self._process.join()
        self._process = self._pipe = None

    def _start(self) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, self._bench, self._exact))
        self._process.start()
        theirs.close()
        if not self._pipe.poll(START_S):
            raise TimeoutError(f"its process was not ready after {START_S:.0f} s")
        self._pipe.recv()

    def _exit_code(self) -> int | None:
        assert self._process is not None
        self._process.join(timeout=10)
        return self._process.exitcode


def _serve(pipe: Connection, bench: Bench, exact: bool) -> None:
    if exact:  # before CUDA starts: without it cuDNN's recurrent layers may differ in the last bit from run to run
        os.environ["CUBLAS_WORKSPACE_CONFIG"] = ":4096:2"
    os.setpgrp()  # so that whatever a part starts ends with this process
    pipe.send("ready")
    while True:
        try:
            run = pipe.recv()
        except (EOFError, KeyboardInterrupt):
            return
        try:
            answer: Finding | str = run(bench)
        except Exception as error:  # any error of a part is its finding; the others go on
            answer = f"{type(error).__name__}: {next(iter(str(error).splitlines()), 'no more is known')}"
        if not is_lost(bench.where):
            release(bench.where)
        pipe.send(answer)
