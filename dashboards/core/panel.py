"""What a panel of the report is.

`dashboards/<name>.py` defines `panel(report: ReportData) -> Panel | None`; `None` where it does not apply to a study.
"""

from __future__ import annotations

import dataclasses

import plotly.graph_objects as go

from dashboards.core.html import NOTHING, Html


@dataclasses.dataclass(frozen=True, kw_only=True)
class Figure:
    """A plotly figure in the colours of `dashboards.core.figures`, and what it shows for those who cannot see it.

    On a screen narrower than `min_width` px it is scrolled sideways instead of being squeezed.
    """

    plot: go.Figure
    label: str
    min_width: int = 0


@dataclasses.dataclass(frozen=True, kw_only=True)
class Panel:
    """One section of the page, in ascending `order`: a title, a sentence on how to read it, `lead`, figures, `body`."""

    title: str
    order: int
    reading: str = ""
    lead: Html = NOTHING
    figures: tuple[Figure, ...] = ()
    body: Html = NOTHING
