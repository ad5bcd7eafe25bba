"""Tables of an ablation: each variant's own results, the differences to the reference, the published figures."""

from __future__ import annotations

from collections.abc import Sequence

from trainables.core.training.metrics import METRICS, measured_at
from tuning.evidence.ablation import published_of, runs_of
from tuning.records.ledger import Ledger
from tuning.statistics.comparison import Comparison
from tuning.statistics.differences import Difference
from tuning.statistics.intervals import Interval
from tuning.statistics.pairing import MEASURED, NotComparable, Run, measured_of
from tuning.text.ablation_numbers import Figures, further, listed_rows, means, metrics_quoted, records, rows
from tuning.text.quantities import quantity
from tuning.text.sheets import Document, Sheet
from tuning.text.tables import LEAKY, titled

_OWN = MEASURED[:4]  # which is what fits into 80 columns


def compared(comparison: Comparison) -> Document:
    """The tables of a comparison, and what follows from them in words.

    A factorial's effects have tables of their own. Its records are of the kinds `comparison` (one, the first), `variant`,
    `effect`, `interaction`, `excluded` and `note`.
    """
    ours = {
        one.variant: {metric: found.mean for metric in MEASURED if (found := getattr(one, metric))}
        | {metric: found.mean for metric, found in one.further.items()}
        for one in comparison.variants
    }
    quoted = {one.variant: one.published for one in comparison.variants}
    sheets = [_results(comparison, ours)]
    if found := differences_by_name(comparison):
        sheets += _of_variants(comparison, found)
    if comparison.effects:
        sheets += _of_effects(comparison)
    return Document(
        sheets=[*sheets, *_published(ours, quoted, leaky=comparison.leaky)],
        summary=_summary(comparison, found),
        numbers=rows(comparison),
        records=records(comparison),
    )


def listed_of(ledger: Ledger, reason: NotComparable) -> Document:
    """The variants of an ablation that cannot be compared for that `reason`, as `listed` has them."""
    return listed(runs_of(ledger), published_of(ledger), str(reason), leaky=ledger.leaky)


def listed(runs: Sequence[Run], published: Figures, reason: str, *, leaky: bool = False) -> Document:
    """The variants of `runs` side by side where they cannot be compared, for the `reason` given: means over the runs.

    A variant with failed runs says how many finished. Its records are of the kinds `listed`, one a variant, and `note`, which
    is the reason.
    """
    ours, numbers = means(runs), listed_rows(runs, published, leaky=leaky)
    own = [*_OWN, *measured_of(runs)[len(MEASURED) :]]
    sheet = Sheet(
        title=titled("Means over the runs, not compared", leaky),
        headings=["variant", "runs", *(_heading(metric) for metric in own)],
        rows=[
            [str(row["name"]), f"{row['num_finished']} of {row['num_runs']}"]
            + [_number(ours[row["name"]].get(metric), metric) for metric in own]
            for row in numbers
            if row["name"]
        ],
    )
    summary = [reason, *([LEAKY] if leaky else []), *_about_published(metrics_quoted(published.values()))]
    plain = [{key: None if value == "" else value for key, value in row.items()} for row in numbers if row["name"]]
    return Document(
        sheets=[sheet, *_published(ours, published, leaky=leaky)],
        summary=summary,
        numbers=numbers,
        records=[*({"kind": "listed"} | row for row in plain), {"kind": "note", "note": reason}],
    )


def differences_by_name(comparison: Comparison) -> list[tuple[str, Difference]]:
    """The variants but the reference, which is what they are compared with."""
    return [(one.variant, one.difference) for one in comparison.variants if one.difference]


