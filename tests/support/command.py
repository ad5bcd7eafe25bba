"""The command line, called here or in a process of its own."""

import subprocess
import sys
from pathlib import Path

from rich.console import Console
from typer.testing import CliRunner

import tune
from tests.conftest import ROOT
from tuning.text.progress import TerminalListener
from tuning.text.shown import Shown

HEAVY = ("ray", "torch", "mlflow", "optuna", "numpy", "pandas", "cv2", "sklearn")


def light(*arguments: str) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own; its last line tells which heavy packages it imported."""
    code = (
        "import sys, tune\n"
        "try: tune.app(sys.argv[1:])\n"
        f"finally: print(); print('heavy:', *[name for name in {HEAVY} if name in sys.modules])"
    )
    return subprocess.run(
        [sys.executable, "-c", code, *arguments], cwd=ROOT, capture_output=True, text=True, timeout=60
    )


def call(*arguments: str | Path):
    return CliRunner().invoke(tune.app, list(map(str, arguments)))


def on_terminal(width=200, as_json=False, file=None):
    """Of `width` columns; it writes to standard output, or to `file`."""
    console = Console(width=width, file=file)
    return Shown(console=console, listener=TerminalListener(console), as_json=as_json)
