"""An ablation's numbers for programs: unrounded, accuracies and differences as shares, time in seconds, weights in MiB."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Mapping, Sequence
from statistics import fmean
from typing import Any

from tuning.statistics.comparison import Comparison, Variant
from tuning.statistics.differences import Difference
from tuning.statistics.intervals import Interval
from tuning.statistics.pairing import MEASURED, Run, measured_of

Figures = Mapping[str, Mapping[str, float]]  # by variant and metric

_NUMBERS = ("p_value", "p_adjusted", "better", "equivalent", "worse", "p_equivalence", "detectable", "effect", "power")


def rows(comparison: Comparison) -> list[dict[str, object]]:
    """A CSV row for each variant, effect, interaction and whatever is excluded; empty where there is no number.

    What is the same in every fold has no limits: it has shown no error, which does not mean that there is none.
    """
    metrics = metrics_quoted(one.published for one in comparison.variants)
    more = further(comparison)
    found = [_row(one.variant, "variant", one, one.difference, more, metrics) for one in comparison.variants]
    found += [_row(name, one.kind, None, one, more, metrics) for name, one in comparison.effects.items()]
    blank = dict.fromkeys(found[0], "")
    found += [blank | {"name": name, "is": "excluded", "words": why} for name, why in comparison.excluded.items()]
    return [row | {"leaky": comparison.leaky} for row in found]


def records(comparison: Comparison) -> list[dict[str, Any]]:
    """The same for `--json`: one of kind `comparison`, then `variant`, `effect`, `interaction`, `excluded` and `note`."""
    parts = {"variants", "effects", "excluded", "notes"}
    whole = {field.name for field in dataclasses.fields(comparison)} - parts
    return [
        {"kind": "comparison"} | {name: getattr(comparison, name) for name in sorted(whole)},
        *({"kind": "variant"} | _plain(one) for one in comparison.variants),
        *({"kind": one.kind, "name": name} | _plain(one) for name, one in comparison.effects.items()),
        *({"kind": "excluded", "name": name, "reason": why} for name, why in comparison.excluded.items()),
        *({"kind": "note", "note": note} for note in comparison.notes),
    ]


def means(runs: Sequence[Run]) -> dict[str, dict[str, float]]:
    """Of the finished runs of each variant, what all of them measured."""
    found = {}
    for name in dict.fromkeys(run.variant for run in runs):
        done = [run for run in runs if run.variant == name and math.isfinite(run.accuracy)]
        values = {metric: fmean(run.measured(metric) for run in done) for metric in measured_of(runs) if done}
        found[name] = {metric: value for metric, value in values.items() if math.isfinite(value)}
    return found


def listed_rows(runs: Sequence[Run], published: Figures, *, leaky: bool) -> list[dict[str, Any]]:
    """A row for each variant of runs that cannot be compared: how many finished, their means, what is published."""
    metrics = metrics_quoted(published.values())
    found = []
    for name, of in means(runs).items():
        asked = [run for run in runs if run.variant == name]
        counts = {
            "num_runs": len(asked),
            "num_finished": sum(math.isfinite(run.accuracy) for run in asked),
        }
        row = {"name": name, "is": "not compared", "leaky": leaky} | counts
        found.append(
            row
            | {metric: of.get(metric, "") for metric in measured_of(runs)}
            | _quoted(published.get(name, {}), metrics)
        )
    return found or [{"name": "", "is": "not compared", "leaky": leaky}]


def further(comparison: Comparison) -> list[str]:
    """What was measured of any variant beside `MEASURED`, in the order given."""
    return list(dict.fromkeys(metric for one in comparison.variants for metric in one.further))


def metrics_quoted(published: Iterable[Mapping[str, float]]) -> list[str]:
    """What is stated of any variant, in the order given."""
    return list(dict.fromkeys(metric for figures in published for metric in figures))


def _row(
    name: str,
    kind: str,
    variant: Variant | None,
    difference: Difference | None,
    further: Sequence[str],
    metrics: Sequence[str],
) -> dict[str, object]:
    row: dict[str, object] = {"name": name, "is": kind, "leaky": ""}
    for metric in MEASURED:
        row |= _limits(metric, getattr(variant, metric) if variant else None)
    for metric in further:
        row |= _limits(metric, variant.further.get(metric) if variant else None)
    row |= _quoted(variant.published if variant else {}, metrics)
    row |= _limits("difference", difference.interval if difference else None)
    row["method"] = difference.interval.method if difference else ""
    for key in ("nadeau_bengio", "bootstrap"):
        row |= _limits(key, getattr(difference, key) if difference else None)
    for key in ("uar", "train_time_s"):
        row |= _limits(f"{key}_difference", getattr(difference, key) if difference else None)
    return row | {key: getattr(difference, key) if difference else "" for key in (*_NUMBERS, "words")}


def _plain(one: Variant | Difference) -> dict[str, Any]:
    def values(fields: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(fields)
        return found | {"low": None, "high": None} if "low" in found and found["low"] == found["high"] else found

    found = dataclasses.asdict(one, dict_factory=values)
    return found | found.pop("further", {})


def _quoted(figures: Mapping[str, float], metrics: Sequence[str]) -> dict[str, object]:
    names = {metric: metric if metric.startswith("published_") else f"published_{metric}" for metric in metrics}
    return {"published_accuracy": ""} | {names[metric]: figures.get(metric, "") for metric in metrics}


def _limits(name: str, interval: Interval | None) -> dict[str, object]:
    values: tuple[object, ...] = (interval.mean, interval.low, interval.high) if interval else ("", "", "")
    if interval and interval.low == interval.high:
        values = (interval.mean, "", "")
    return dict(zip((name, f"{name}_low", f"{name}_high"), values, strict=True))
