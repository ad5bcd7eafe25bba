"""The Pareto front: the primary objective over each of the others, and a table of the members."""

from __future__ import annotations

import math

import plotly.graph_objects as go

from dashboards.core import figures
from dashboards.core.data import Objective, ReportData
from dashboards.core.html import Cell, Html, caution, element, escaped, join, missing, percent, table
from dashboards.core.panel import Figure, Panel
from trainables.core.training.metrics import METRICS
from trainables.core.wording import counted
from tuning.records.front.surfaces import Surfaces, surfaces
from tuning.records.front.told import preferred
from tuning.records.ledger import Trial
from tuning.statistics import pareto
from tuning.text.quantities import quantity, setting, settings

_READING = (
    "Each mark is a finished trial, measured on validation people. A member of the front is dominated by no other trial: "
    "none is as good in every objective and better in one. "
)
_MEASURED = "The line is the best found up to a cost. "
_DRAWN = (
    "Were people, seeds and clocks drawn anew, half of the fronts would reach the line, 95 % and 5 % of them the dotted "
    "ones: the best of many trials looks better than it is. The table says how often a trial is on such a front. "
)
_SELECT = "Select a mark to see its trial everywhere."
_LINES = {5: ("dot", 0.8), 50: ("solid", 1.6), 95: ("dot", 0.8)}  # dash and width of an attainment surface

_MANY = 60  # trials from which marks are small


def panel(report: ReportData) -> Panel | None:
    """One view for each objective after the primary one; with a single objective, its course over the trials."""
    if report.is_ablation:
        return None  # it chooses nothing
    if not report.complete:
        return Panel(
            title="Pareto front", order=20, lead=missing("No trial has finished with a value of every objective.")
        )
    views, floor = report.objectives[1:] or (None,), _floor(report)
    drawn = _surfaces(report)
    rule = (
        f" The recommended one is {preferred(report.ledger, report.objectives[0].metric)}."
        if report.recommended
        else ""
    )
    return Panel(
        title="Pareto front",
        order=20,
        reading=_READING + (_DRAWN if drawn else _MEASURED) + _SELECT + rule,
        lead=join([*_cautions(report), figures.key(*_roles(report), "selected")]),
        figures=tuple(
            _view(report, other, floor, lines) for other, lines in zip(views, drawn or [None] * len(views), strict=True)
        ),
        body=join([element("p", _volume(report)), _members(report)]),
    )


def _view(report: ReportData, other: Objective | None, floor: float | None, drawn: Surfaces | None) -> Figure:
    """The primary objective over `other`, or over the order of the trials; `floor` and what is `drawn` are lines."""
    primary = report.objectives[0]
    up = quantity(primary.metric)
    across = quantity(other.metric) if other else quantity("trial, in order of their start")
    horizontal = {
        trial.trial_id: trial.metrics[other.metric] if other else float(number)
        for number, trial in enumerate(report.complete)
    }
    plot = figures.blank(x=across.heading, y=up.heading, height=380)
    plot.update_yaxes(nticks=7)
    if figures.spans_decades(horizontal.values()) and other:
        plot.update_xaxes(type="log", title_text=f"{across.heading} (logarithmic)", nticks=6)
    if other and drawn:
        plot.add_traces(_attained(report, primary, other, drawn))
    elif other:
        plot.add_trace(_frontier(report, primary, other))
    groups = _groups(report)
    for trials, color, symbol, size in (
        (groups[0], figures.TRIAL, "circle", 7 if len(groups[0]) < _MANY else 5),
        (groups[1], figures.FRONT, "circle", 11),
        (groups[2], figures.CHOSEN, "star", 17),
    ):
        plot.add_trace(
            go.Scatter(
                x=figures.scaled((horizontal[trial.trial_id] for trial in trials), across),
                y=figures.scaled((trial.metrics[primary.metric] for trial in trials), up),
                mode="markers",
                marker={"color": color, "symbol": symbol, "size": size, "line": {"width": 1, "color": figures.PAPER}},
                customdata=[trial.trial_id for trial in trials],
                text=[_hover(report, trial) for trial in trials],
                hovertemplate="%{text}<extra></extra>",
            )
        )
    if floor is not None:
        figures.reference_line(plot, up.factor * floor, "one standard error below the best")
    plot.add_trace(figures.selection("markers"))
    best = max if primary.direction == "max" else min
    top = best(trial.metrics[primary.metric] for trial in report.complete)
    label = f"{up.name} over {across.name} of {counted(len(report.complete), 'trial')}; the best is {up.shown(top)}"
    return Figure(plot=plot, label=label)


def _groups(report: ReportData) -> tuple[list[Trial], list[Trial], list[Trial]]:
    """Trials beside the front, its members, and the recommended one."""
    members = {trial.trial_id for trial in report.front}
    chosen = report.recommended
    return (
        [trial for trial in report.complete if trial.trial_id not in members and trial is not chosen],
        [trial for trial in report.front if trial is not chosen],
        [trial for trial in report.complete if trial is chosen],
    )


def _roles(report: ReportData) -> list[str]:
    return [role for role, trials in zip(("trial", "front", "chosen"), _groups(report), strict=True) if trials]


