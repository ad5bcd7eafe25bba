"""Failures: the trials that failed, and why."""

from __future__ import annotations

from dashboards.core.data import ReportData
from dashboards.core.html import Cell, table
from dashboards.core.panel import Panel
from trainables.core.wording import counted, first_line


def panel(report: ReportData) -> Panel | None:
    """A row for each trial that failed, with the first line of its error; no panel where none did."""
    failed = [trial for trial in report.trained if trial.state == "FAILED"]
    if not failed:
        return None
    rows = [[Cell(shown=trial.trial_id), Cell(shown=first_line(trial.error))] for trial in failed]
    return Panel(
        title="Failures",
        order=75,
        reading=f"{counted(len(failed), 'trial')} of {len(report.trained)} failed.",
        body=table("Failed trials", ["trial", "error"], rows),
    )
