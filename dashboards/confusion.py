"""Confusion matrix of the recommended configuration."""

from __future__ import annotations

import numpy as np
import pandas as pd

from dashboards.core.data import ReportData
from dashboards.core.html import Cell, Html, element, join, missing, percent, table
from dashboards.core.panel import Panel
from trainables.core.wording import counted


def panel(report: ReportData) -> Panel | None:
    """The confusion matrix on the holdout where the configuration is confirmed, else on validation data."""
    chosen = report.recommended
    if chosen is None:
        return None
    finished = report.ledger.finished("confirm")
    confirmed = [trial for trial in finished if trial.of == chosen.trial_id and not trial.variant]
    found = [(trial, report.predictions(trial)) for trial in confirmed or [chosen]]
    rows = [table for _, table in found if table is not None]
    if len(rows) < len(found):
        gone = ", ".join(trial.trial_id for trial, table in found if table is None)
        message = f"The predictions of {gone} cannot be read, so there is no confusion matrix."
        return Panel(title="Confusion", order=40, lead=missing(message))
    split = "holdout" if confirmed else "validation"
    seeds = f", {counted(len(rows), 'seed')} pooled" if len(rows) > 1 else ""
    reading = (
        f"Rows are true classes, columns what the recommended configuration predicted; {split} people{seeds}. "
        "Each cell gives the share of its row and the number of clips. The diagonal is right."
    )
    return Panel(title="Confusion", order=40, reading=reading, body=_matrix(report, pd.concat(rows), split))


def _matrix(report: ReportData, rows: pd.DataFrame, split: str) -> Html:
    answers = np.stack(rows["logits"].to_list()).argmax(axis=1)
    size = len(rows["logits"].iloc[0])
    classes = report.study.get("classes", [])
    classes = classes if len(classes) == size else [f"class {number}" for number in range(size)]
    counts = np.zeros((size, size), dtype=int)
    np.add.at(counts, (rows["label"].to_numpy(), answers), 1)
    cells = []
    for label, name in enumerate(classes):
        total = counts[label].sum()
        shares = counts[label] / max(1, total)
        recall = percent(shares[label]) if total else "no clips"
        answered = [_cell(float(share), int(number)) for share, number in zip(shares, counts[label], strict=True)]
        cells.append([Cell(shown=name), *answered, Cell(shown=recall, numeric=True)])
    headings = ["true \\ predicted", *classes, "recall"]
    caption = f"Confusion matrix, {split} people"
    return element("div", table(caption, headings, cells), class_="confusion")


def _cell(share: float, number: int) -> Cell:
    shown = join([percent(share, 0), " ", element("small", number)]) if number else ""
    return Cell(shown=shown, class_="heat", style=f"--share: {share:.3f}")
