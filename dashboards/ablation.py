"""Ablation: each variant against the reference, as a forest plot and tables."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import plotly.graph_objects as go

from dashboards.core import figures
from dashboards.core.data import ReportData
from dashboards.core.html import Cell, Html, element, escaped, join, missing, table
from dashboards.core.panel import Figure, Panel
from dashboards.recommendation import cautions
from trainables.core.wording import counted
from tuning.evidence.ablation import comparison_of
from tuning.statistics.comparison import Comparison
from tuning.statistics.differences import Difference
from tuning.statistics.pairing import NotComparable
from tuning.text.ablation_document import compared, differences_by_name, listed_of
from tuning.text.sheets import Sheet

Named = Sequence[tuple[str, Difference]]

_READING = (
    "Each variant was trained on the same folds with the same seeds as {reference}. The dot is its difference in accuracy. "
    "The bar is our interval, which counts people, seeds and training sets. The thin lines below are Nadeau and Bengio's "
    "interval (dashed) and the bootstrap over people (dotted). A filled dot is significant after Holm's adjustment for all "
    "differences; an open dot is not. Intervals are not adjusted, so that of an open dot may exclude 0. Between the faint "
    "lines a difference is too small to matter in practice."
)
_EFFECTS = (
    " The second figure has the effects. Of a component: the mean with it less the mean without it. Of an interaction: half "
    "the change that one component makes in the effect of the other."
)


def panel(report: ReportData) -> Panel | None:
    """The differences as dots and bars, what follows from them in words, then all tables; left out for a search."""
    if not report.is_ablation:
        return None
    title, order, warnings = "Ablation", 10, cautions(report)
    try:
        comparison = comparison_of(report.ledger)
    except NotComparable as reason:
        document = listed_of(report.ledger, reason)
        sheets = [sheet for sheet in document.sheets if sheet.rows]
        remarks = [missing(document.summary[0]), _listed(document.summary[1:])]
        return Panel(title=title, order=order, lead=join([*warnings, *remarks]), body=join(map(_table, sheets)))
    except OSError as error:
        remark = missing(f"The trainings cannot be compared, because a file cannot be read ({error})")
        return Panel(title=title, order=order, lead=join([*warnings, remark]))
    except ValueError as error:
        return Panel(title=title, order=order, lead=join([*warnings, missing(str(error))]))
    document = compared(comparison)
    return Panel(
        title=title,
        order=order,
        reading=_READING.format(reference=comparison.reference) + _EFFECTS * bool(comparison.effects),
        lead=join(warnings),
        figures=tuple(_forests(comparison)),
        body=join([_listed(document.summary), *map(_table, document.sheets)]),
    )


def _forests(comparison: Comparison) -> Iterable[Figure]:
    found, to = differences_by_name(comparison), comparison.reference
    plot = _forest(found, comparison.rope, f"difference in accuracy to {escaped(to)}, points", "no difference")
    yield _labelled(plot, found, f"{counted(len(found), 'difference')} to {to}")
    if effects := list(comparison.effects.items()):
        halved = " (interactions halved)" * any(one.kind == "interaction" for _, one in effects)
        plot = _forest(effects, comparison.rope, f"effect on accuracy, points{halved}", "no effect")
        yield _labelled(plot, effects, counted(len(effects), "effect"))


def _labelled(plot: go.Figure, found: Named, what: str) -> Figure:
    verdicts = "; ".join(f"{name} {one.words}" for name, one in found)
    return Figure(plot=plot, label=f"{what}: {verdicts}", min_width=520)


def _forest(found: Named, rope: float, across: str, zero: str) -> go.Figure:
    plot = figures.blank(x=across, height=110 + 52 * len(found))
    figures.name_rows(plot, [name for name, _ in found])
    for position, (_, one) in enumerate(found):
        _draw(plot, position, one)
    for limit in (-100 * rope, 100 * rope):
        plot.add_vline(x=limit, line={"color": figures.RULE, "width": 1.5})
    figures.reference_line(plot, 0, zero, vertical=True)
    return plot


def _draw(plot: go.Figure, position: int, one: Difference) -> None:
    """A dot and a bar, and below it the two intervals beside ours."""
    beside = [(0.22, one.nadeau_bengio, "dash"), (0.34, one.bootstrap, "dot")]
    for below, interval, dash in [(0.0, one.interval, "solid"), *beside]:
        if interval is None:
            continue
        low, high = 100 * interval.low, 100 * interval.high
        plot.add_trace(
            go.Scatter(
                x=[low, high],
                y=[position + below] * 2,
                mode="lines",
                line={
                    "color": figures.MUTED if below else figures.FRONT,
                    "width": 1.2 if below else 2.5,
                    "dash": dash,
                },
                hovertemplate=f"{escaped(interval.method)}: {low:+.1f} to {high:+.1f} points<extra></extra>",
            )
        )
    significant = one.p_adjusted <= 1 - one.interval.confidence
    plot.add_trace(
        go.Scatter(
            x=[100 * one.interval.mean],
            y=[position],
            mode="markers",
            marker={
                "symbol": "circle" if significant else "circle-open",
                "size": 11,
                "color": figures.FRONT,
                "line": {"width": 2},
            },
            hovertemplate=f"{escaped(one.words)}<extra></extra>",
        )
    )


def _table(sheet: Sheet) -> Html:
    rows = [[Cell(shown=cell, numeric=index > 0) for index, cell in enumerate(row)] for row in sheet.rows]
    return table(sheet.title, [heading.replace("\n", " ") for heading in sheet.headings], rows)


def _listed(lines: Sequence[str]) -> Html:
    return element("ul", *(element("li", line) for line in lines))
