"""What `confirm` prints: the evidence on the holdout, or what nested folds say of the search."""

from __future__ import annotations

import dataclasses
import json
import sys
from collections.abc import Sequence

from rich import box
from rich.console import Console
from rich.table import Table

from tuning.evidence.holdout import Evidence
from tuning.evidence.nested_cross_validation import Nested
from tuning.records.ledger import Ledger
from tuning.status import LEAKY, titled
from tuning.text.progress import interval, percent, points


def print_evidence(ledger: Ledger, found: Sequence[Evidence], console: Console, *, as_json: bool) -> bool:
    """Print `found`, and on standard error what failed; tells whether there is any evidence."""
    failed = [trial for trial in ledger.of_phase("confirm") if trial.error]
    if failed:
        none = "" if found else "No confirmation finished, so there is no evidence. "
        first = f"The first error: {failed[0].trial_id}: {failed[0].error}"
        print(f"{none}{len(failed)} of {len(ledger.of_phase('confirm'))} failed. {first}", file=sys.stderr)
    elif not found:
        print("No confirmation finished, so there is no evidence; the same command goes on.", file=sys.stderr)
    if as_json:
        for row in found:
            print(json.dumps(dataclasses.asdict(row)))
    elif found:
        console.print(evidence_table(found))
        if found[0].leaky:
            console.print(LEAKY, soft_wrap=True, highlight=False)
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
    for heading in ("accuracy", "95 % interval", "in the search", "optimism, points", "majority class"):
        table.add_column(heading, justify="right", no_wrap=True)
    if not seeds:
        table.add_column("fresh seeds", justify="right", no_wrap=True)
    for row in found:
        table.add_row(
            row.trial_id,
            row.variant or "as searched",
            percent(row.accuracy.mean),
            interval(row.accuracy),
            percent(row.search_accuracy) if row.search_accuracy is not None else "",
            points(row.optimism) if row.optimism else "",
            percent(row.majority),
            *([] if seeds else [str(len(row.seeds))]),
        )
    return table


def print_nested(found: Nested, console: Console, *, as_json: bool) -> None:
    """A row for each fold, then what follows; as data one object."""
    if as_json:
        print(json.dumps(dataclasses.asdict(found)))
        return
    title = titled(f"Nested folds of {found.study}: what the search of each fold chose", found.leaky)
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
    console.print(table)
    for line in [*found.sentences(), *([LEAKY] if found.leaky else [])]:
        console.print(line, soft_wrap=True, highlight=False, markup=False)
