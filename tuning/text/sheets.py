"""Formats of an ablation's tables: for the terminal, and as CSV, Markdown or LaTeX for a paper."""

from __future__ import annotations

import csv
import dataclasses
import io
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from rich import box
from rich.table import Table
from rich.text import Text

_LATEX = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "±": r"$\pm$",
    "<": "$<$",
} | {mark: f"\\{mark}" for mark in "&%$#_{}"}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Sheet:
    """One table as a person reads it; each of `rows` has a cell for each of `headings`, the first of which names it.

    A heading may be of several lines, for where room is scarce.
    """

    title: str
    headings: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Document:
    """All that is shown of an ablation (`tuning.text.ablation_document` makes it).

    `sheets` and the lines of `summary` below them are for people. `numbers` are the unrounded rows of a CSV, all with the same
    keys; `records` is what `--json` prints, one object a line, each with its `kind`.
    """

    sheets: Sequence[Sheet]
    summary: Sequence[str]
    numbers: Sequence[Mapping[str, object]]
    records: Sequence[Mapping[str, Any]]


def require_format(path: Path) -> None:
    """Raises `ValueError` for an ending other than .csv, .md and .tex."""
    if path.suffix not in _FORMATS:
        raise ValueError(f"{path} ends in {path.suffix or 'nothing'}; a table is written to {', '.join(_FORMATS)}.")


def write(document: Document, path: Path) -> None:
    """Write `document` to `path`, in the format that its ending names.

    Raises `ValueError` as `require_format` does.
    """
    require_format(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(_FORMATS[path.suffix](document), encoding="utf-8", newline="")


def terminal_tables(document: Document) -> list[Table]:
    """The sheets for a terminal: what is too wide is folded, never cut. The summary belongs below them."""
    tables = []
    for sheet in document.sheets:
        table = Table(
            box=box.SIMPLE_HEAD,
            show_edge=False,
            pad_edge=False,
            padding=(0, 1, 0, 0),
            title=Text(f"\n{sheet.title}"),
            title_justify="left",
        )
        for index, heading in enumerate(sheet.headings):
            table.add_column(Text(heading), justify="right" if index else "left", overflow="fold", vertical="top")
        for row in sheet.rows:
            table.add_row(*map(Text, row))  # a name may hold what would be markup
        tables.append(table)
    return tables


def as_csv(document: Document) -> str:
    """Every number there is, unrounded; accuracies and differences as shares, time in seconds."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(document.numbers[0]))
    writer.writeheader()
    writer.writerows(document.numbers)
    return text.getvalue()


def as_markdown(document: Document) -> str:
    """Each sheet with its title above, then the summary."""
    lines = []
    for sheet in document.sheets:
        lines += [sheet.title, "", _piped(sheet.headings), "|---|" + "---:|" * (len(sheet.headings) - 1)]
        lines += [*map(_piped, sheet.rows), ""]
    return "\n".join([*lines, *(f"- {line}" for line in document.summary)]) + "\n"


def as_latex(document: Document) -> str:
    """A `table` for each sheet, which needs the package booktabs; the summary is in the caption of the last."""
    lines = []
    for sheet in document.sheets:
        summary = document.summary if sheet is document.sheets[-1] else ()
        lines += [
            r"\begin{table}",
            r"\centering",
            rf"\caption{{{_escaped(' '.join([f'{sheet.title}.', *summary]))}}}",
            rf"\begin{{tabular}}{{l{'r' * (len(sheet.headings) - 1)}}}",
            r"\toprule",
            _ampersands(sheet.headings),
            r"\midrule",
            *map(_ampersands, sheet.rows),
            r"\bottomrule",
            r"\end{tabular}",
            r"\end{table}",
        ]
    return "\n".join(lines) + "\n"


def _piped(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", r"\|").replace("\n", " ") for cell in cells) + " |"


def _ampersands(cells: Sequence[str]) -> str:
    return " & ".join(_escaped(cell.replace("\n", " ")) for cell in cells) + r" \\"


def _escaped(text: str) -> str:
    return "".join(_LATEX.get(mark, mark) for mark in text)


_FORMATS: Mapping[str, Callable[[Document], str]] = {".csv": as_csv, ".md": as_markdown, ".tex": as_latex}
