"""HTML that escapes by default: a string that enters an element is text unless it is `Html` already."""

from __future__ import annotations

import dataclasses
import html
import re
from collections.abc import Iterable, Sequence

from tuning.statistics.intervals import Interval
from tuning.text import quantities

_VOID = ("br", "input", "link", "meta")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


class Html(str):
    """Markup that is safe as it stands."""

    __slots__ = ()


NOTHING = Html("")


def escaped(text: object) -> str:
    """`text` without markup, control characters and lone surrogates; for HTML and for plotly, whose text is markup too."""
    readable = _CONTROL.sub("\ufffd", str(text)).encode("utf-8", "replace").decode("utf-8")
    return html.escape(readable)


def percent(share: float, decimals: int = 1) -> str:
    """A share as a percentage that no line break parts."""
    return quantities.percent(share, decimals).replace(" ", "\u202f")


def limits(found: Interval) -> str:
    """The limits of a share's interval, their unit on the line of the upper one."""
    return quantities.limits(found).replace(" %", "\u202f%")


def element(tag: str, *children: object, **attributes: object) -> Html:
    """An element; `class_` and `data_trial` become `class` and `data-trial`.

    An attribute that is None is left out, and one that is True has no value.
    """
    written = "".join(_attribute(name, value) for name, value in attributes.items() if value is not None)
    if tag in _VOID:
        return Html(f"<{tag}{written}>")
    return Html(f"<{tag}{written}>{join(children)}</{tag}>")


def join(children: Iterable[object], separator: str = "") -> Html:
    """Children one after the other, those that are no `Html` escaped."""
    safe = (child if isinstance(child, Html) else escaped(child) for child in children)
    return Html(escaped(separator).join(safe))


@dataclasses.dataclass(frozen=True, kw_only=True)
class Cell:
    """A cell of a table. `sort` is what it is sorted by where that is not its text; a NaN comes last."""

    shown: object
    sort: float | str | None = None
    numeric: bool = False
    class_: str = ""
    style: str | None = None


def table(
    caption: str,
    headings: Sequence[str],
    rows: Sequence[Sequence[Cell]],
    *,
    marks: Sequence[str] | None = None,
    sortable: bool = False,
) -> Html:
    """A table whose first column heads its rows; `marks` are the rows' classes. It scrolls inside its own frame."""
    numeric = [any(row[column].numeric for row in rows) for column in range(len(headings))]
    head = [
        element(
            "th", element("button", heading, type="button") if sortable else heading, scope="col", class_=_side(right)
        )
        for heading, right in zip(headings, numeric, strict=True)
    ]
    body = [
        element("tr", *(_cell(cell, first=column == 0) for column, cell in enumerate(row)), class_=mark or None)
        for row, mark in zip(rows, marks or [""] * len(rows), strict=True)
    ]
    whole = element(
        "table",
        element("caption", caption),
        element("thead", element("tr", *head)),
        element("tbody", *body),
        class_="sortable" if sortable else None,
    )
    return element("div", whole, class_="scroll", role="region", aria_label=caption, tabindex=0)


def facts(pairs: Iterable[tuple[object, object]], *, class_: str = "facts") -> Html:
    """Names and what they stand for: `facts` below each other, `numbers` large and side by side."""
    rows = (element("div", element("dt", name), element("dd", value)) for name, value in pairs)
    return element("dl", *rows, class_=class_)


def missing(message: object) -> Html:
    """What there is nothing to show of, and why."""
    return element("p", message, class_="missing")


def caution(message: object) -> Html:
    """What a reader must know before believing a panel."""
    return element("p", message, class_="caution")


def _cell(cell: Cell, *, first: bool) -> Html:
    sort = None
    if cell.sort is not None:
        sort = "" if cell.sort != cell.sort else cell.sort  # a NaN differs from itself
    tag, scope = ("th", "row") if first else ("td", None)
    class_ = cell.class_ or _side(cell.numeric)
    return element(tag, cell.shown, scope=scope, class_=class_, data_sort=sort, style=cell.style)


def _side(right: bool) -> str | None:
    return "number" if right else None


def _attribute(name: str, value: object) -> str:
    name = name.rstrip("_").replace("_", "-")
    return f" {name}" if value is True else f' {name}="{escaped(value)}"'
