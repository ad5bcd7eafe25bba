"""Race: a search's likely choices by cross-validation, who left early and who won."""

from __future__ import annotations

import plotly.graph_objects as go

from dashboards.core import figures
from dashboards.core.data import ReportData
from dashboards.core.html import Cell, Html, element, join, limits, percent, table
from dashboards.core.panel import Figure, Panel
from trainables.core.wording import counted
from tuning.evidence.holdout import describe_tested
from tuning.evidence.race import Raced, Racer
from tuning.records.kept.told import taken_told
from tuning.text.evidence_tables import fate, race_summary
from tuning.text.quantities import points, spread
from tuning.text.tables import titled

_READING = (
    "Those that the search's preference is likely to take were trained again on every fold outside the holdout, with seeds of "
    "their own. Dot and bar are the accuracy on all test people of these folds and its interval, over people and seeds. Who "
    "is clearly worse than the leader on the same people leaves early. The winner alone goes on to the holdout."
)


def panel(report: ReportData) -> Panel | None:
    """Intervals as dots and bars, then the same as a table; no panel for a study without a race."""
    found = report.race
    if found is None:
        return None
    return Panel(
        title="Race",
        order=28,
        reading=_READING,
        lead=join([element("p", line) for line in (*race_summary(found), taken_told(report.ledger)) if line]),
        figures=(Figure(plot=_dots(found), label=_label(found)),),
        body=_table(found),
    )


def _dots(found: Raced) -> go.Figure:
    plot = figures.blank(x="accuracy by cross-validation, %", height=90 + 40 * len(found.racers))
    figures.name_rows(plot, [_name(racer) for racer in found.racers])
    for position, racer in enumerate(found.racers):
        color = _color(found, racer)
        ends = [100 * racer.accuracy.low, 100 * racer.accuracy.high]
        bar = {"x": ends, "y": [position, position], "mode": "lines", "line": {"color": color, "width": 2.5}}
        plot.add_trace(go.Scatter(**bar, hoverinfo="skip"))
        plot.add_trace(
            go.Scatter(
                x=[100 * racer.accuracy.mean],
                y=[position],
                mode="markers",
                marker={"symbol": "star" if color == figures.CHOSEN else "circle", "size": 13, "color": color},
                customdata=[racer.trial_id],
                hovertemplate=f"{percent(racer.accuracy.mean)}, {limits(racer.accuracy)}<extra></extra>",
            )
        )
    return plot


def _table(found: Raced) -> Html:
    headings = ["configuration", "accuracy", "interval", "by fold", "behind the winner, points", "how it ended"]
    cells = [
        [
            Cell(shown=_name(racer)),
            Cell(shown=percent(racer.accuracy.mean), numeric=True),
            Cell(shown=limits(racer.accuracy), numeric=True),
            Cell(shown=spread(racer.by_fold), numeric=True),
            Cell(shown=points(racer.behind) if racer.behind else "", numeric=True),
            Cell(shown=fate(found, racer)),
        ]
        for racer in found.racers
    ]
    tested = describe_tested(found.num_people, found.num_clips)
    caption = titled(f"Accuracy over {counted(found.num_folds, 'fold')} outside the holdout: {tested}", found.leaky)
    return table(
        caption, headings, cells, marks=["chosen" if one.trial_id == found.winner else "" for one in found.racers]
    )


def _label(found: Raced) -> str:
    listed = (f"{_name(racer)} {percent(racer.accuracy.mean)}, {limits(racer.accuracy)}" for racer in found.racers)
    return f"Accuracy by cross-validation of {counted(len(found.racers), 'configuration')}: {'; '.join(listed)}"


def _name(racer: Racer) -> str:
    return f"{racer.trial_id} (present champion, trained again)" if racer.variant else racer.trial_id


def _color(found: Raced, racer: Racer) -> str:
    if racer.variant:
        return figures.CONTROL
    if racer.trial_id == found.winner:
        return figures.CHOSEN
    return figures.TRIAL if racer.left_after else figures.FRONT
