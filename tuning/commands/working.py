"""What every command that works does around its work."""

from __future__ import annotations

import contextlib
from collections.abc import Generator

from tuning.execution.signals import interruptible
from tuning.text.errors import reporting_errors


@contextlib.contextmanager
def command(verbose: bool, *, goes_on: str = "") -> Generator[None]:
    """A command that works: a signal stops it, and an error ends it in one message."""
    with reporting_errors(verbose, goes_on=goes_on), interruptible():
        yield
