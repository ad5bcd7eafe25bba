"""What `confirm` prints: the evidence on the holdout, or the result of nested cross-validation."""

from __future__ import annotations

import dataclasses
import json
import sys
from collections.abc import Sequence

from rich import box
from rich.table import Table

from trainables.core.wording import counted
from tuning.evidence.holdout import Evidence, describe_tested
from tuning.evidence.nested_cross_validation import NestedResult
from tuning.evidence.race import Raced, Racer
from tuning.records.ledger import Ledger, first_error
from tuning.text.quantities import limits, percent, points, spread
from tuning.text.shown import Shown
from tuning.text.tables import LEAKY, titled


def show_confirmed(ledger: Ledger, found: Sequence[Evidence], race: Raced | None, shown: Shown) -> bool:
    """Show the race and what was `found` on the holdout, and on standard error what failed; tells whether there is evidence.

    As data the rows of the holdout, then one object `race`.
    """
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
        if race:
            print(json.dumps({"race": dataclasses.asdict(race)}))
    elif found:
        show_race(race, shown)
        shown.console.print(evidence_table(found))
        if found[0].leaky:
            shown.listener.say(LEAKY)
    return bool(found)


def show_race(found: Raced | None, shown: Shown) -> None:
    """The race as a table, and what its winner has to be believed; nothing where there was none."""
    if found:
        shown.console.print(race_table(found))
        for line in race_summary(found):
            shown.listener.say(line)


def race_table(found: Raced) -> Table:
    """Who raced, how accurate each was by cross-validation, and who left."""
    seeds = f", the mean of {found.num_seeds} trainings each" if found.num_seeds > 1 else ""
    tested = describe_tested(found.num_people, found.num_clips, found.units)
    title = f"Race over {counted(found.num_folds, 'fold')} outside the holdout ({tested}{seeds})"
    table = Table(box=box.SIMPLE_HEAD, title=titled(title, found.leaky), title_justify="left")
    table.caption = f"Intervals, of differences too, are over {found.units} and seeds."
    table.caption_justify = "left"
    table.add_column("trial", no_wrap=True)
    seeded = any(racer.by_seed for racer in found.racers)
    by_seed = ["by seed"] * seeded
    for heading in ("accuracy", "95 % interval", "by fold", *by_seed, "behind the winner, points", ""):
        table.add_column(heading, justify="right", no_wrap=True)
    for racer in found.racers:
        table.add_row(
            f"{racer.trial_id} (champion)" if racer.variant else racer.trial_id,
            percent(racer.accuracy.mean),
            limits(racer.accuracy),
            spread(racer.by_fold),
            *([spread(racer.by_seed)] * seeded),
            points(racer.behind) if racer.behind else "",
            fate(found, racer),
        )
    return table


def race_summary(found: Raced) -> list[str]:
    """What the winner has to be believed, and who could not be trained."""
    lines = list(found.failed.values())
    if found.corrected and sum(not racer.variant for racer in found.racers) > 1:
        lines.append(
            f"{percent(found.corrected.mean)} ({limits(found.corrected)}) is what the winner has to be believed by "
            f"cross-validation: {percent(found.first.accuracy.mean)} corrected for the choice (BBC-CV)."
        )
    return lines


def fate(found: Raced, racer: Racer) -> str:
    """How the race ended for one."""
    if racer.trial_id == found.winner:
        return "winner"
    return "" if racer.left_after is None else f"left after {counted(racer.left_after, 'fold')}"


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
            spread(row.by_seed),
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
        f"({describe_tested(found.num_people, found.num_clips, found.units)}).",
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
