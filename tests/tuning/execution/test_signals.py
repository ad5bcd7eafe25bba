"""Both signals end what runs, also in a process that was begun with one of them blocked, as Ray begins its jobs."""

import os
import signal

import pytest

from tuning.execution.signals import Interrupted, interruptible


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_that_was_blocked_is_heard_and_blocked_again(number):
    before, handler = signal.pthread_sigmask(signal.SIG_BLOCK, [number]), signal.getsignal(number)
    try:
        with pytest.raises(Interrupted, match=f"stopped by {number.name}"), interruptible():
            os.kill(os.getpid(), number)
        assert number in signal.pthread_sigmask(signal.SIG_BLOCK, [])
        assert signal.getsignal(number) is handler
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
