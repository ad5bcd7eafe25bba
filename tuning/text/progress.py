"""Progress of a study on a terminal or in a log."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

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

from trainables.core.files import DROPPED
from trainables.core.phases import Phase
from trainables.core.prepared.stored import Prepared
from trainables.core.wording import counted, first_line
from tuning.records.ledger import Trial
from tuning.text.phases import PHASE_TITLES
from tuning.text.quantities import quantity

MOST_DROPPED = 10  # clips that are named one by one
MUCH_TO_READ = 500 * 2**20  # bytes, which take seconds


class Silent:
    """A listener for whom what is returned is enough."""

    def files_read(self, done: int, total: int) -> None:
        """So many bytes of the files were read, to know them again."""

    def clip_prepared(self, done: int, total: int) -> None:
        """One more clip was read and its face looked for."""

    def prepared(self, prepared: Prepared) -> None:
        """The data is ready."""

    def phase_began(
        self,
        phase: Phase,
        num_trials: int,
        *,
        objectives: Sequence[str],
        num_cpus: float,
        num_gpus: float,
        dashboard_url: str,
    ) -> None:
        """`num_trials` trials are about to run."""

    def epoch(self, trial: Trial, num_epochs: int) -> None:
        """A trial has done one more epoch."""

    def noted(self, message: str) -> None:
        """Something that a person should know."""

    def trial_ended(self, trial: Trial) -> None:
        """A trial has ended, however."""

    def phase_ended(self) -> None:
        """No more trials of this phase."""


Heard = TypeVar("Heard")


def heard(progress: bool | Heard) -> Heard | Silent | TerminalListener:
    """Who hears of a run: nobody (`False`), this terminal or notebook (`True`), or the listener that is given."""
    if isinstance(progress, bool):
        return TerminalListener(Console()) if progress else Silent()
    return progress


class TerminalListener:
    """Progress bars on a terminal; without one (a job's log) a line per ended trial and nothing that redraws itself."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self._bar: Progress | None = None
        self._tasks: dict[str, TaskID] = {}
        self._ended = self._count = 0
        self._objectives: list[str] = []

    def files_read(self, done: int, total: int) -> None:
        """A bar in megabytes, where there is much to read."""
        if total > MUCH_TO_READ:
            self._show("reading the files, MB", done // 2**20, total // 2**20)

    def clip_prepared(self, done: int, total: int) -> None:
        """One more clip was read and its face looked for."""
        self._show("finding faces", done, total)

    def _show(self, what: str, done: int, total: int) -> None:
        """A bar that begins at what is `done` when it is first told, so that its estimate counts what is left alone."""
        if self._bar is None and done < total:
            self._bar = self._progress()
            self._tasks = {what: self._bar.add_task(what, total=total, completed=done)}
        if self._bar is not None:
            self._bar.update(self._tasks[what], completed=done)
            if done == total:
                self.phase_ended()

    def prepared(self, prepared: Prepared) -> None:
        """The data is ready: what was kept, what was dropped and why."""
        self.phase_ended()
        total = len(prepared) + len(prepared.dropped)
        number = len(set(prepared.subject_ids))
        who = {
            "people": counted(number, "person", "people"),
            "clusters": f"{counted(number, 'cluster')} by {prepared.cluster_by}",
            "clips": "whose people are not named",
        }[prepared.units]
        self.say(f"{prepared.name}: kept {len(prepared)} of {total} clips, {who}, {len(prepared.classes)} classes")
        if prepared.units == "clips":
            self.say(
                "  a person may be on both sides of a fold: the data set names no people, so each clip counts as one; "
                "--cluster-by says which belong together"
            )
        for note in prepared.notes:
            self.say(f"  {note}")
        if prepared.drawn:
            self.say("  these faces are drawn by a program: no figure here says how accurate a model is on real ones")
        for dropped in prepared.dropped[:MOST_DROPPED]:
            self.say(f"  dropped {dropped.clip_id}: {dropped.reason}")
        if more := max(len(prepared.dropped) - MOST_DROPPED, 0):
            self.say(f"  and {more} more")
        if prepared.dropped:
            self.say(f"  all dropped clips: {prepared.folder / DROPPED}")

    def phase_began(
        self,
        phase: Phase,
        num_trials: int,
        *,
        objectives: Sequence[str],
        num_cpus: float,
        num_gpus: float,
        dashboard_url: str,
    ) -> None:
        """`num_trials` trials are about to run, on a Ray of so many devices; each will be told with its `objectives`."""
        self._ended, self._count = 0, num_trials
        self._objectives = list(objectives)
        where = counted(num_cpus, "CPU") + (f", {counted(num_gpus, 'GPU')}" if num_gpus else "")
        dashboard = f"; Ray dashboard: {dashboard_url}" if dashboard_url else ""
        title = PHASE_TITLES[phase]
        self.say(f"{title}: {counted(num_trials, 'trial')} on {where}{dashboard}")
        self._bar = self._progress()
        self._tasks = {"trials": self._bar.add_task(title, total=num_trials)}

    def epoch(self, trial: Trial, num_epochs: int) -> None:
        """A trial has done one more epoch."""
        if self._bar is not None:
            if trial.trial_id not in self._tasks:
                self._tasks[trial.trial_id] = self._bar.add_task(f"  {trial.trial_id}", total=num_epochs)
            self._bar.update(self._tasks[trial.trial_id], completed=int(trial.curve[-1]["epoch"]))

    def noted(self, message: str) -> None:
        """One line, which stays."""
        self.say(f"  {message}")

    def trial_ended(self, trial: Trial) -> None:
        """One line: what was tried and what came of it."""
        self._ended += 1
        if self._bar is not None:
            if trial.trial_id in self._tasks:
                self._bar.remove_task(self._tasks.pop(trial.trial_id))
            self._bar.update(self._tasks["trials"], completed=self._ended)
        tried = " ".join(f"{key}={value}" for key, value in trial.parameters.items())
        measured = [
            f"{quantity(key).name} {quantity(key).typed(trial.metrics[key])}"
            for key in self._objectives
            if key in trial.metrics
        ]
        outcome = ", ".join(measured) if trial.state == "FINISHED" else trial.state.lower()
        reason = f": {first_line(trial.error)}" if trial.error else ""
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