def _frontier(report: ReportData, primary: Objective, other: Objective) -> go.Scatter:
    """The best primary value among the trials that are at least as good in `other`, as a staircase."""
    up, across = quantity(primary.metric), quantity(other.metric)
    rising = other.direction == "min"
    ordered = sorted(report.complete, key=lambda trial: trial.metrics[other.metric], reverse=not rising)
    better = max if primary.direction == "max" else min
    best, steps = ordered[0].metrics[primary.metric], []
    for trial in ordered:
        best = better(best, trial.metrics[primary.metric])
        steps.append((trial.metrics[other.metric], best))
    return go.Scatter(
        x=figures.scaled((step[0] for step in steps), across),
        y=figures.scaled((step[1] for step in steps), up),
        mode="lines",
        line={"color": figures.FRONT, "width": 1.2, "shape": "hv"},
        opacity=0.55,
        hoverinfo="skip",
    )


def _surfaces(report: ReportData) -> list[Surfaces]:
    """Of what is ever on a front in the draws; none while the study has not chosen among the trials that there are."""
    trials = [trial for trial in report.complete if report.front_probability(trial) > 0]
    rows = report.predictions(report.recommended) if report.recommended else None
    if rows is None or not report.selection_is_current or any(one.metric not in METRICS for one in report.objectives):
        return []
    return surfaces(report.ledger, trials, report.objectives, rows["clip_id"].nunique())


def _attained(report: ReportData, primary: Objective, other: Objective, drawn: Surfaces) -> list[go.Scatter]:
    """Staircases through the corners of each surface, up to the worst that was measured."""
    up, across = quantity(primary.metric), quantity(other.metric)
    worst = (max if other.direction == "min" else min)(trial.metrics[other.metric] for trial in report.complete)
    lines = []
    for level, corners in drawn.items():
        end = max(worst, corners[-1, 1]) if other.direction == "min" else min(worst, corners[-1, 1])
        dash, width = _LINES[level]
        lines.append(
            go.Scatter(
                x=figures.scaled([*corners[:, 1], end], across),
                y=figures.scaled([*corners[:, 0], corners[-1, 0]], up),
                mode="lines",
                line={"color": figures.FRONT, "width": width, "dash": dash, "shape": "hv"},
                name=f"reached in {level} % of the draws",
                hoverinfo="skip",
            )
        )
    return lines


def _floor(report: ReportData) -> float | None:
    """The accuracy that a trial needs to be recommended: one standard error below the best (`selection.choose`)."""
    rows = report.predictions(report.recommended) if report.recommended else None
    by = report.ledger.selection.get("prefer", "knee")
    if rows is None or report.objectives[0].metric != "accuracy" or by not in ("knee", "small"):
        return None
    best = max(trial.metrics["accuracy"] for trial in report.front)
    return pareto.one_standard_error_below(best, rows["clip_id"].nunique())


def _hover(report: ReportData, trial: Trial) -> str:
    lines = [f"<b>{escaped(trial.trial_id)}</b>"]
    for objective, value in zip(report.objectives, report.values(trial), strict=True):
        found = quantity(objective.metric)
        lines.append(f"{escaped(found.name)} {found.shown(value)}")
    return "<br>".join(
        [*lines, *(f"{escaped(key)} {escaped(setting(trial.parameters[key]))}" for key in trial.parameters)]
    )


def _volume(report: ReportData) -> str:
    """The hypervolume as a share of the box between the worst point and the ideal one."""
    directions = [objective.direction for objective in report.objectives]
    values = [report.values(trial) for trial in report.complete]
    reference = pareto.reference_point(values, directions)
    pick = {"max": max, "min": min}
    ideal = [pick[direction](column) for direction, column in zip(directions, zip(*values, strict=True), strict=True)]
    box = math.prod(abs(best - worst) for best, worst in zip(ideal, reference, strict=True))
    share = pareto.hypervolume(values, directions, reference) / box
    corner = ", ".join(
        f"{quantity(objective.metric).name} {quantity(objective.metric).shown(worst)}"
        for objective, worst in zip(report.objectives, reference, strict=True)
    )
    return (
        f"Hypervolume: the front fills {percent(share)} of the box between the best values found and the reference "
        f"point ({corner}), which lies a tenth of each range beyond the worst."
    )


def _members(report: ReportData) -> Html:
    likely = any(report.front_probability(trial) >= 0 for trial in report.members)
    headings = ["trial", *([quantity("front_probability").heading] * likely)]
    headings += [*(quantity(objective.metric).heading for objective in report.objectives), "configuration"]
    rows = [
        [
            Cell(shown=element("button", trial.trial_id, type="button", data_trial=trial.trial_id)),
            *(
                [Cell(shown=quantity("front_probability").number(report.front_probability(trial)), numeric=True)]
                * likely
            ),
            *(
                Cell(shown=quantity(objective.metric).number(value), numeric=True)
                for objective, value in zip(report.objectives, report.values(trial), strict=True)
            ),
            Cell(shown=settings(trial.parameters), class_="words"),
        ]
        for trial in report.members
    ]
    marks = [
        "chosen" if trial is report.recommended else "front" if trial in report.front else ""
        for trial in report.members
    ]
    beside = len(report.members) - len(report.front)
    title = f"The {counted(len(report.front), 'member')} of the front" + (
        f", and {beside} that may be" if beside else ""
    )
    return table(title, headings, rows, marks=marks)


def _cautions(report: ReportData) -> list[Html]:
    found = []
    devices = sorted({report.devices.get(trial.trial_id, "") or "an unnamed device" for trial in report.front})
    if len(devices) > 1 and any(METRICS[one.metric].by_device for one in report.objectives if one.metric in METRICS):
        found.append(
            caution(f"This front mixes devices ({', '.join(devices)}): times compare only on one kind of device.")
        )
    finished = report.ledger.finished("search")
    if len(finished) > len(report.complete):
        left_out = counted(len(finished) - len(report.complete), "finished trial")
        found.append(caution(f"{left_out} left out: an objective is missing or not a number."))
    return found
