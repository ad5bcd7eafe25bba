"""What the figures have in common: colours by role, and the trace that shows a selected trial.

A colour is the name of a CSS variable of `report.css`; the page puts the colour of the reader's theme in its place.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import plotly.graph_objects as go

from dashboards.core.html import Html, element, escaped
from tuning.text.quantities import Quantity

INK, MUTED, RULE, PAPER = "var(--ink)", "var(--muted)", "var(--rule)", "var(--paper)"
TRIAL, FRONT, CHOSEN, CONTROL, FAILED = (
    "var(--trial)",
    "var(--front)",
    "var(--chosen)",
    "var(--control)",
    "var(--failed)",
)
RAMP = tuple(f"var(--ramp-{step})" for step in range(7))  # from the worst to the best value
LOG_FROM = 15  # a ratio of largest to smallest value from which an axis is logarithmic

_KEYS = {
    "trial": "a trial",
    "front": "a member of the Pareto front",
    "chosen": "the recommended one",
    "control": "a control",
    "failed": "a failed trial",
    "search": "accuracy in the search",
    "selected": "the selected trial",
}


def blank(*, height: int = 360, x: str = "", y: str = "", **layout: Any) -> go.Figure:
    """An empty figure; `x` and `y` are the titles of its axes, the latter written level above its axis."""
    axis = {
        "showline": False,
        "zeroline": False,
        "gridcolor": RULE,
        "gridwidth": 1,
        "ticks": "",
        "tickfont": {"color": MUTED, "size": 12},
        "title": {"font": {"color": INK, "size": 13}, "standoff": 12},
        "automargin": True,
    }
    figure = go.Figure(
        layout={
            "template": "none",
            "height": height,
            "font": {"family": "var(--sans)", "size": 13, "color": INK},
            "paper_bgcolor": "rgba(0,0,0,0)",
            "plot_bgcolor": "rgba(0,0,0,0)",
            "margin": {"l": 8, "r": 12, "t": 34, "b": 8, "pad": 6},
            "hoverlabel": {"bgcolor": PAPER, "bordercolor": MUTED, "font": {"color": INK, "size": 13}, "align": "left"},
            "hovermode": "closest",
            "modebar": {"bgcolor": "rgba(0,0,0,0)", "color": MUTED, "activecolor": INK},
            "showlegend": False,
            "xaxis": axis,
            "yaxis": axis,
        }
    )
    figure.update_layout(layout)
    figure.update_xaxes(title_text=x)
    if y:
        note(figure, y, x=0, y=1, xref="paper", yref="paper", xanchor="left", yanchor="bottom", yshift=10)
    return figure


def note(figure: go.Figure, text: str, *, color: str = INK, size: int = 13, **position: Any) -> None:
    """A few words at a place in the figure."""
    figure.add_annotation(text=text, showarrow=False, font={"color": color, "size": size}, **position)


def reference_line(figure: go.Figure, value: float, label: str, *, vertical: bool = False) -> None:
    """A dotted line at `value` of the y axis (or the x axis), with its `label` beside it."""
    line = {"color": MUTED, "width": 1.2, "dash": "dot"}
    if vertical:
        figure.add_vline(x=value, line=line)
        note(figure, label, color=MUTED, size=12, x=value, y=1, yref="paper", yanchor="bottom", xanchor="left")
    else:
        figure.add_hline(y=value, line=line)
        note(figure, label, color=MUTED, size=12, y=value, x=0, xref="paper", xanchor="left", yanchor="bottom")


def name_rows(figure: go.Figure, names: Sequence[str]) -> None:
    """Put `names` from top to bottom beside the y axis, at 0, 1, 2, ...

    Positions by number: a name could be given twice, and plotly reads some names as numbers or dates.
    """
    figure.update_yaxes(
        tickvals=list(range(len(names))),
        ticktext=[escaped(name) for name in names],
        range=[len(names) - 0.4, -0.6],
        gridcolor="rgba(0,0,0,0)",
        tickfont={"color": INK, "size": 13},
    )


def scaled(values: Iterable[float], quantity: Quantity) -> list[float]:
    """`values` in the unit that is shown, short enough for a page."""
    return [float(f"{value * quantity.factor:.6g}") for value in values]


def spans_decades(values: Iterable[float]) -> bool:
    """Whether the values are all positive and so far apart that a logarithmic axis shows them better."""
    found = list(values)
    return bool(found) and min(found) > 0 and max(found) > LOG_FROM * min(found)


def selection(mode: str) -> go.Scatter:
    """The last trace of a figure that shows single trials: the page fills it with the one that is selected.

    It is filled from the points whose `customdata` is the id of that trial.
    """
    return go.Scatter(
        x=[],
        y=[],
        mode=mode,
        hoverinfo="skip",
        meta="selection",
        line={"color": "var(--selected)", "width": 3},
        marker={
            "symbol": "circle-open",
            "size": 17 if mode == "markers" else 7,
            "color": "var(--selected)",
            "line": {"width": 2.5, "color": "var(--selected)"},
        },
    )


def key(*roles: str) -> Html:
    """What the marks of a panel's figures mean."""
    return element("ul", *(element("li", _KEYS[role], class_=f"key-{role}") for role in roles), class_="key")
