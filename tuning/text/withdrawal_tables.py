"""A person's withdrawal: what a home holds, what of that is erased, and what is to be done about the rest."""

from __future__ import annotations

import dataclasses
import json
import sys
from collections.abc import Iterator

from rich import box
from rich.console import Console
from rich.table import Table

from tuning.evidence.whereabouts import Forgotten
from tuning.records.home import in_shell

FATES = {"rewritten": "written anew without", "deleted": "deleted", "stays": "stays"}
ROLES = {
    "trained": "was trained on {who}",
    "tested": "was tested on {who}, not trained: its figures count the answers, and name nobody",
    "unknown": "is of this data, and whether it was trained on {who} cannot be told: its splits, or the data, are gone",
}


def show(found: Forgotten, as_json: bool) -> None:
    """What holds the person, and what will stay; as data one object a line, a trace or a model."""
    said = sys.stderr if as_json else sys.stdout
    if as_json:
        for one in (*found.traces, *found.models):
            print(json.dumps(dataclasses.asdict(one)))
    else:
        _show_traces(found)
    for line in stays(found):
        print(line, file=said)


def show_erased(found: Forgotten, as_json: bool) -> None:
    """That it is done, and how studies and champions go on."""
    said = sys.stderr if as_json else sys.stdout
    print(f"Forgot {found.subject}.", file=said)
    for line in next_steps(found):
        print(line, file=said)


def stays(found: Forgotten) -> Iterator[str]:
    """A sentence on each thing that cannot be erased, and on what was not searched."""
    for model in found.models:
        yield f"{model.title} {ROLES[model.role].format(who=found.subject)}."
    if any(model.role == "trained" for model in found.models) or any(trace.fate == "stays" for trace in found.traces):
        yield "Weights cannot forget: they stay until they are replaced or removed."
    for root in found.data_roots:
        yield f"Nothing outside of {found.home} is touched: delete the clips in {root} yourself."
    for one, other in found.twins:
        yield f"{other} shows the same frames as {one}: forget that person, or that clip, too where it is the same."
    yield from found.elsewhere
    yield (
        "Figures that were computed before stay; they name nobody. Not searched: reports written elsewhere, backups, copies "
        "of this home, other machines."
    )


def next_steps(found: Forgotten) -> Iterator[str]:
    """What to do once all that can be erased is: a sentence, or a command, a line."""
    if found.studies:
        changed = f"The data of {', '.join(found.studies)} is another now."
        yield f"{changed} Delete the clips where they lie, then go on with the data as it is:"
        for study in found.studies:
            yield f"  {in_shell(found.home, 'run', study, '--new-data')}"
    trained = [model for model in found.models if model.role == "trained"]
    for study in dict.fromkeys(model.study for model in trained):
        titles = ", ".join(model.title for model in trained if model.study == study)
        yield f"Then replace {titles}, or delete it in MLflow:"
        yield f"  {in_shell(found.home, 'promote', study)}"
    for study in sorted({trace.what.split("/")[0] for trace in found.traces if trace.fate == "stays"}):
        yield f"To remove a study with its weights: {in_shell(found.home, 'remove', study)}"


def _show_traces(found: Forgotten) -> None:
    table = Table(box=box.SIMPLE_HEAD, title=f"Of {found.subject} under {found.home}", title_justify="left")
    table.add_column("what", no_wrap=True)
    table.add_column("holds")
    table.add_column("is")
    for trace in found.traces:
        table.add_row(trace.what, trace.holds, FATES[trace.fate])
    (Console() if sys.stdout.isatty() else Console(width=150)).print(table, highlight=False)
