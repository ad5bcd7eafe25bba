"""Which parameters went with which results: one line per trial across the searched parameters and the objectives."""

from __future__ import annotations

import math
from typing import Any

import plotly.graph_objects as go

from dashboards.core import figures
from dashboards.core.data import ReportData
from dashboards.core.html import escaped
from dashboards.core.panel import Figure, Panel
from dashboards.core.quantities import count, quantity, setting
from tuning.ledger import Trial

_READING = (
    "A line is a trial; it crosses each searched parameter and then each objective, whose better end is always on top. "
    "The darker a line in daylight, or the brighter at night, the better its {primary}."
)
_DISTINCT = 8  # up to so many values of a parameter each get a place of their own
_LONGEST = 16  # characters of a tick
_NOT_SET = "not set"


class _Axis:
    """A vertical scale from 0 (bottom) to 1: evenly spaced places for few values, else linear or logarithmic."""

    def __init__(self, title: str, values: list[Any], *, flipped: bool = False, places: bool = True) -> None:
        self.title = title
        present = [value for value in values if value is not None]
        numeric = all(isinstance(value, int | float) and not isinstance(value, bool) for value in present)
        distinct: list[Any] = sorted(set(present)) if numeric else sorted({str(value) for value in present})
        self.by_place = not numeric or (places and len(distinct) <= _DISTINCT)
        self._flipped = flipped
        if self.by_place:
            named = [_NOT_SET] * (len(present) < len(values)) + distinct
            steps = max(1, len(named) - 1)
            self._places = {value: number / steps if len(named) > 1 else 0.5 for number, value in enumerate(named)}
            self.ticks = [(place, _short(value)) for value, place in self._places.items()]
            self._spread = min(0.07, 0.55 / steps)
        else:
            self._log = figures.spans_decades(present)
            self._low, self._high = self._warped(distinct[0]), self._warped(distinct[-1])
            self.ticks = [(self(value), setting(float(f"{value:.3g}"))) for value in self._round_values()]

    def __call__(self, value: Any, turn: float = 0.0) -> float | None:
        """Where `value` lies; lines that share a place are spread about it by `turn` (-0.5 to 0.5)."""
        if self.by_place:
            wanted = _NOT_SET if value is None else value
            place = self._places.get(wanted, self._places.get(str(wanted)))
            return None if place is None else place + turn * self._spread
        if value is None:
            return None
        span = self._high - self._low
        share = (self._warped(value) - self._low) / span if span else 0.5
        return 1 - share if self._flipped else share

    def _warped(self, value: float) -> float:
        return math.log(value) if self._log else float(value)

    def _round_values(self) -> list[float]:
        steps = [self._low + (self._high - self._low) * step / 4 for step in range(5)]
        return [math.exp(step) if self._log else step for step in dict.fromkeys(steps)]


def panel(report: ReportData) -> Panel | None:
    """Left out where nothing was searched or nothing has finished."""
    if not report.complete or not report.searched:
        return None
    failed = [trial for trial in report.search if trial.state == "FAILED"]
    axes = _axes(report, [*report.complete, *failed])
    plot = figures.blank(height=430, dragmode=False, margin={"l": 50, "r": 50, "t": 60, "b": 30})
    plot.update_xaxes(visible=False, range=[-0.15, len(axes) - 0.85], fixedrange=True)
    plot.update_yaxes(visible=False, range=[-0.06, 1.06], fixedrange=True)
    for position, axis in enumerate(axes):
        _draw_axis(plot, position, axis)
    if failed:
        plot.add_trace(_lines(report, failed, axes[: len(report.searched)], figures.FAILED, width=1, dash="dot"))
    for trials, color, width in _by_quality(report):
        plot.add_trace(_lines(report, trials, axes, color, width=width))
    plot.add_trace(figures.selection("lines+markers"))
    primary = quantity(report.objectives[0].metric).name
    label = f"Parallel coordinates of {count(len(report.complete), 'trial')}: {', '.join(axis.title for axis in axes)}"
    roles = ["chosen", *(["failed"] if failed else []), "selected"]
    return Panel(
        title="Parameters",
        order=50,
        reading=_READING.format(primary=primary),
        lead=figures.key(*roles),
        figures=(Figure(plot=plot, label=label, min_width=92 * len(axes)),),
    )


