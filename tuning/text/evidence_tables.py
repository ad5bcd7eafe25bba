"""What `confirm` prints: the evidence on the holdout, or the result of nested cross-validation."""

from __future__ import annotations

import dataclasses
import json
import sys
from collections.abc import Sequence

from rich import box
from rich.table import Table

from tuning.evidence.holdout import Evidence, describe_tested
from tuning.evidence.nested_cross_validation import NestedResult
from tuning.records.ledger import Ledger, first_error
from tuning.text.quantities import by_seed, limits, percent, points
from tuning.text.shown import Shown
from tuning.text.tables import LEAKY, titled


def show_confirmed(ledger: Ledger, found: Sequence[Evidence], shown: Shown) -> bool:
    """Show `found`, and on standard error what failed; tells whether there is any evidence."""
    confirmed = ledger.of_phase("confirm")
    failed = sum(bool(trial.error) for trial in confirmed)
    if failed:
        none = "" if found else " No confirmation finished, so there is no evidence."
        print(f"{failed} of {len(confirmed)} confirmations failed.{none}{first_error(confirmed)}", file=sys.stderr)
    elif not found:
        print("No confirmation finished, so there is no evidence; the same command goes on.", file=sys.stderr)
    if shown.as_json:
        for row in found:
            print(json.dumps(dataclasses.asdict(row)))
    elif found:
        shown.console.print(evidence_table(found))
        if found[0].leaky:
            shown.listener.say(LEAKY)
    return bool(found)


def evidence_table(found: Sequence[Evidence]) -> Table:
    """What was confirmed on the holdout, and by how much the search had promised more (optimism)."""
    counts = {len(row.seeds) for row in found}
    seeds = f", {counts.pop()} fresh seeds" if len(counts) == 1 else ""
    title = titled(f"Confirmed on the holdout ({found[0].tested_on}{seeds})", found[0].leaky)
    table = Table(
        box=box.SIMPLE_HEAD,
        title=title,
        title_justify="left",
        caption=f"Intervals {found[0].interval_over}.",
        caption_justify="left",
    )
    for heading in ("trial", "variant"):
        table.add_column(heading, no_wrap=True)
    for heading in ("accuracy", "95 % interval", "by seed", "in the search", "optimism, points", "majority baseline"):
        table.add_column(heading, justify="right", no_wrap=True)
    if not seeds:
        table.add_column("fresh seeds", justify="right", no_wrap=True)
    for row in found:
        table.add_row(
            row.trial_id,
            row.variant or "as searched",
            percent(row.accuracy.mean),
            limits(row.accuracy),
            by_seed(row.by_seed).removeprefix("by seed "),
            percent(row.search_accuracy) if row.search_accuracy is not None else "",
            points(row.optimism) if row.optimism else "",
            percent(row.majority),
            *([] if seeds else [str(len(row.seeds))]),
        )
    return table


def nested_summary(found: NestedResult) -> list[str]:
    """One line for each finding, and what they may not be taken for."""
    accuracy, optimism = found.accuracy, found.optimism
    lines = [
        f"Accuracy of what the search chooses: {percent(accuracy.mean)} ({percent(accuracy.low)} to {percent(accuracy.high)} "
        f"with {percent(accuracy.confidence, 0)} confidence), on clips that the search of their fold had not seen "
        f"({describe_tested(found.num_people, found.num_clips)}).",
        f"Nested cross-validation: {found.num_folds} folds, {found.num_searched} search trials in all, fresh seeds in each "
        f"fold: {found.num_seeds}.",
        f"Optimism: {100 * optimism.mean:+.1f} points ({100 * optimism.low:+.1f} to {100 * optimism.high:+.1f}), by which "
        "the searches had promised more.",
    ]
    if found.difference is not None:
        lines.append(
            f"Against {found.champion}, trained on the same folds with the same seeds: {found.difference.words}. The "
            "champion's configuration may have been chosen on some of these people, which can only flatter it."
        )
    lines.append(
        "This tests the search, not one configuration: each fold may choose another. The holdout was not read; `promote` "
        "tests on it."
    )
    return [*lines, *found.notes]


def show_nested(found: NestedResult, shown: Shown) -> None:
    """A row for each fold, then what follows; as data one object."""
    if shown.as_json:
        print(json.dumps(dataclasses.asdict(found)))
        return
    title = titled(f"Nested cross-validation of {found.study}: what the search of each fold chose", found.leaky)
    table = Table(box=box.SIMPLE_HEAD, title=title, title_justify="left")
    table.add_column("fold", justify="right")
    table.add_column("trial", no_wrap=True)
    keys = list(dict.fromkeys(key for row in found.chosen for key in row["parameters"]))
    for heading in (*keys, "on validation", "on test"):
        table.add_column(heading, justify="right")
    for row in found.chosen:
        tried = (f"{row['parameters'].get(key, '')}" for key in keys)
        shares = (percent(row["validation_accuracy"]), percent(row["test_accuracy"]))
        table.add_row(str(row["fold"]), row["trial_id"], *tried, *shares)
    shown.console.print(table)
    for line in [*nested_summary(found), *([LEAKY] if found.leaky else [])]:
        shown.listener.say(line)
