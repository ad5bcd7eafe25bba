"""`python -m benchmarks.core.chaos.driver STUDY --data DIR --trials N [--resume]`: the driver of a study that is disturbed."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

import typer

from benchmarks.core.chaos import told
from benchmarks.core.chaos.study import CHECKPOINT_INTERVAL_S, EPOCHS, chaos_study
from tuning.execution.devices.placement import Placement
from tuning.execution.runner import Runner
from tuning.execution.signals import interruptible
from tuning.text.errors import RESUMES, reporting_errors
from tuning.text.progress import Silent

DONE = "The study has ended."  # the last line of a driver that came to its end
NUM_SLOTS = 2


class Log(Silent):
    """A listener that writes down what a person would be told."""

    def noted(self, message: str) -> None:
        print(message, flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("study")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--trials", type=int, required=True)
    parser.add_argument("--epochs", type=int, default=EPOCHS)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--resume", action="store_true")
    given = parser.parse_args()
    study = chaos_study(given.study, num_trials=given.trials, epochs=given.epochs)
    placement = Placement(max_concurrent=NUM_SLOTS, workers=given.workers)
    opened: dict[str, Any] = {
        "data_root": given.data,
        "placement": placement,
        "checkpoint_interval_s": CHECKPOINT_INTERVAL_S,
    }
    told.watch()
    try:
        with reporting_errors(goes_on=RESUMES), interruptible(), Runner(study, Log(), **opened) as runner:
            runner.search(runner.search_size(given.trials, resume=given.resume, extend=None))
    except typer.Exit as ending:
        return ending.exit_code
    if told.Watched.last:
        print(told.line_of(told.table_of(told.Watched.last)))
    print(DONE, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
