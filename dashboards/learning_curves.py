"""How the trials learnt: validation accuracy of all of them, and both losses of the recommended one."""

from __future__ import annotations

import math
from collections.abc import Iterable

import plotly.graph_objects as go

from dashboards.core import figures
from dashboards.core.data import ReportData
from dashboards.core.html import escaped, missing
from dashboards.core.panel import Figure, Panel
from trainables.core.wording import counted
from tuning.records.ledger import Trial
from tuning.statistics.intervals import majority_share

_READING = (
    "Validation accuracy after each epoch. A curve that ends early belongs to a trial that was stopped, failed, was "
    "interrupted or still runs. The ring marks the epoch whose weights were kept (lowest validation loss)."
)


def panel(report: ReportData) -> Panel:
    """The curves of the search trials, with the losses of the recommended one or of the best so far; or of an ablation's
    trainings.
    """
    curved = [trial for trial in report.trained if trial.curve]
    if not curved:
        return Panel(title="Learning curves", order=60, lead=missing("No trial has done an epoch yet."))
    shown = report.recommended or (report.front[0] if report.front else None)
    drawn = [
        Figure(
            plot=_accuracies(report, curved), label=f"Validation accuracy by epoch of {counted(len(curved), 'trial')}"
        )
    ]
    if shown and shown.curve:
        drawn.append(Figure(plot=_losses(shown), label=f"Training and validation loss by epoch of {shown.trial_id}"))
    return Panel(
        title="Learning curves",
        order=60,
        reading=_READING,
        lead=figures.key("trial", *_roles(report), "selected"),
        figures=tuple(drawn),
    )


def _roles(report: ReportData) -> list[str]:
    """The roles beside `trial` that there are curves of."""
    others = [trial for trial in report.front if trial is not report.recommended]
    return ["front"] * bool(others) + ["chosen"] * (report.recommended is not None)


def _accuracies(report: ReportData, trials: list[Trial]) -> go.Figure:
    plot = figures.blank(x="epoch", y="validation accuracy, %", height=380)
    members = {trial.trial_id for trial in report.front} - {report.recommended and report.recommended.trial_id}
    chosen = [trial for trial in trials if trial is report.recommended]
    others = [trial for trial in trials if trial.trial_id not in members and trial not in chosen]
    front = [trial for trial in trials if trial.trial_id in members]
    faint = 1.0 if len(others) < 60 else 0.45
    for group, color, width, opacity in (
        (others, figures.TRIAL, 1.1, faint),
        (front, figures.FRONT, 1.8, 1.0),
        (chosen, figures.CHOSEN, 3.0, 1.0),
    ):
        plot.add_trace(_curves(group, color, width, opacity))
    kept = [(trial, row) for trial in chosen for row in trial.curve if row["epoch"] == trial.metrics.get("best_epoch")]
    plot.add_trace(
        go.Scatter(
            x=[row["epoch"] for _, row in kept],
            y=[100 * row["val_accuracy"] for _, row in kept],
            mode="markers",
            marker={"symbol": "circle-open", "size": 13, "color": figures.CHOSEN, "line": {"width": 2.5}},
            hoverinfo="skip",
        )
    )
    rows = report.predictions(report.recommended) if report.recommended else None
    if rows is not None:
        figures.reference_line(plot, 100 * majority_share(rows["label"].tolist()), "majority baseline")
    plot.add_trace(figures.selection("lines"))
    return plot


def _curves(trials: list[Trial], color: str, width: float, opacity: float) -> go.Scatter:
    """The curves of one colour as one trace with gaps between them: plotly draws few traces fast."""
    epochs: list[float | None] = []
    values: list[float | None] = []
    ids: list[str | None] = []
    for trial in trials:
        epochs += [*(row["epoch"] for row in trial.curve), None]
        values += [*_finite(100 * row.get("val_accuracy", math.nan) for row in trial.curve), None]
        ids += [*([trial.trial_id] * len(trial.curve)), None]
    single = any(len(trial.curve) == 1 for trial in trials)
    return go.Scatter(
        x=epochs,
        y=values,
        mode="lines+markers" if single else "lines",  # a line of one point is nothing
        marker={"size": 5, "color": color},
        line={"color": color, "width": width},
        opacity=opacity,
        customdata=ids,
        hovertemplate="<b>%{customdata}</b><br>epoch %{x}: %{y:.1f} %<extra></extra>",
    )


def _losses(trial: Trial) -> go.Figure:
    plot = figures.blank(x="epoch", y=f"loss of {escaped(trial.trial_id)}", height=380)
    epochs = [row["epoch"] for row in trial.curve]
    for key, label, dash in (("train_loss", "training", "dot"), ("val_loss", "validation", "solid")):
        losses = _finite(row.get(key, math.nan) for row in trial.curve)
        plot.add_trace(
            go.Scatter(
                x=epochs,
                y=losses,
                mode="lines+markers" if len(epochs) == 1 else "lines",
                line={"color": figures.CHOSEN, "width": 2.2, "dash": dash},
                marker={"color": figures.CHOSEN},
                hovertemplate=f"{label}, epoch %{{x}}: %{{y:.3g}}<extra></extra>",
            )
        )
        if losses and losses[-1] is not None:
            figures.note(plot, label, x=epochs[-1], y=losses[-1], xanchor="right", yanchor="bottom", yshift=4)
    return plot


def _finite(values: Iterable[float]) -> list[float | None]:
    return [float(f"{value:.4g}") if math.isfinite(value) else None for value in values]
