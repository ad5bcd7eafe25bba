"""A terminal for what commands show."""

from rich.console import Console

from tuning.text.progress import TerminalListener
from tuning.text.shown import Shown


def on_terminal(width=200, as_json=False, file=None):
    """Of `width` columns; it writes to standard output, or to `file`."""
    console = Console(width=width, file=file)
    return Shown(console=console, listener=TerminalListener(console), as_json=as_json)
