"""A driver of a study of minutes, in a session of its own, and how far it got."""

import contextlib
import subprocess
import sys

import psutil

from tests.conftest import ROOT
from tests.support.ray_head import wait_until
from tuning.records.ledger import Ledger

LONG = """
import sys
from pathlib import Path
import typer
from tests.support.tiny_study import Quiet, tiny_study
from tuning.execution.runner import Runner
from tuning.execution.signals import interruptible
from tuning.text.errors import RESUMES, reporting_errors

home = Path(sys.argv[1])
study = tiny_study(name="long", num_samples=1, settings={**tiny_study().settings, "epochs": 400})
try:
    with (
        reporting_errors(goes_on=RESUMES),
        interruptible(),
        Runner(study, Quiet(), home=home, data_root=home / "drawn" / "tiny", checkpoint_interval_s=0.0) as runner,
    ):
        runner.search(1)
except typer.Exit as ending:
    sys.exit(ending.exit_code)
"""


@contextlib.contextmanager
def long_study(home, num_epochs):
    """A driver of its own, in a session of its own, once it has written `num_epochs` more; and its family."""
    begun = len(Ledger.read(home / "long").events)
    command = [sys.executable, "-c", LONG, str(home)]
    log_path = home / "long.txt"
    with log_path.open("w") as log:
        driver = subprocess.Popen(command, cwd=ROOT, stderr=log, start_new_session=True)
    family = []
    try:
        wait_until(lambda: driver.poll() is not None or len(epochs_since(home, begun)) >= num_epochs, 240)
        assert driver.poll() is None, log_path.read_text()
        family = psutil.Process(driver.pid).children(recursive=True)
        yield driver, family
    finally:
        for process in (driver, *family):
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()


def epochs_since(home, begun):
    return [event["epoch"] for event in Ledger.read(home / "long").events[begun:] if event["event"] == "epoch"]
