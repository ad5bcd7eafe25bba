"""Results that a command prints when it is done."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import math
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

from trainables.core.prepared.stored import Prepared
from tuning.evidence.ablation import comparison_of, runs_of
from tuning.evidence.contest import Promotion, Refused
from tuning.evidence.holdout import Evidence
from tuning.evidence.race import Raced
from tuning.records.ran import Ran
from tuning.statistics.pairing import NotComparable, Run
from tuning.text import ablation_document, prepared_tables, sheets
from tuning.text.baseline_tables import say_verdict, show_baselines
from tuning.text.evidence_tables import evidence_table, show_race
from tuning.text.progress import TerminalListener
from tuning.text.quantities import by_seed, limits, percent
from tuning.text.shown import Shown
from tuning.text.tables import print_front, say_next


@contextlib.contextmanager
def shown(as_json: bool = False) -> Generator[Shown]:
    """A terminal to show things on; with `as_json`, what is said goes to standard error and leaves the data alone.

    Of a promotion that is refused, what was confirmed is shown all the same: as data, the object that `show_promotion` prints,
    with the reason as `refused`.
    """
    console = Console(stderr=as_json)
    if not console.is_terminal:
        console = Console(stderr=as_json, width=150)
    found = Shown(console=console, listener=TerminalListener(console), as_json=as_json)
    try:
        yield found
    except Refused as refused:
        if as_json:
            print(json.dumps(_tested(refused) | {"refused": str(refused)}))
        _show_evidence(refused.race, refused.rows, found)
        raise


def show_front(ran: Ran, shown: Shown) -> None:
    """The front of a search, or why there is none, and the baselines that it is to be better than."""
    say_verdict(ran.ledger, shown)
    print_front(ran.ledger, ran.study.objectives, shown)
    show_baselines(ran.ledger, shown)


def show_run(ran: Ran, shown: Shown, table: Path | None = None) -> bool:
    """What came of a run, and what to do next; tells whether it has a result."""
    if ran.study.design is not None:
        return _show_ablation(ran, shown, table)
    show_front(ran, shown)
    name = ran.study.name
    commands = [["report", name]] if ran.study.is_smoke else [["promote", name], ["report", name]]
    say_next(ran.home, shown.listener, commands, ran.compare)
    return bool(ran.ledger.selection.get("front"))


def show_plan(plan: Any, as_json: bool) -> None:
    """What something will take: a `Plan` of a study, or one of nested cross-validation."""
    for line in [json.dumps(dataclasses.asdict(plan))] if as_json else plan.lines():
        print(line)


def show_prepared(prepared: Prepared, shown: Shown, preview: Path | None = None) -> None:
    """The classes and the people with their clips, where the faces lie, and the contact sheet that was written to `preview`.

    As data also what was dropped and why.
    """
    if not shown.as_json:
        for line in prepared_tables.lines(prepared):
            shown.listener.say(line)
        shown.listener.say(f"Prepared data: {prepared.folder}")
        if preview is not None:
            shown.listener.say(f"Contact sheet: {preview}")
        return
    dropped = [{"clip_id": clip.clip_id, "reason": clip.reason} for clip in prepared.dropped]
    found = {"folder": str(prepared.folder), "face_size": prepared.face_size, "kept": len(prepared), "dropped": dropped}
    by_name = {"classes": prepared_tables.classes(prepared), "people": prepared_tables.people(prepared)}
    by_name |= {"clusters": prepared_tables.clusters(prepared)}
    told = {
        "cluster_by": prepared.cluster_by,
        "notes": list(prepared.notes),
        "drawn": prepared.drawn,
        "clips": prepared_tables.clips(prepared),
    }
    print(json.dumps(found | by_name | told | {"preview": str(preview) if preview else None}))


def show_promotion(promoted: Promotion, shown: Shown) -> None:
    """What was confirmed and decided, and how accurate what was promoted is.

    As data one object; `accuracy` is that of what was promoted on the holdout, with its interval, `holdout` are all rows.
    """
    if shown.as_json:
        found = promoted.evidence
        named: dict[str, Any] = {"model": promoted.name, "version": promoted.version, "uri": promoted.uri}
        named |= {"already": promoted.already, "num_members": promoted.num_members, "trial_id": found.trial_id}
        named["override"] = dataclasses.asdict(promoted.override) if promoted.override else None
        named |= {"accuracy": dataclasses.asdict(found.accuracy), "by_seed": found.by_seed, "refused": None}
        print(json.dumps(named | _tested(promoted) | {"evidence_sha256": promoted.evidence_sha256}))
        return
    _show_evidence(promoted.race, promoted.rows, shown)
    if promoted.verdict is not None and not promoted.override:
        shown.listener.say(promoted.verdict.reason)
    averages = f", the mean of {promoted.num_members} trainings" if promoted.num_members > 1 else ""
    found, version = promoted.evidence, f"{promoted.name} version {promoted.version} ({promoted.uri}{averages})"
    done = f"{found.trial_id} is champion already, as" if promoted.already else f"Promoted {found.trial_id} as"
    parts = filter(None, (found.tested_on, limits(found.accuracy), by_seed(found.by_seed)))
    accuracy = f"{percent(found.accuracy.mean)} on the holdout ({'; '.join(parts)})"
    shown.listener.say(f"{done} {version}: {accuracy}.")
    if promoted.override:
        shown.listener.say(f"It was {promoted.override.told}")


def show_rollback(restored: Any, as_json: bool) -> None:
    """Which version is champion again."""
    words = f"{restored.name}: version {restored.version} is champion again."
    print(json.dumps({"model": restored.name, "version": restored.version}) if as_json else words)


def show_demo(ran: Ran, promoted: Promotion, clip: Path | None, shown: Shown) -> None:
    """The end of the main job."""
    show_promotion(promoted, shown)
    commands = [["predict", str(clip or "CLIP"), "--model", promoted.uri], ["report", ran.study.name]]
    say_next(ran.home, shown.listener, commands, ran.compare)


def _tested(found: Promotion | Refused) -> dict[str, Any]:
    """The race, what was confirmed on the holdout, and the verdict on it, as data."""
    return {
        "race": dataclasses.asdict(found.race) if found.race else None,
        "holdout": [dataclasses.asdict(row) for row in found.rows],
        "verdict": dataclasses.asdict(found.verdict) if found.verdict else None,
    }


def _show_evidence(race: Raced | None, rows: Sequence[Evidence], shown: Shown) -> None:
    if rows and not shown.as_json:
        show_race(race, shown)
        shown.console.print(evidence_table(rows))


def _show_ablation(ran: Ran, shown: Shown, table: Path | None) -> bool:
    """Compared or, where that cannot be, listed with the reason; written to `table`.

    Tells whether it could be compared; a single fold never can, and is as good where a training of it has a result.
    """
    try:
        document, done = ablation_document.compared(comparison_of(ran.ledger)), True
    except NotComparable as reason:
        document, done = ablation_document.listed_of(ran.ledger, reason), _only_one_fold(runs_of(ran.ledger))
    if shown.as_json:
        for record in document.records:
            print(json.dumps(record))
    else:
        for one in sheets.terminal_tables(document):
            shown.console.print(one)
        for line in document.summary:
            shown.listener.say(line)
    show_baselines(ran.ledger, shown)
    if table is not None:
        sheets.write(document, table)
        shown.listener.say(f"The table: {table}")
    say_next(ran.home, shown.listener, [["report", ran.study.name]], ran.compare)
    return done


def _only_one_fold(runs: Sequence[Run]) -> bool:
    return len({run.fold for run in runs}) == 1 and any(math.isfinite(run.accuracy) for run in runs)
