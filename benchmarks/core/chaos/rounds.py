"""One study from its first driver to its verdict, with faults at random moments in between."""

from __future__ import annotations

import dataclasses
import math
import random
import shutil
import signal
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from benchmarks.core.chaos import progress
from benchmarks.core.chaos.cluster import Cluster, NotUp, kill, wait, what_is_left
from benchmarks.core.chaos.disk import Disk
from benchmarks.core.chaos.driver import DONE
from benchmarks.core.chaos.faults import KINDS, OF_MLFLOW, Scene, Struck
from benchmarks.core.chaos.judging import Reference, Verdict, judge, num_deleted, read_runs
from benchmarks.core.chaos.network import Network
from benchmarks.core.chaos.rows import Row
from benchmarks.core.chaos.servers import Tracking
from benchmarks.core.chaos.study import chaos_study, configuration, measured
from benchmarks.core.chaos.told import read_table
from cluster.local import processes
from trainables.core import files
from tuning.records.ledger import Ledger

MOST_PAUSE_S = 3.0  # between the recovery from a fault and the next one
MOST_WORKERS_LOST = 2  # of one trial: a worker that dies three times is taken for a trial that kills its workers
MOST_DRIVERS = 6  # begun in a row without any progress
PATIENCE_S = 180.0  # for a sign of progress
BEGIN_S = 400.0  # for a driver to have its first trial
LEFT_S = 60.0  # for what a study leaves behind to go
LAST_S = 180.0  # for the last study to end by itself, after its last fault
OVER = "the time was over before the study had ended"
Played = tuple[list[Row], Verdict]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Theatre:
    """Cluster, servers and disk of a whole benchmark; where its studies of `trials` trials find their data and leave words.

    `client` is MLflow's, `clock` has the seconds since the benchmark began, `tell` shows a line.
    """

    cluster: Cluster
    network: Network
    tracking: Tracking
    disk: Disk
    data: Path
    words: Path
    trials: int
    client: Any
    clock: Callable[[], float]
    tell: Callable[[str], None]

    def undisturbed(self) -> Reference:
        """What the study measures by itself, by configuration; it runs once. Raises `RuntimeError` where it is in order."""
        kept = self.words / "undisturbed"
        if not (kept / files.LEDGER).exists():
            running = _Running(self, self._scene(kept.name, random.Random(0)), kept.name)
            running.begin()
            running.end()
            if wrong := self._verdict(kept.name, self._reference(self.disk.home / kept.name)).all:
                raise RuntimeError(f"The undisturbed study is not in order: {'; '.join(wrong)}")
            self._put_away(kept.name, keep=True)
        return self._reference(kept)

    def play(self, number: int, due: Sequence[str], reference: Reference, rng: random.Random, until_s: float) -> Played:
        """A study under as many of the faults that are `due` as it lasts for.

        It is over by `until_s` of the `clock`, and no fault comes in the last minutes before. Where it has not ended by then,
        it is ended and not judged, and none of its faults count. Raises `NotUp` where it does not end though there is time.
        """
        name = f"round-{number:03d}"
        scene = self._scene(name, rng)
        running, rows, waiting = _Running(self, scene, name, until_s), list[Row](), list(due)
        running.begin()
        while waiting and self.clock() < until_s - min(LAST_S, until_s / 10) and running.goes_on():
            time.sleep(rng.uniform(0, MOST_PAUSE_S))
            kind = next((one for one in waiting if not _spared(one, scene)), None)
            struck = KINDS[kind](scene) if kind and running.goes_on() else None
            if kind is None or struck is None:
                waiting = [*waiting[1:], *waiting[:1]]  # nobody to hit: another kind's turn
                continue
            waiting.remove(kind)
            rows.append(running.recovered(kind, struck, number, self.clock() - (time.time() - struck.at_s)))
            self.tell(_line(rows[-1]))
        if ended := running.end():
            verdict = self._verdict(name, reference)
        else:
            running.stop()
            self.tell(f"          {name}: {OVER}; its faults do not count")
            rows = [
                dataclasses.replace(row, counted=False, note="; ".join([*filter(None, [row.note]), OVER]))
                for row in rows
            ]
            verdict = Verdict()
            self._left()
        for words in verdict.all:
            self.tell(f"          {words}")
        self._put_away(name, keep=bool(verdict.all) or not ended)
        return rows, verdict

    def _scene(self, name: str, rng: random.Random) -> Scene:
        return Scene(self.cluster, self.network, self.tracking, self.disk, self.disk.home / name, rng)

    def _reference(self, folder: Path) -> Reference:
        return {configuration(trial): measured(trial) for trial in Ledger.read(folder).of_phase("search")}

    def _verdict(self, name: str, reference: Reference) -> Verdict:
        left, ledger = self._left(), Ledger.read(self.disk.home / name)
        study = chaos_study(name, num_trials=self.trials)
        if number := num_deleted(self.client, ledger):
            self.tell(f"          {name}: {number} runs that were there twice were deleted in MLflow")
        of_driver = read_table(self.words / f"{name}.log")
        return judge(study, ledger, read_runs(self.client, ledger), reference, left, of_driver=of_driver)

    def _left(self) -> list[str]:
        """What is left of a study that has ended, after the time that it has to go."""
        last: list[str] = []

        def nothing() -> bool:
            try:
                last[:] = what_is_left(self.cluster)
            except NotUp as error:
                last[:] = [str(error)]
            return not last

        wait(nothing, LEFT_S, 1.0)
        self.cluster.end_gone()
        return last

    def _put_away(self, name: str, *, keep: bool) -> None:
        """The disk is small; what is to be looked at goes beside the words of the drivers."""
        if keep:
            ignore = shutil.ignore_patterns("*.pt", "*.safetensors", "ray")
            shutil.copytree(self.disk.home / name, self.words / name, ignore=ignore, dirs_exist_ok=True)
        shutil.rmtree(self.disk.home / name, ignore_errors=True)


