"""Evidence: the confirmed configurations on the locked holdout, beside controls and the majority baseline."""

from __future__ import annotations

import shlex
from collections.abc import Iterable

import plotly.graph_objects as go

from dashboards.core import figures
from dashboards.core.data import ReportData
from dashboards.core.html import Cell, Html, element, join, limits, missing, percent, table
from dashboards.core.panel import Figure, Panel
from trainables.core.wording import counted
from tuning.evidence.holdout import Evidence
from tuning.records.aliases import CHAMPION
from tuning.text.quantities import by_seed, points, spread
from tuning.text.tables import titled

_READING = (
    "Each configuration was trained again with fresh seeds and tested once on the locked holdout. The dot is its accuracy "
    "and the bar its interval, over people and seeds. Where two bars overlap widely, the data cannot tell the two "
    "apart. Optimism is how much more the search had promised: the best of many trials looks better than it is. Where its "
    "interval holds 0, it may be chance. The majority baseline always answers the commonest class."
)

_ROLES = {"chosen": figures.CHOSEN, "front": figures.FRONT, "trial": figures.TRIAL, "control": figures.CONTROL}


def panel(report: ReportData) -> Panel | None:
    """Intervals as dots and bars, then the same as a table."""
    if report.is_ablation:
        return None  # nobody is locked away to confirm on
    if not report.evidence:
        return Panel(title="Evidence", order=30, lead=missing(_nothing(report)))
    return Panel(
        title="Evidence",
        order=30,
        reading=_READING,
        lead=figures.key(*roles_of(report, report.evidence), "search"),
        figures=(Figure(plot=_dots(report), label=_label(report)),),
        body=_table(report),
    )


def _nothing(report: ReportData) -> object:
    if report.evidence_problem:
        return report.evidence_problem
    if not report.front:
        return "Nothing is confirmed: no trial has finished yet."
    command = element("code", shlex.join(["python", "tune.py", "confirm", report.name]))
    return join(["Nothing is confirmed yet. ", command, " races the likely choices, and tests the winner."])


def _dots(report: ReportData) -> go.Figure:
    rows = report.evidence
    plot = figures.blank(x="accuracy on the holdout, %", height=90 + 46 * len(rows))
    shares = [share for row in rows for share in (row.accuracy.low, row.accuracy.high, row.majority)]
    shares += [row.search_accuracy for row in rows if row.search_accuracy is not None]
    plot.update_xaxes(range=[max(0.0, 100 * min(shares) - 4), min(100.0, 100 * max(shares) + 3)])
    figures.name_rows(plot, [name_of(row) for row in rows])
    for position, row in enumerate(rows):
        color = color_of(report, row)
        mean, low, high = (100 * value for value in (row.accuracy.mean, row.accuracy.low, row.accuracy.high))
        plot.add_trace(
            go.Scatter(
                x=[low, high],
                y=[position, position],
                mode="lines",
                line={"color": color, "width": 2.5},
                hoverinfo="skip",
            )
        )
        if row.search_accuracy is not None:
            plot.add_trace(
                go.Scatter(
                    x=[100 * row.search_accuracy],
                    y=[position],
                    mode="markers",
                    marker={"symbol": "diamond-open", "size": 10, "color": figures.MUTED, "line": {"width": 1.5}},
                    hovertemplate=f"in the search {percent(row.search_accuracy)}<extra></extra>",
                )
            )
        plot.add_trace(
            go.Scatter(
                x=[mean],
                y=[position],
                mode="markers",
                marker={
                    "symbol": "star" if color == figures.CHOSEN else "circle",
                    "size": 16 if color == figures.CHOSEN else 11,
                    "color": color,
                },
                customdata=[row.trial_id],
                hovertemplate=f"{percent(row.accuracy.mean)}, {limits(row.accuracy)}{_seeds(row)}<extra></extra>",
            )
        )
    figures.reference_line(plot, 100 * rows[0].majority, "majority baseline", vertical=True)
    return plot


def _table(report: ReportData) -> Html:
    headings = [
        "configuration",
        "accuracy",
        "interval",
        "by seed",
        "in the search",
        "optimism, points",
        "majority baseline",
    ]
    headings += ["clusters" if report.evidence[0].units == "clusters" else "people", "clips", "seeds"]
    cells = [
        [
            Cell(shown=name_of(row)),
            Cell(shown=percent(row.accuracy.mean), numeric=True),
            Cell(shown=limits(row.accuracy), numeric=True),
            Cell(shown=spread(row.by_seed), numeric=True),
            Cell(shown="" if row.search_accuracy is None else percent(row.search_accuracy), numeric=True),
            Cell(shown=points(row.optimism) if row.optimism else "", numeric=True),
            Cell(shown=percent(row.majority), numeric=True),
            Cell(shown="not named" if row.units == "clips" else row.num_subjects, numeric=row.units != "clips"),
            Cell(shown=row.num_clips, numeric=True),
            Cell(shown=len(row.seeds), numeric=True),
        ]
        for row in report.evidence
    ]
    first = report.evidence[0].accuracy
    caption = f"Accuracy on the holdout with {percent(first.confidence, 0)} intervals ({first.method})"
    caption = titled(caption, report.evidence[0].leaky)
    marks = ["chosen" if color_of(report, row) == figures.CHOSEN else "" for row in report.evidence]
    return table(caption, headings, cells, marks=marks)


def _label(report: ReportData) -> str:
    listed = (
        f"{name_of(row)} {percent(row.accuracy.mean)}, {limits(row.accuracy)}{_seeds(row)}" for row in report.evidence
    )
    return f"Accuracy on the holdout of {counted(len(report.evidence), 'configuration')}: {'; '.join(listed)}"


def _seeds(row: Evidence) -> str:
    return f", {told}" if (told := by_seed(row.by_seed)) else ""


def name_of(row: Evidence) -> str:
    """What a configuration is called beside others."""
    if row.variant == CHAMPION:
        return f"{row.trial_id} (present champion, trained again)"
    return f"{row.variant} (control)" if row.variant else row.trial_id


def roles_of(report: ReportData, rows: Iterable[Evidence]) -> list[str]:
    """The roles that `rows` have, as `figures.key` takes them."""
    colors = {color_of(report, row) for row in rows}
    return [role for role, color in _ROLES.items() if color in colors]


def color_of(report: ReportData, row: Evidence) -> str:
    """The colour of the role that a configuration has."""
    if row.variant:
        return figures.CONTROL
    if report.recommended and row.trial_id == report.recommended.trial_id:
        return figures.CHOSEN
    on_front = any(trial.trial_id == row.trial_id for trial in report.front)
    return figures.FRONT if on_front else figures.TRIAL