def _results(comparison: Comparison, ours: Figures) -> Sheet:
    counts = [(comparison.num_folds, "folds"), (comparison.num_seeds, "seeds")]
    if comparison.num_people:
        counts += [(comparison.num_people, "people"), (comparison.num_clips, "clips")]
    sizes = ", ".join(f"{count} {unit[:-1] if count == 1 and unit != 'people' else unit}" for count, unit in counts)
    confidence, more = f"{100 * comparison.confidence:g} %", further(comparison)
    return Sheet(
        title=titled(
            f"Ablation against {comparison.reference} ({sizes}; ± half a {confidence} interval, or its limits)",
            comparison.leaky,
        ),
        headings=["variant", *(_heading(metric) for metric in [*_OWN, *more])],
        rows=[
            [one.variant]
            + [_with_error(getattr(one, metric), metric) for metric in _OWN[:3]]
            + [_number(ours[one.variant]["param_count"], "param_count")]
            + [_with_error(one.further[metric], metric) if metric in one.further else "" for metric in more]
            for one in comparison.variants
        ],
    )


def _of_variants(comparison: Comparison, found: Sequence[tuple[str, Difference]]) -> list[Sheet]:
    title = f"Difference in accuracy to {comparison.reference}, points ({_each(comparison)})"
    beside = f"Probabilities of these, not adjusted, and other differences to {comparison.reference}"
    shares = f"better / within {100 * comparison.rope:g}\n/ worse, %"
    return [
        _of_accuracy(found, ["variant", "difference"], titled(title, comparison.leaky)),
        _beside_accuracy(found, ["variant", shares], titled(beside, comparison.leaky)),
    ]


def _of_effects(comparison: Comparison) -> list[Sheet]:
    found = list(comparison.effects.items())
    halved = "; interactions halved" * any(one.kind == "interaction" for _, one in found)
    title = f"Effects of components on accuracy, points ({_each(comparison)}{halved})"
    beside = "Probabilities of these effects, not adjusted, and effects on UAR and time"
    shares = f"above / within {100 * comparison.rope:g}\n/ below, %"
    return [
        _of_accuracy(found, ["component", "effect"], titled(title, comparison.leaky)),
        _beside_accuracy(found, ["component", shares], titled(beside, comparison.leaky)),
    ]


def _each(comparison: Comparison) -> str:
    return f"{100 * comparison.confidence:g} % intervals, not adjusted"


def _of_accuracy(found: Sequence[tuple[str, Difference]], headings: Sequence[str], title: str) -> Sheet:
    """Our interval, and those that people know beside it."""
    methods = sorted({one.interval.method for _, one in found}, reverse=True)  # people and seeds, folds
    resampled = any(one.bootstrap for _, one in found)
    body = []
    for name, one in found:
        mark = " *" if one.interval.method != methods[0] else ""
        row = [name, f"{_points(one.interval)}{mark}", _limits(one.nadeau_bengio)]
        row += [_limits(one.bootstrap) if one.bootstrap else ""] if resampled else []
        body.append([*row, "< 0.001" if one.p_adjusted < 0.001 else f"{one.p_adjusted:.3f}"])
    first, second = headings
    headings = [first, f"{second}\n({'; * '.join(methods)})", "Nadeau-Bengio", *(["bootstrap"] if resampled else [])]
    return Sheet(title=title, headings=[*headings, "p (Holm)"], rows=body)


def _beside_accuracy(found: Sequence[tuple[str, Difference]], headings: Sequence[str], title: str) -> Sheet:
    return Sheet(
        title=title,
        headings=[*headings, "UAR, points", _heading("train_time_s")],
        rows=[
            [
                name,
                " / ".join(f"{100 * share:.0f}" for share in (one.better, one.equivalent, one.worse)),
                _points(one.uar),
                _points(one.train_time_s, factor=1),
            ]
            for name, one in found
        ],
    )


def _published(ours: Figures, published: Figures, *, leaky: bool) -> list[Sheet]:
    """Ours beside what the source states, for the variants and the quantities that it states; no sheet where none is."""
    quoted = {name: published[name] for name in ours if published.get(name)}
    stated = metrics_quoted(quoted.values())
    metrics = sorted(stated, key=[*METRICS, *stated].index)
    title = titled("Beside the published figures", leaky)
    return [_quoted(title, ours, quoted, metrics[first : first + 3]) for first in range(0, len(metrics), 3)]


