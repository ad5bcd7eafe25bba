"""What the command line shows when a search, an ablation, a promotion or its reverse has ended."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from search_spaces.core.study import load_study
from tuning.evidence.ablation import comparison_of, runs_of
from tuning.evidence.holdout import evidence
from tuning.execution.runner import Runner
from tuning.execution.session import default_home
from tuning.promote import Promotion, name_promoted, promote
from tuning.records.ledger import Ledger
from tuning.records.registry import rollback
from tuning.records.tracking import default_uri
from tuning.statistics.pairing import NotComparable, Run
from tuning.statistics.superiority import MARGIN
from tuning.text import ablation_document, sheets
from tuning.text.evidence_tables import evidence_table
from tuning.text.progress import TerminalListener, interval, percent, print_front, say_next


def end_search(runner: Runner, console: Console, listener: TerminalListener, *, as_json: bool) -> bool:
    """Show the front and what to do next; whether there is a front."""
    print_front(runner.ledger, runner.study.objectives, console, as_json=as_json)
    name = runner.study.name
    commands = [f"report {name}"] if runner.study.is_smoke else [f"promote {name}", f"report {name}"]
    say_next(runner.home, runner.tracker, listener, commands)
    return bool(runner.ledger.selection.get("front"))


def end_ablation(
    runner: Runner, console: Console, listener: TerminalListener, table: Path | None, *, as_json: bool
) -> bool:
    """Show what came of it, compared or, where that cannot be, listed with the reason; write it to `table`.

    Tells whether it could be compared; a single fold never can, and is as good where a training of it has a result.
    """
    ledger = runner.ledger
    try:
        document, done = ablation_document.compared(comparison_of(ledger)), True
    except NotComparable as reason:
        document, done = ablation_document.listed_of(ledger, reason), _only_one_fold(runs_of(ledger))
    if as_json:
        for record in document.records:
            print(json.dumps(record))
    else:
        for shown in sheets.terminal_tables(document):
            console.print(shown)
        for line in document.sentences:
            listener.say(line)
    if table is not None:
        sheets.write(document, table)
        listener.say(f"The table: {table}")
    say_next(runner.home, runner.tracker, listener, [f"report {runner.study.name}"])
    return done


def _only_one_fold(runs: Sequence[Run]) -> bool:
    return len({run.fold for run in runs}) == 1 and any(math.isfinite(run.accuracy) for run in runs)


def promote_and_show(
    runner: Runner, trial: str | None, margin: float | None, console: Console, *, as_json: bool
) -> Promotion:
    """Promote the recommended trial, or `trial`; show the evidence, also where it is refused, and what was decided."""
    try:
        promoted = promote(runner, trial_id=trial, margin=MARGIN if margin is None else margin)
    finally:
        found = evidence(runner.ledger)
        if found and not as_json:
            console.print(evidence_table(found))
    if not as_json:
        if promoted.verdict is not None:
            console.print(promoted.verdict.reason, soft_wrap=True, highlight=False)
        accuracy, version = promoted.evidence.accuracy, f"{promoted.name} version {promoted.version} ({promoted.uri})"
        trial_id, measured = promoted.evidence.trial_id, f"{percent(accuracy.mean)} on the holdout"
        done = f"{trial_id} is champion already, as" if promoted.already else f"Promoted {trial_id} as"
        console.print(
            f"{done} {version}: {measured} ({promoted.evidence.tested_on}; {interval(accuracy)}).",
            soft_wrap=True,
            highlight=False,
        )
    return promoted


def roll_back(study: str, *, as_json: bool) -> None:
    """Make the champion before this one champion again, and say so."""
    home = default_home()
    name = name_promoted(Ledger.read(home / study), load_study(study).registered_model)
    version = rollback(default_uri(home), name)
    print(
        json.dumps({"model": name, "version": version}) if as_json else f"{name}: version {version} is champion again."
    )
