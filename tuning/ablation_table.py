"""The table of an ablation: for the terminal, and as CSV, Markdown or LaTeX for a paper."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import fmean

from rich import box
from rich.table import Table

from tuning.comparison import Comparison, Variant
from tuning.differences import Difference
from tuning.paired_runs import Run
from tuning.statistics import Interval

_LATEX = {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"} | {
    mark: f"\\{mark}" for mark in "&%$#_{}"
}


def terminal_table(comparison: Comparison) -> Table:
    """The table for a terminal; names are never wrapped. `sentences` belong below it."""
    table = Table(box=box.SIMPLE_HEAD, title=title(comparison), title_justify="left")
    headings, rows = _cells(comparison)
    for index, heading in enumerate(headings):
        table.add_column(heading, justify="right" if index else "left", no_wrap=True)
    for row in rows:
        table.add_row(*row)
    return table


def summary_table(runs: Sequence[Run], published: Mapping[str, float]) -> Table:
    """The variants of `runs` side by side where they cannot be compared: means over seeds and folds, as they are.

    `published` gives accuracies by variant as shares, quoted only. A variant with a failed run says how many finished.
    """
    table = Table(box=box.SIMPLE_HEAD, title="Means over the runs, not compared", title_justify="left")
    for heading in ("variant", "runs", "accuracy, %", "UAR, %", "train time, s", "parameters, M", "published, %"):
        table.add_column(heading, justify="left" if heading == "variant" else "right", no_wrap=True)
    for name in dict.fromkeys(run.variant for run in runs):
        asked = [run for run in runs if run.variant == name]
        done = [run for run in asked if math.isfinite(run.accuracy)]
        row = [name, f"{len(done)} of {len(asked)}"]
        if done:
            row += [f"{100 * fmean(run.accuracy for run in done):.1f}", f"{100 * fmean(run.uar for run in done):.1f}"]
            row += [f"{fmean(run.train_time_s for run in done):.1f}", f"{done[0].param_count / 1e6:.3f}"]
        else:
            row += [""] * 4
        table.add_row(*row, f"{100 * published[name]:.2f}" if name in published else "")
    return table


def write(comparison: Comparison, path: Path) -> None:
    """Write the table to `path`, in the format that its ending names.

    Raises `ValueError` for an ending other than .csv, .md and .tex.
    """
    formats: Mapping[str, Callable[[Comparison], str]] = {".csv": as_csv, ".md": as_markdown, ".tex": as_latex}
    if path.suffix not in formats:
        raise ValueError(f"{path} ends in {path.suffix or 'nothing'}; a table is written to {', '.join(formats)}.")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(formats[path.suffix](comparison), encoding="utf-8", newline="")


def as_csv(comparison: Comparison) -> str:
    """Every number there is, unrounded; accuracies and differences as shares, time in seconds."""
    rows = [_numbers(one.variant, "variant", one, one.difference) for one in comparison.variants]
    rows += [_numbers(name, "effect", None, difference) for name, difference in comparison.effects.items()]
    rows += [
        {**dict.fromkeys(rows[0], ""), "name": name, "is": "excluded", "words": words}
        for name, words in comparison.excluded.items()
    ]
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def as_markdown(comparison: Comparison) -> str:
    """A table with its title above and its sentences below."""
    headings, rows = _cells(comparison)
    lines = [title(comparison), "", _piped(headings), "|---|" + "---:|" * (len(headings) - 1)]
    lines += [_piped(row) for row in rows]
    return "\n".join([*lines, "", *(f"- {sentence}" for sentence in sentences(comparison))]) + "\n"


def as_latex(comparison: Comparison) -> str:
    """A `table` that needs the package booktabs; title and sentences are its caption."""
    headings, rows = _cells(comparison)
    caption = " ".join([f"{title(comparison)}.", *sentences(comparison)])
    lines = [
        r"\begin{table}",
        r"\centering",
        rf"\caption{{{_escaped(caption)}}}",
        rf"\begin{{tabular}}{{l{'r' * (len(headings) - 1)}}}",
        r"\toprule",
        *[" & ".join(map(_escaped, row)) + r" \\" for row in [headings]],
        r"\midrule",
        *[" & ".join(map(_escaped, row)) + r" \\" for row in rows],
        r"\bottomrule",
        r"\end{tabular}",
        r"\end{table}",
    ]
    return "\n".join(lines) + "\n"


def title(comparison: Comparison) -> str:
    counts = [(comparison.num_folds, "folds"), (comparison.num_seeds, "seeds")]
    if comparison.num_people:
        counts += [(comparison.num_people, "people"), (comparison.num_clips, "clips")]
    listed = ", ".join(f"{count} {word[:-1] if count == 1 and word != 'people' else word}" for count, word in counts)
    return f"Ablation against {comparison.reference} ({listed}; {100 * comparison.confidence:g} % intervals)"


def sentences(comparison: Comparison) -> list[str]:
    """What follows from the numbers, one sentence a line: each variant and effect, what is left out, what to know."""
    found = [(one.variant, one.difference) for one in comparison.variants] + list(comparison.effects.items())
    lines = [
        f"{name}: {difference.words}; power {difference.power:.2f} for {100 * difference.effect:.1f} points."
        for name, difference in found
        if difference
    ]
    if any(one.published is not None for one in comparison.variants):
        lines.append("Published accuracies are quoted from the source, measured on its own runs.")
    return [*lines, *comparison.excluded.values(), *comparison.notes]


def _cells(comparison: Comparison) -> tuple[list[str], list[list[str]]]:
    """Headings and rows as a person reads them; differences in points of accuracy."""
    quoted = any(one.published is not None for one in comparison.variants)
    rope = f"{100 * comparison.rope:g}"
    headings = ["variant", "accuracy, %", "UAR, %", "train time, s", "parameters, M"]
    headings += ["published, %"] if quoted else []
    headings += ["difference, points", "p (Holm)", f"better / within {rope} / worse, %"]
    rows = []
    for one in comparison.variants:
        row = [one.variant, _percent(one.accuracy), _percent(one.uar), _seconds(one.train_time_s)]
        row.append(f"{one.param_count.mean / 1e6:.3f}")
        if quoted:
            row.append("" if one.published is None else f"{100 * one.published:.2f}")
        rows.append([*row, *_difference_cells(one.difference)])
    blank = [""] * (len(headings) - 4)
    rows += [[f"effect: {name}", *blank, *_difference_cells(one)] for name, one in comparison.effects.items()]
    return headings, rows


def _difference_cells(difference: Difference | None) -> list[str]:
    if difference is None:
        return ["reference", "", ""]
    interval = difference.interval
    p = "< 0.001" if difference.p_adjusted < 0.001 else f"{difference.p_adjusted:.3f}"
    shares = " / ".join(f"{100 * share:.0f}" for share in (difference.better, difference.equivalent, difference.worse))
    return [f"{100 * interval.mean:+.1f} ({100 * interval.low:+.1f} to {100 * interval.high:+.1f})", p, shares]


def _percent(interval: Interval) -> str:
    low, high = max(interval.low, 0.0), min(interval.high, 1.0)
    return f"{100 * interval.mean:.1f} ({100 * low:.1f} to {100 * high:.1f})"


def _seconds(interval: Interval) -> str:
    return f"{interval.mean:.1f} ({max(interval.low, 0.0):.1f} to {interval.high:.1f})"


def _numbers(name: str, kind: str, variant: Variant | None, difference: Difference | None) -> dict[str, object]:
    row: dict[str, object] = {"name": name, "is": kind}
    for metric in ("accuracy", "uar", "train_time_s", "param_count"):
        row |= _limits(metric, getattr(variant, metric) if variant else None)
    row["published_accuracy"] = "" if variant is None or variant.published is None else variant.published
    row |= _limits("difference", difference.interval if difference else None)
    row["method"] = difference.interval.method if difference else ""
    row |= _limits("nadeau_bengio", difference.nadeau_bengio if difference else None)
    row |= _limits("bootstrap", difference.bootstrap if difference else None)
    for key in ("p_value", "p_adjusted", "better", "equivalent", "worse", "detectable", "effect", "power", "words"):
        row[key] = getattr(difference, key) if difference else ""
    return row


def _limits(name: str, interval: Interval | None) -> dict[str, object]:
    values = (interval.mean, interval.low, interval.high) if interval else ("", "", "")
    return dict(zip((name, f"{name}_low", f"{name}_high"), values, strict=True))


def _piped(cells: list[str]) -> str:
    return "| " + " | ".join(cell.replace("|", r"\|") for cell in cells) + " |"


def _escaped(text: str) -> str:
    return "".join(_LATEX.get(mark, mark) for mark in text)
