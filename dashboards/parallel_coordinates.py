"""Which parameters went with which results: one line per trial across the searched parameters and the objectives."""

from __future__ import annotations

import re
from typing import Any

import plotly.graph_objects as go

from dashboards.core import figures
from dashboards.core.data import ReportData
from dashboards.core.html import escaped
from dashboards.core.panel import Figure, Panel
from dashboards.core.scales import NOT_SET, Continuous, Scale, parameter_scale
from trainables.core.wording import counted
from tuning.records.ledger import Trial
from tuning.text.quantities import quantity, setting

_READING = (
    "A line is a trial. It crosses each searched parameter and then each objective, whose better end is always on top. "
    "A darker line has the better {primary}; in the dark theme a brighter one."
)
_MANY = 60  # trials from which lines are thin
_WIDEST = 13  # characters of a line of an axis title


def panel(report: ReportData) -> Panel | None:
    """Left out where nothing was searched or nothing has finished."""
    failed = [trial for trial in report.search if trial.state == "FAILED"]
    shown = [*report.complete, *failed]
    keys = [key for key in report.searched if any(key in trial.parameters for trial in shown)]
    if not report.complete or not keys:
        return None
    axes = _axes(report, keys, shown)
    plot = figures.blank(height=450, dragmode=False, margin={"l": 50, "r": 50, "t": 78, "b": 30})
    plot.update_xaxes(visible=False, range=[-0.15, len(axes) - 0.85], fixedrange=True)
    plot.update_yaxes(visible=False, range=[-0.06, 1.06], fixedrange=True)
    for position, axis in enumerate(axes):
        _draw_axis(plot, position, axis)
    if failed:
        plot.add_trace(_lines(report, keys, failed, axes[: len(keys)], figures.FAILED, width=1, dash="dot"))
    for trials, color, width in _by_quality(report):
        plot.add_trace(_lines(report, keys, trials, axes, color, width=width))
    plot.add_trace(figures.selection("lines+markers"))
    primary = quantity(report.objectives[0].metric).name
    label = (
        f"Parallel coordinates of {counted(len(report.complete), 'trial')}: {', '.join(axis.title for axis in axes)}"
    )
    roles = ["chosen", *(["failed"] if failed else []), "selected"]
    return Panel(
        title="Parameters",
        order=50,
        reading=_READING.format(primary=primary),
        lead=figures.key(*roles),
        figures=(Figure(plot=plot, label=label, min_width=92 * len(axes)),),
    )


def _axes(report: ReportData, keys: list[str], trials: list[Trial]) -> list[Scale]:
    searched = [parameter_scale(key, [trial.parameters.get(key) for trial in trials]) for key in keys]
    measured: list[Scale] = []
    for objective in report.objectives:
        found = quantity(objective.metric)
        values = figures.scaled((trial.metrics[objective.metric] for trial in report.complete), found)
        measured.append(Continuous(found.heading, values, flipped=objective.direction == "min"))
    return searched + measured


def _by_quality(report: ReportData) -> list[tuple[list[Trial], str, float]]:
    """The trials in sevenths by rank of the primary objective, the worst first so that the best lie on top."""
    primary = report.objectives[0]
    sign = 1 if primary.direction == "max" else -1
    others = [trial for trial in report.complete if trial is not report.recommended]
    ranked = sorted(others, key=lambda trial: sign * trial.metrics[primary.metric])
    steps: list[list[Trial]] = [[] for _ in figures.RAMP]
    for rank, trial in enumerate(ranked, start=1):
        steps[-(-rank * len(steps) // len(ranked)) - 1].append(trial)
    width = 2.0 if len(ranked) < _MANY else 0.9
    chosen = [trial for trial in report.complete if trial is report.recommended]
    return [(trials, color, width) for trials, color in zip(steps, figures.RAMP, strict=True)] + [
        (chosen, figures.CHOSEN, 3.5)
    ]


def _lines(
    report: ReportData,
    keys: list[str],
    trials: list[Trial],
    axes: list[Scale],
    color: str,
    *,
    width: float,
    dash: str = "solid",
) -> go.Scatter:
    """All lines of one colour as one trace with gaps between them: plotly draws few traces fast."""
    x: list[float | None] = []
    y: list[float | None] = []
    ids: list[str | None] = []
    labels: list[str | None] = []
    for trial in trials:
        values: list[Any] = [trial.parameters.get(key) for key in keys]
        if len(axes) > len(values):
            for objective, value in zip(report.objectives, report.values(trial), strict=True):
                values += figures.scaled([value], quantity(objective.metric))
        turn = (trial.seed * 0.618034) % 1 - 0.5
        for position, (axis, value) in enumerate(zip(axes, values, strict=True)):
            where = axis.where(value, turn)
            x.append(position)
            y.append(None if where is None else round(where, 4))
            ids.append(trial.trial_id)
            labels.append(f"{escaped(axis.title)} {escaped(NOT_SET if value is None else setting(value))}")
        for column in (x, y, ids, labels):
            column.append(None)
    return go.Scatter(
        x=x,
        y=y,
        mode="lines",
        line={"color": color, "width": width, "dash": dash},
        customdata=ids,
        text=labels,
        hovertemplate="<b>%{customdata}</b><br>%{text}<extra></extra>",
    )


def _draw_axis(plot: go.Figure, position: int, axis: Scale) -> None:
    plot.add_shape(
        type="line",
        x0=position,
        x1=position,
        y0=-0.03,
        y1=1.03,
        line={"color": figures.MUTED, "width": 1},
        layer="below",
    )
    figures.note(plot, _in_lines(axis.title), x=position, y=1.06, yanchor="bottom", size=13)
    for place, label in axis.ticks:
        figures.note(
            plot,
            escaped(label),
            x=position,
            y=place,
            xanchor="left",
            xshift=5,
            size=11,
            color=figures.MUTED,
            bgcolor=figures.PAPER,
            borderpad=1,
            opacity=0.9,
        )


def _in_lines(title: str) -> str:
    """A title narrow enough for its axis: broken before units and between the words of a parameter's name."""
    lines = [""]
    for word in re.findall(r"[^_ ]*[_ ]*", title):
        while len(lines[-1] + word) > _WIDEST and (lines[-1] or len(word) > _WIDEST):
            if not lines[-1]:
                lines[-1], word = word[:_WIDEST], word[_WIDEST:]
            lines.append("")
        lines[-1] += word
    return "<br>".join(escaped(line.rstrip(", ")) for line in lines if line)
