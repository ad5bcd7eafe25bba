"""Where a command shows things: a terminal, and whether what it prints is data for a script."""

from __future__ import annotations

import dataclasses

from rich.console import Console

from tuning.text.progress import TerminalListener


@dataclasses.dataclass(frozen=True, kw_only=True)
class Shown:
    """A console, a listener on it, and whether results are printed `as_json`."""

    console: Console
    listener: TerminalListener
    as_json: bool = False
