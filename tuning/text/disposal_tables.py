"""What is to go from a home, or went, with what it frees: a table for people, rows for a script."""

from __future__ import annotations

import dataclasses
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import typer
from rich import box
from rich.console import Console
from rich.table import Table

from trainables.core.wording import size
from tuning.records.left_over import Part


def show_parts(parts: Sequence[Part], as_json: bool, *, title: str) -> None:
    """Each part with its size and reason, the largest first, under a `title` with the sum; as data one object a line."""
    if as_json:
        for part in parts:
            print(json.dumps(dataclasses.asdict(part)))
        return
    table = Table(
        box=box.SIMPLE_HEAD, title=f"{title}: {size(sum(part.num_bytes for part in parts))}", title_justify="left"
    )
    table.add_column("what", no_wrap=True)
    table.add_column("size", justify="right", no_wrap=True)
    table.add_column("why")
    for part in sorted(parts, key=lambda part: -part.num_bytes):
        table.add_row(part.what, size(part.num_bytes), part.reason)
    (Console() if sys.stdout.isatty() else Console(width=150)).print(table, highlight=False)


def show_pruning(planned: Any, home: Path, as_json: bool) -> bool:
    """What nothing in `home` needs, and what could not be judged; tells whether there is anything to free."""
    said = sys.stderr if as_json else sys.stdout
    for line in planned.kept:
        print(line, file=said)
    if planned.parts:
        show_parts(planned.parts, as_json, title="Nothing needs")
    else:
        print(f"Nothing to free under {home}.", file=said)
    return bool(planned.parts)


def show_done(what: str, num_bytes: float, as_json: bool) -> None:
    """What was freed."""
    print(f"{what}: {size(num_bytes)}.", file=sys.stderr if as_json else sys.stdout)


def ask(yes: bool, question: str) -> None:
    """Go on where `yes`, or a person at a terminal, says so; where nobody can answer, the answer is no."""
    if not (yes or (sys.stdin.isatty() and typer.confirm(question, err=True))):
        print("Nothing was removed; --yes does it without asking.", file=sys.stderr)
        raise typer.Exit(1)