class _Running:
    """A study that runs, by driver after driver, until `until_s` of the theatre's clock."""

    def __init__(self, theatre: Theatre, scene: Scene, name: str, until_s: float = math.inf) -> None:
        self._theatre, self._scene, self._name, self._until_s = theatre, scene, name, until_s
        self._log = theatre.words / f"{name}.log"
        self._num_drivers = 0
        self._idle, self._seen = 0, 0  # drivers since the ledger last grew, and its size then

    def begin(self, *flags: str) -> None:
        """A driver, and wait until it is there."""
        events = len(self.events)
        self._idle = self._idle + 1 if events == self._seen else 0
        self._seen, self._num_drivers = events, self._num_drivers + 1
        if self._idle > MOST_DRIVERS:
            raise NotUp(f"{self._name} gets nowhere: {self.last_words}")
        given = [self._name, "--data", str(self._theatre.data), "--trials", str(self._theatre.trials), *flags]
        begun = self._log.stat().st_size if self._log.exists() else 0
        self._theatre.cluster.submit(given, self._log)
        wait(lambda: self._scene.driver or (self._log.exists() and self._log.stat().st_size > begun), 60)

    @property
    def events(self) -> list[progress.Event]:
        return progress.read_events(self._scene.study)

    @property
    def last_words(self) -> str:
        lines = self._log.read_text(errors="replace").splitlines() if self._log.exists() else []
        return lines[-1] if lines else ""

    @property
    def is_done(self) -> bool:
        return (
            not self._scene.driver
            and self.last_words == DONE
            and len(progress.finished(self.events)) >= self._theatre.trials
        )

    def goes_on(self) -> bool:
        """Waits until a trial runs; False where none will any more."""

        def runs() -> bool:
            self._resume()
            return self.is_done or bool(progress.unfinished(self.events, time.time()))

        wait(runs, self._left_of(BEGIN_S))
        return not self.is_done and bool(progress.unfinished(self.events, time.time()))

    def recovered(self, kind: str, struck: Struck, number: int, at_s: float) -> Row:
        """The row of a fault, once the study has recovered from it or has been given up."""
        begun = self._num_drivers
        of_mlflow = kind in OF_MLFLOW
        found: progress.Recovery | None = None

        def over() -> bool:
            nonlocal found
            self._resume()
            if of_mlflow:
                told = progress.tracked(self._scene.study) >= struck.events
                if not told and self.is_done:  # it ended while MLflow was away: the next command on it tells
                    self.begin("--resume")
                return told
            found = progress.recovery(self.events, struck.at_s, struck.lasted_s)
            return found is not None or self._has_failed(struck)

        patience_s = self._left_of(PATIENCE_S)
        over_in_time = wait(over, patience_s)
        seconds, notes = time.time() - struck.at_s, [struck.note]
        running = progress.unfinished(self.events, struck.at_s)
        trial, epoch = next(iter(running.items()), ("", 0))
        if found is not None:
            trial, epoch, seconds = found.trial_id, found.epoch, found.seconds
        elif not of_mlflow or not over_in_time:
            notes.append("failed" if over_in_time else f"no sign of progress for {patience_s:.0f} s")
        if self._num_drivers > begun:
            notes.append(f"resumed {self._num_drivers - begun} times")
        counted = bool(struck.unwritten) if of_mlflow else bool(trial)
        note = "; ".join(filter(None, notes))
        return Row(
            round=number, kind=kind, at_s=round(at_s, 1), pid=struck.pid, trial=trial, epoch=epoch,
            recovery_s=round(seconds, 1), counted=counted, note=note,
        )  # fmt: skip

    def end(self) -> bool:
        """Go on until all trials have ended and MLflow has every event; false where the time is over before.

        Raises `NotUp` where it does not come to that though there is time.
        """

        def over() -> bool:
            if self._scene.driver:
                return False
            if self.last_words == DONE and progress.tracked(self._scene.study) >= len(self.events):
                return True
            if self._left_of(1.0):
                self.begin("--resume")
            return False

        if wait(over, self._left_of(10 * PATIENCE_S), 0.5):
            return True
        if self._theatre.clock() >= self._until_s:
            return False
        raise NotUp(f"{self._name} has not ended after {10 * PATIENCE_S:g} s: {self.last_words}")

    def stop(self) -> None:
        """End the driver that there is."""
        if driver := self._scene.driver:
            kill(driver, number=signal.SIGTERM)
            wait(lambda: not processes.is_alive(driver), LEFT_S)
            kill(driver)

    def _left_of(self, most_s: float) -> float:
        return max(0.0, min(most_s, self._until_s - self._theatre.clock()))

    def _resume(self) -> None:
        """What an operator does about a driver that is gone before the study has ended."""
        if not self._scene.driver and not self.is_done:
            self.begin("--resume")

    def _has_failed(self, struck: Struck) -> bool:
        running = progress.unfinished(self.events, struck.at_s)
        failed = {
            event["trial_id"] for event in self.events if event["event"] == "ended" and event["state"] == "FAILED"
        }
        return bool(running.keys() & failed)


def _spared(kind: str, scene: Scene) -> bool:
    """Whether a fault of `kind` would be one too many for a trial that runs, by the deaths that it is to blame for."""
    events = progress.read_events(scene.study)
    deaths = Counter(event["trial_id"] for event in events if event["event"] == "died" and event["own"])
    running = progress.unfinished(events, time.time())
    return kind == "worker" and any(deaths[trial_id] >= MOST_WORKERS_LOST for trial_id in running)


def _line(row: Row) -> str:
    counted = "" if row.counted else "  not counted"
    where = f"{row.trial} epoch {row.epoch}" if row.trial else ""
    return f"{row.at_s:8.1f} s  {row.kind:14} {where:24} {row.recovery_s:6.1f} s{counted}  {row.note}"
