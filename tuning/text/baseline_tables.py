"""The baselines of a study as a table, and whether its search found anything better."""

from __future__ import annotations

import dataclasses
import json

from rich import box
from rich.table import Table

from trainables.core.baselines.record import Baseline
from tuning.evidence.baselines import verdict
from tuning.records.ledger import Ledger
from tuning.text.quantities import percent
from tuning.text.shown import Shown
from tuning.text.tables import titled


def say_verdict(ledger: Ledger, shown: Shown) -> None:
    """One sentence, before all else, where no trial is shown to be better than the best baseline."""
    if sentence := verdict(ledger):
        shown.listener.say(sentence)


def show_baselines(ledger: Ledger, shown: Shown) -> None:
    """The rows under a front or an ablation's table; as data an object for each, with `baseline` for its name."""
    found = ledger.baselines
    if shown.as_json:
        for one in found:
            print(json.dumps({"baseline": one.name, "leaky": ledger.leaky, **dataclasses.asdict(one)}))
    elif found:
        shown.console.print(baselines_table(found, scored_on(ledger), leaky=ledger.leaky))


def scored_on(ledger: Ledger) -> str:
    """Whom the baselines were scored on, as the trials beside them were."""
    return "test" if ledger.study.get("design") else "validation"


def baselines_table(found: list[Baseline], split: str, *, leaky: bool = False) -> Table:
    """A row for each, with the interval over the people that it was scored on, and over seeds where one counts."""
    title = titled(f"Baselines ({split} {'clips' if leaky else 'people'})", leaky)
    table = Table(box=box.SIMPLE_HEAD, title=title, title_justify="left")
    table.add_column("baseline", no_wrap=True)
    for heading in ("accuracy", "95 % interval", "clips", "people", "seconds"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("what it is")
    for one in found:
        table.add_row(one.title, *figures(one))
    return table


def figures(one: Baseline) -> list[str]:
    """Accuracy, interval, clips, people, seconds and what it is; only the last where it was not measured."""
    if one.accuracy is None or one.low is None or one.high is None:
        return ["", "", "", "", "", f"not measured: {one.error}"]
    limits = f"{100 * one.low:.1f} to {100 * one.high:.1f} %"
    counts = (str(one.num_clips), str(one.num_people), f"{one.seconds:.1f}")
    return [percent(one.accuracy), limits, *counts, one.what]
