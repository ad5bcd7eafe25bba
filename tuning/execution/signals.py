"""Ctrl-C, SIGTERM and `ray job stop`: what runs is marked, nothing else is begun, the exit code is not 0."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Generator
from types import FrameType


class Interrupted(KeyboardInterrupt):
    """A person or the cluster wants this process to end; the ledger keeps what was done."""


@contextlib.contextmanager
def interruptible() -> Generator[None]:
    """Turn SIGINT and SIGTERM into `Interrupted` while the block runs. Only the main thread can; others run as they are.

    Ray Tune would catch SIGINT and return as if all had gone well, and would not hear SIGTERM at all. Ray starts its nodes
    with SIGINT blocked, and a job inherits that: here it is heard.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(number: int, _: FrameType | None) -> None:
        raise Interrupted(f"stopped by {signal.Signals(number).name}")

    before = {number: signal.signal(number, interrupt) for number in (signal.SIGINT, signal.SIGTERM)}
    blocked = signal.pthread_sigmask(signal.SIG_UNBLOCK, before)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
        for number, handler in before.items():
            signal.signal(number, handler)
