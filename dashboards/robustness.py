"""Robustness: accuracy of the confirmed configurations under occlusion and rotation."""

from __future__ import annotations

import statistics

import plotly.graph_objects as go

from dashboards.core import figures
from dashboards.core.data import ReportData
from dashboards.core.html import Cell, Html, element, escaped, missing, percent, table
from dashboards.core.panel import Figure, Panel
from dashboards.evidence import color_of, name_of, roles_of
from trainables.core.wording import counted
from tuning.evidence.holdout import Evidence, Holdout
from tuning.records.artifacts import DISTURBED, read_robustness

_READING = (
    "Measured on the holdout after everything was chosen. First: a square of growing size hides a part of the face, at a "
    "place drawn once for each clip. Second: the clip is turned, half of the clips to either side. A curve is the mean over "
    "the seeds and starts at the plain accuracy. Training with masked or turned faces prepares for these."
)
_AXES = {
    "accuracy_under_occlusion": ("share of the face that is hidden, %", "hidden", "%"),
    "accuracy_under_rotation": ("rotation, degrees", "turned by", "°"),
}

Curves = dict[str, dict[int, list[float]]]  # metric, strength, the accuracy with each seed


def panel(report: ReportData) -> Panel | None:
    """The two curves of every confirmed configuration and control, then the same as a table."""
    if not report.evidence:
        return None  # the panel on evidence says why
    measured = [(row, curves) for row in report.evidence if (curves := _curves(report, row))]
    if not measured:
        message = "No confirmed run has a robustness.json that can be read; `confirm` with more seeds writes it."
        return Panel(title="Robustness", order=35, lead=missing(message))
    return Panel(
        title="Robustness",
        order=35,
        reading=_READING,
        lead=figures.key(*roles_of(report, (row for row, _ in measured))),
        figures=tuple(_figure(report, measured, metric) for metric in DISTURBED),
        body=element("div", *(_table(report, measured, metric) for metric in DISTURBED)),
    )


def _curves(report: ReportData, row: Evidence) -> Curves:
    """The curves of a configuration; empty where none of its runs left any."""
    found: Curves = {}
    for trial in Holdout(report.ledger).runs(row):
        for metric, curve in read_robustness(report.ledger.trial_folder(trial.trial_id)).items():
            for strength, accuracy in curve.items():
                found.setdefault(metric, {}).setdefault(strength, []).append(accuracy)
    return found


def _figure(report: ReportData, measured: list[tuple[Evidence, Curves]], metric: str) -> Figure:
    axis, label, unit = _AXES[metric]
    plot = figures.blank(x=axis, y="accuracy on the holdout, %", height=340)
    for row, curves in reversed(measured):  # the recommended one is drawn last, above the others
        color, chosen = color_of(report, row), color_of(report, row) == figures.CHOSEN
        plot.add_trace(
            go.Scatter(
                x=list(curves[metric]),
                y=[round(100 * statistics.mean(values), 2) for values in curves[metric].values()],
                mode="lines+markers",
                line={"color": color, "width": 3.0 if chosen else 1.8, "dash": "dot" if row.variant else "solid"},
                marker={"color": color, "size": 8 if chosen else 6},
                text=[escaped(name_of(row))] * len(curves[metric]),
                customdata=[row.trial_id] * len(curves[metric]),
                hovertemplate=f"<b>%{{text}}</b><br>{label} %{{x}} {unit}: %{{y:.1f}} %<extra></extra>",
            )
        )
    figures.reference_line(plot, 100 * measured[0][0].majority, "majority baseline")
    plot.update_yaxes(rangemode="tozero")
    return Figure(plot=plot, label=f"Accuracy over {axis.split(',')[0]} of {counted(len(measured), 'configuration')}")


def _table(report: ReportData, measured: list[tuple[Evidence, Curves]], metric: str) -> Html:
    axis, _, unit = _AXES[metric]
    strengths = sorted({strength for _, curves in measured for strength in curves[metric]})
    rows = [
        [Cell(shown=name_of(row)), *(_cell(curves[metric].get(one)) for one in strengths)] for row, curves in measured
    ]
    marks = ["chosen" if color_of(report, row) == figures.CHOSEN else "" for row, _ in measured]
    headings = ["configuration", *(f"{strength} {unit}" for strength in strengths)]
    return table(f"Accuracy by {axis.split(',')[0]}", headings, rows, marks=marks)


def _cell(accuracies: list[float] | None) -> Cell:
    return Cell(shown=percent(statistics.mean(accuracies)) if accuracies else "", numeric=True)
