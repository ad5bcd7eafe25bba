"""Baselines: what is had without a search, beside the best that the search found."""

from __future__ import annotations

from dashboards.core.data import ReportData
from dashboards.core.html import Cell, table
from dashboards.core.panel import Panel
from tuning.text.baseline_tables import figures, scored_on

_READING = (
    "Measured in the study's first minute on the same people as its trials: nobody needs a search that one of these beats. The "
    "interval is over people, and over seeds where one counts (the network). None of them takes part in the front."
)


def panel(report: ReportData) -> Panel | None:
    """A row for each baseline; no panel for a study without, such as those of earlier versions."""
    found = report.ledger.baselines
    if not found:
        return None
    headings = ["baseline", "accuracy", "95 % interval", "clips", "people", "seconds", "what it is"]
    rows = [
        [
            Cell(shown=one.title),
            *(Cell(shown=shown, numeric=True) for shown in figures(one)[:-1]),
            Cell(shown=figures(one)[-1], class_="words"),
        ]
        for one in found
    ]
    caption = f"Accuracy of the baselines on {scored_on(report.ledger)} people"
    return Panel(
        title="Baselines",
        order=25,
        reading=_READING,
        body=table(caption, headings, rows),
    )