def _quoted(title: str, ours: Figures, quoted: Figures, metrics: Sequence[str]) -> Sheet:
    """No more than three quantities, which is what fits into 80 columns.

    What a published time measures is not known, so none of ours stands beside it.
    """
    headings, columns = ["variant"], []
    measured = {*MEASURED, *(metric for figures in ours.values() for metric in figures)}
    for metric in metrics:
        heading = _heading(metric)
        if metric in measured:
            headings.append(heading)
            columns.append((ours, metric, False))
        headings.append(heading if metric in measured_at("source") else f"published\n{heading}")
        columns.append((quoted, metric, True))
    rows = [
        [name, *(_number(of[name].get(metric), metric, stated=stated) for of, metric, stated in columns)]
        for name, figures in quoted.items()
        if any(metric in figures for metric in metrics)
    ]
    return Sheet(title=title, headings=headings, rows=rows)


def _summary(comparison: Comparison, found: Sequence[tuple[str, Difference]]) -> list[str]:
    """What follows from the numbers, one finding a line: each variant and effect, what is left out, what to know."""
    lines = [LEAKY] if comparison.leaky else []
    stated = metrics_quoted(one.published for one in comparison.variants)
    named = [*found, *((f"effect: {name}", one) for name, one in comparison.effects.items())]
    lines += [f"{name}: {one.words}; power {one.power:.2f} for {100 * one.effect:.1f} points." for name, one in named]
    if found:
        lines += [
            "The verdicts are adjusted for all comparisons together (Holm), differences and equivalences as a family each. "
            "Intervals and probabilities are not adjusted, so an interval may exclude 0 where no difference is significant.",
            "The power is that of Holm's first step, for "
            + ("the published difference or, where there is none, 2 points." if "accuracy" in stated else "2 points."),
            "Differences in UAR and time have folds as units and are not adjusted.",
            "Our interval counts people, seeds and training sets. Beside it: Nadeau and Bengio's interval, and the BCa "
            "bootstrap over people.",
        ]
    if comparison.effects:
        lines.append(
            "The effect of a component is the mean with it less the mean without it, over all settings of the others. An "
            "interaction of two is half the change that one makes in the effect of the other."
        )
    lines += _about_published(stated)
    return [*lines, *comparison.excluded.values(), *comparison.notes]


def _about_published(metrics: Sequence[str]) -> list[str]:
    lines = ["Published figures are quoted from the source, measured on its own runs."] if metrics else []
    if "published_time_s" in metrics:
        lines.append("The source does not say what its times measure, so no time of ours stands beside them.")
    return lines


def _number(value: float | None, metric: str, *, stated: bool = False) -> str:
    if value is None:
        return ""
    shown = quantity(metric)
    decimals = 1 if shown.decimals is None else shown.decimals
    if stated and shown.unit == "%":
        decimals += 1  # which is what sources print
    return f"{shown.factor * value:.{decimals}f}"


def _heading(metric: str) -> str:
    """Name and unit, on two lines where one would be wide."""
    heading = quantity(metric).heading
    return heading if len(heading) < 14 else heading.replace(" ", "\n", 1)


def _with_error(interval: Interval, metric: str) -> str:
    """The mean with half its interval, with both limits where these are not as far, with nothing where it shows no error."""
    mean, above = _number(interval.mean, metric), _number(interval.high - interval.mean, metric)
    if interval.low == interval.high:
        return mean
    if above == _number(interval.mean - interval.low, metric):
        return f"{mean} ± {above}"
    return f"{mean} [{_number(interval.low, metric)}, {_number(interval.high, metric)}]"


def _points(interval: Interval, factor: int = 100) -> str:
    return f"{factor * interval.mean:+.1f} [{_limits(interval, factor)}]"


def _limits(interval: Interval, factor: int = 100) -> str:
    if interval.low == interval.high:
        return "no spread"
    return f"{factor * interval.low:+.1f}, {factor * interval.high:+.1f}"