def _axes(report: ReportData, trials: list[Trial]) -> list[_Axis]:
    searched = [_Axis(key, [trial.parameters.get(key) for trial in trials]) for key in report.searched]
    measured = []
    for objective in report.objectives:
        found = quantity(objective.metric)
        values = figures.scaled((trial.metrics[objective.metric] for trial in report.complete), found)
        measured.append(_Axis(found.heading, values, flipped=objective.direction == "min", places=False))
    return searched + measured


def _by_quality(report: ReportData) -> list[tuple[list[Trial], str, float]]:
    """The trials in steps of their primary objective, the worst first so that the best lie on top; then the chosen."""
    primary = report.objectives[0]
    sign = 1 if primary.direction == "max" else -1
    quality = {trial.trial_id: sign * trial.metrics[primary.metric] for trial in report.complete}
    low, span = min(quality.values()), max(quality.values()) - min(quality.values())
    steps: list[list[Trial]] = [[] for _ in figures.RAMP]
    chosen = [trial for trial in report.complete if trial is report.recommended]
    for trial in report.complete:
        if trial is not report.recommended:
            share = (quality[trial.trial_id] - low) / span if span else 1.0
            steps[min(len(steps) - 1, int(share * len(steps)))].append(trial)
    width = 2.0 if len(report.complete) < 60 else 1.2
    return [
        *((trials, color, width) for trials, color in zip(steps, figures.RAMP, strict=True)),
        (chosen, figures.CHOSEN, 3.5),
    ]


def _lines(
    report: ReportData, trials: list[Trial], axes: list[_Axis], color: str, *, width: float, dash: str = "solid"
) -> go.Scatter:
    """All lines of one colour as one trace with gaps between them: plotly draws few traces fast."""
    x: list[float | None] = []
    y: list[float | None] = []
    ids: list[str | None] = []
    words: list[str | None] = []
    for trial in trials:
        values: list[Any] = [trial.parameters.get(key) for key in report.searched]
        if len(axes) > len(values):
            for objective, value in zip(report.objectives, report.values(trial), strict=True):
                values += figures.scaled([value], quantity(objective.metric))
        turn = (trial.seed * 0.618034) % 1 - 0.5
        for position, (axis, value) in enumerate(zip(axes, values, strict=True)):
            where = axis(value, turn)
            x.append(position)
            y.append(None if where is None else round(where, 4))
            ids.append(trial.trial_id)
            words.append(f"{escaped(axis.title)} {escaped(_NOT_SET if value is None else setting(value))}")
        x, y, ids, words = [*x, None], [*y, None], [*ids, None], [*words, None]
    return go.Scatter(
        x=x,
        y=y,
        mode="lines+markers",
        line={"color": color, "width": width, "dash": dash},
        marker={"size": 4, "color": color},
        customdata=ids,
        text=words,
        hovertemplate="<b>%{customdata}</b><br>%{text}<extra></extra>",
    )


def _draw_axis(plot: go.Figure, position: int, axis: _Axis) -> None:
    plot.add_shape(
        type="line",
        x0=position,
        x1=position,
        y0=-0.03,
        y1=1.03,
        line={"color": figures.MUTED, "width": 1},
        layer="below",
    )
    title = "<br>".join(escaped(part) for part in axis.title.split(", "))
    figures.note(plot, title, x=position, y=1.06, yanchor="bottom", size=13)
    for place, words in axis.ticks:
        figures.note(
            plot,
            escaped(words),
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


def _short(value: object) -> str:
    words = setting(value)
    return words if len(words) <= _LONGEST else words[: _LONGEST - 1] + "…"
