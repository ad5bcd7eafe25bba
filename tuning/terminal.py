"""What a person sees while a study runs, and the tables at its end."""

from __future__ import annotations

import time
from collections.abc import Sequence

from rich import box
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table

from search_spaces.core.study import Objective
from trainables.core.cache import Prepared
from tuning.evidence import Evidence
from tuning.ledger import Trial
from tuning.session import Session
from tuning.statistics import Interval

UNITS = {"train_time_s": " s", "wall_time_s": " s", "weights_mb": " MiB", "latency_ms": " ms"}
HEADINGS = {"accuracy": "accuracy", "train_time_s": "train time", "param_count": "parameters", "uar": "UAR"}


class TerminalListener:
    """Progress bars on a terminal; without one (a job's log) a line per ended trial and nothing that redraws itself."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self._bar: Progress | None = None
        self._tasks: dict[str, TaskID] = {}
        self._ended = self._count = 0

    def clip_prepared(self, done: int, total: int) -> None:
        """One more clip was read and its face looked for."""
        if self._bar is None and done < total:
            self._bar = self._progress()
            self._tasks["clips"] = self._bar.add_task("finding faces", total=total)
        if self._bar is not None:
            self._bar.update(self._tasks["clips"], completed=done)
            if done == total:
                self.phase_ended()

    def prepared(self, prepared: Prepared) -> None:
        """The data is ready: what was kept, what was dropped and why."""
        self.phase_ended()
        total = len(prepared) + len(prepared.dropped)
        people = len({subject for subject in prepared.subjects if subject})
        self.say(
            f"{prepared.name}: kept {len(prepared)} of {total} clips, {people} people, {len(prepared.classes)} classes"
        )
        for dropped in prepared.dropped[:20]:
            self.say(f"  dropped {dropped.clip_id}: {dropped.reason}")
        if len(prepared.dropped) > 20:
            self.say(f"  and {len(prepared.dropped) - 20} more, all listed in {prepared.folder / 'index.json'}")

    def phase_began(self, title: str, num_trials: int, session: Session) -> None:
        """`num_trials` trials are about to run."""
        self._ended, self._count, self._began = 0, num_trials, time.monotonic()
        where = f"{session.num_cpus:g} CPUs" + (f", {session.num_gpus:g} GPUs" if session.num_gpus else "")
        dashboard = f"; Ray dashboard: {session.dashboard_url}" if session.dashboard_url else ""
        self.say(f"{title}: {num_trials} trials on {where}{dashboard}")
        self._bar = self._progress()
        self._tasks = {"trials": self._bar.add_task(title, total=num_trials)}

    def epoch(self, trial: Trial, num_epochs: int) -> None:
        """A trial has done one more epoch."""
        if self._bar is not None:
            if trial.trial_id not in self._tasks:
                self._tasks[trial.trial_id] = self._bar.add_task(f"  {trial.trial_id}", total=num_epochs)
            self._bar.update(self._tasks[trial.trial_id], completed=int(trial.curve[-1]["epoch"]))

    def trial_ended(self, trial: Trial) -> None:
        """One line: what was tried and what came of it."""
        self._ended += 1
        if self._bar is not None:
            if trial.trial_id in self._tasks:
                self._bar.remove_task(self._tasks.pop(trial.trial_id))
            self._bar.update(self._tasks["trials"], completed=self._ended)
        tried = " ".join(f"{key}={value}" for key, value in trial.parameters.items())
        measured = [
            shown(key, trial.metrics[key])
            for key in ("accuracy", "train_time_s", "param_count")
            if key in trial.metrics
        ]
        outcome = ", ".join(measured) if trial.state == "FINISHED" else trial.state.lower()
        reason = f": {trial.error.splitlines()[0]}" if trial.error else ""
        variant = f" {trial.variant}" if trial.variant else ""
        self.say(f"  [{self._ended}/{self._count}] {trial.trial_id}{variant} {tried}: {outcome}{reason}")

    def phase_ended(self) -> None:
        """Take the bars away."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None

    def say(self, text: str) -> None:
        """A line that is never wrapped: names in it can be copied."""
        self.console.print(text, soft_wrap=True, markup=False, highlight=False)

    def _progress(self) -> Progress:
        bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=self.console,
            transient=True,
            disable=not self.console.is_terminal,
        )
        bar.start()
        return bar


def front_table(front: Sequence[Trial], objectives: Sequence[Objective], recommended: str | None) -> Table:
    """The Pareto front, the recommended member marked."""
    table = Table(box=box.SIMPLE_HEAD, title="Pareto front (validation people)", title_justify="left")
    table.add_column("")
    table.add_column("trial", no_wrap=True)
    for key in front[0].parameters:
        table.add_column(key, justify="right")
    for objective in objectives:
        arrow = {"max": "↑", "min": "↓"}[objective.direction]
        table.add_column(f"{HEADINGS.get(objective.metric, objective.metric)} {arrow}", justify="right", no_wrap=True)
    for trial in front:
        mark = "★" if trial.trial_id == recommended else ""
        values = [shown(objective.metric, trial.metrics[objective.metric]) for objective in objectives]
        table.add_row(mark, trial.trial_id, *(f"{value}" for value in trial.parameters.values()), *values)
    return table


def evidence_table(found: Sequence[Evidence]) -> Table:
    """What was confirmed on the holdout people."""
    title = "Confirmed on the holdout"
    if found:
        title += f" ({found[0].num_subjects} people, {found[0].num_clips} clips, {len(found[0].seeds)} fresh seeds)"
    table = Table(box=box.SIMPLE_HEAD, title=title, title_justify="left")
    for heading in ("trial", "variant"):
        table.add_column(heading, no_wrap=True)
    for heading in ("accuracy", "95 % interval", "in the search", "majority class"):
        table.add_column(heading, justify="right", no_wrap=True)
    for row in found:
        table.add_row(
            row.trial_id,
            row.variant or "as searched",
            percent(row.accuracy.mean),
            interval(row.accuracy),
            "" if row.variant else percent(row.search_accuracy),
            percent(row.majority),
        )
    return table


def shown(metric: str, value: float) -> str:
    """A metric with its unit, as a person reads it."""
    if metric == "param_count":
        return f"{value / 1e6:.3f} M"
    if metric in UNITS:
        return f"{value:.1f}{UNITS[metric]}"
    if metric in ("accuracy", "uar", "f1_macro", "val_accuracy", "val_uar"):
        return percent(value)
    return f"{value:.4g}"


def percent(value: float) -> str:
    return f"{100 * value:.1f} %"


def interval(found: Interval) -> str:
    return f"{100 * found.low:.1f} to {100 * found.high:.1f} %"
