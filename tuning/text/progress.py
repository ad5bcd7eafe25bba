"""What a person sees while a study runs, and the tables at its end."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

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
from trainables.core.prepared.stored import Prepared
from tuning.execution.session import ROOT, Session, in_shell
from tuning.records.ledger import Ledger, Trial
from tuning.records.tracking import Tracker
from tuning.statistics.intervals import Interval
from tuning.status import front_json, shown_name, titled

if TYPE_CHECKING:  # seconds of imports, for an export alone
    from trainables.core.serving.onnx import Exported

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
        who = f"{people} people" if all(prepared.subjects) else "whose people are not named"
        self.say(f"{prepared.name}: kept {len(prepared)} of {total} clips, {who}, {len(prepared.classes)} classes")
        if not all(prepared.subjects):
            self.say("  nothing can check that a person is not on both sides of a fold; each clip counts as one")
        for note in prepared.notes:
            self.say(f"  {note}")
        if prepared.drawn:
            self.say("  these faces are drawn by a program: no figure here says how accurate a model is on real ones")
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

    def noted(self, words: str) -> None:
        """One line, which stays."""
        self.say(f"  {words}")

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


def front_table(
    front: Sequence[Trial], objectives: Sequence[Objective], recommended: str | None, *, leaky: bool = False
) -> Table:
    """The Pareto front, the recommended member marked; `leaky` where clips were dealt at random."""
    title = titled("Pareto front (validation clips)" if leaky else "Pareto front (validation people)", leaky)
    table = Table(box=box.SIMPLE_HEAD, title=title, title_justify="left")
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


def exported_words(exported: Exported) -> str:
    """What was written, and what it costs."""
    int8 = exported.int8
    lines = [
        f"{exported.path}: {exported.size_mb:.1f} MiB, {exported.latency_ms:.1f} ms a clip on this CPU, differs from the "
        f"model by at most {exported.max_difference:.1g}",
        f"{int8.path}: 8 bits, {int8.size_mb:.1f} MiB, {int8.latency_ms:.1f} ms a clip",
    ]
    if int8.accuracy_change is None or int8.agreement is None:
        lines.append("  what 8 bits cost in accuracy is not known: the data of its study is not here")
    else:
        lines.append(
            f"  accuracy changes by {100 * int8.accuracy_change:+.1f} points on {int8.num_clips} validation clips, and "
            f"{percent(int8.agreement)} of the answers stay the same"
        )
    return "\n".join(lines)


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


def points(found: Interval) -> str:
    """A difference of two shares with its interval, in points."""
    return f"{100 * found.mean:+.1f} ({100 * found.low:+.1f} to {100 * found.high:+.1f})"


def print_front(ledger: Ledger, objectives: Sequence[Objective], console: Console, *, as_json: bool) -> None:
    """The front of a search, or on standard error why there is none."""
    front = [ledger.trials[trial_id] for trial_id in ledger.selection.get("front", [])]
    recommended, leaky = ledger.selection.get("recommended"), ledger.leaky
    if as_json:
        for trial in front:
            print(json.dumps(front_json(trial, recommended, leaky=leaky)))
    elif front:
        console.print(front_table(front, objectives, recommended, leaky=leaky))
    else:
        failed = next((trial for trial in ledger.of_phase("search") if trial.error), None)
        because = f" The first error: {failed.trial_id}: {failed.error}" if failed else ""
        print(f"No trial finished, so there is no front.{because}", file=sys.stderr)


def print_overview(found: dict[str, Any], console: Console) -> None:
    """A study's `overview`."""
    console.print(shown_name(found), style="bold", highlight=False)
    for phase, states in found["trials"].items():
        listed = ", ".join(f"{count} {state.lower()}" for state, count in states.items())
        console.print(f"  {phase}: {listed}", highlight=False)
    if found["recommended"]:
        console.print(f"  front: {', '.join(found['front'])}; recommended {found['recommended']}", highlight=False)
    for promoted in found["promoted"]:
        console.print(f"  promoted: {promoted['name']} version {promoted['version']}", highlight=False)


def say_next(home: Path, tracker: Tracker, listener: TerminalListener, commands: Sequence[str]) -> None:
    """What a person may want to type into a shell now, as it must be typed there; then where MLflow compares trials."""
    here = Path(".venv/bin") if Path.cwd() == ROOT and (ROOT / ".venv").exists() else Path()
    listener.say("What next:")
    for command in commands:
        listener.say(f"  {in_shell(home)}{here / 'python'} tune.py {command}")
    for line in tracker.how_to_compare():
        listener.say(line)


def prediction_json(row: dict[str, Any], model: str) -> str:
    """One line of `predict --json`."""
    if row["error"]:
        return json.dumps({"path": row["path"], "error": row["error"]})
    return json.dumps({key: row[key] for key in ("path", "label", "probabilities")} | {"model": model})


def prediction_words(row: dict[str, Any]) -> str:
    """One line of `predict`."""
    if row["error"]:
        return f"{row['path']}: error: {row['error']}"
    return f"{row['path']}: {row['label']} ({100 * row['probabilities'][row['label']]:.1f} %)"
