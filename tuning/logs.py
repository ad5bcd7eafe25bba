"""`logs`: states, curves, errors and tracebacks of a study and its trials, a line each."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from trainables.core import files, lookup
from trainables.core.baselines.record import BASELINES, Baseline, told
from trainables.core.wording import counted
from tuning.evidence.model.override import override_in
from tuning.evidence.refusals import opponent
from tuning.records.home import Named, home_of, name_of
from tuning.records.ledger import Ledger, Trial, read_begun
from tuning.text.proposals import proposed


@dataclasses.dataclass(frozen=True, kw_only=True)
class Line:
    """One thing that happened, as a person reads it; `at` is when, in seconds since 1970 (`None` for no moment).

    `trial_id` is `""` for what is of the whole study. As text it begins with the local time.
    """

    text: str
    trial_id: str = ""
    at: float | None = None

    def __str__(self) -> str:
        return self.text if self.at is None else f"{_clock(self.at)}  {self.text}"


def logs(study: str | Named, trial_id: str | None = None, *, home: str | Path | None = None) -> list[Line]:
    """The lines of one trial, or one line for each event of `study` that a person would ask for.

    Raises `ValueError` for a study that was not begun and for a trial that it does not have.
    """
    ledger = read_begun(home_of(home), name_of(study))
    if trial_id is None:
        told = ((event, _of_event(event)) for event in ledger.events)
        return [Line(text=text, trial_id=event.get("trial_id", ""), at=event["time"]) for event, text in told if text]
    if trial_id not in ledger.trials:
        raise ValueError(lookup.unknown(f"trial of {ledger.folder.name}", trial_id, list(ledger.trials)))
    return [Line(text=text, trial_id=trial_id) for text in _of_trial(ledger, ledger.trials[trial_id])]


def _of_event(event: Mapping[str, Any]) -> str:
    """What to tell of an event; `""` where nothing."""
    kind = event["event"]
    if kind == "started":
        listed = " ".join(f"{key}={value}" for key, value in event["parameters"].items())
        return f"{event['trial_id']} started: {listed}"
    if kind == "ended":
        accuracy = event["metrics"].get("accuracy")
        message = event["error"] or (f"accuracy {100 * accuracy:.1f} %" if accuracy is not None else "")
        return f"{event['trial_id']} {event['state'].lower()}{': ' if message else ''}{message}"
    if kind == "driver":
        return f"fertune {event['version']} runs trials"
    if kind == BASELINES:
        return told(map(Baseline.of, event["rows"]))
    if kind == "mended":
        return event["words"]
    if kind == "died":
        return f"{event['trial_id']}: {event['reason']}"
    if kind == "noted":
        return f"{event['trial_id']}: {event['words']}"
    if kind == "unmeasured":
        return f"the idle time of {event['kind']} is not known"
    if kind == "selected":
        by = f" by the preference {event['prefer']}" if "prefer" in event else ""
        return f"front: {', '.join(event['front'])}; recommended {event['recommended']}{by}"
    if kind == "refused":
        return f"refused: {event['of']} against {opponent(event['against'])}, test {event['look']}"
    if kind == "promoted":
        averages = f", the mean of {count} trainings" if (count := event.get("num_members", 1)) > 1 else ""
        override = override_in(event)
        return f"promoted: {event['name']} version {event['version']} of {event['of']}{averages}" + (
            f"; {override.told}" if override else ""
        )
    if kind == "race":
        return _race(event)
    if kind == "incomparable":
        return f"{event['of']} is incomparable: {event['reason']}"
    if kind == "champion_left_out":
        return f"confirmed without the present champion: {event['reason']}"
    return ""


def _race(event: Mapping[str, Any]) -> str:
    of = f"the race of {counted(len(event['members']), 'configuration')}"
    if event["winner"]:
        return f"{event['winner']} won {of}"
    return f"{', '.join(event['left'])} left {of} early" if event["left"] else f"{of} began"


def _of_trial(ledger: Ledger, trial: Trial) -> Iterator[str]:
    yield f"{trial.trial_id}: {trial.state.lower()}, started {_clock(trial.started_at)}, seed {trial.seed}"
    yield "parameters: " + " ".join(f"{key}={value}" for key, value in trial.parameters.items())
    yield from proposed(trial.proposed)
    for worker in trial.workers:
        gpus = f", GPUs {worker['gpus']}" if worker["gpus"] else ""
        yield f"worker: {worker['host']}, {worker['device']}{gpus}"
    if taken := trial.taken_from:
        yield f"taken from {taken['study']} {taken['trial_id']}, which ended {_clock(taken['ended_at'])}"
    for event in ledger.events:
        if event["event"] == "noted" and event["trial_id"] == trial.trial_id:
            yield event["words"]
    for row in trial.curve:
        rest = " ".join(f"{key}={value:.4g}" for key, value in row.items() if key != "epoch")
        yield f"epoch {row['epoch']:g}: {rest}"
    for key, value in trial.metrics.items():
        yield f"{key}: {value:.6g}"
    if trial.error:
        yield f"error: {trial.error}"
    traceback = ledger.trial_folder(trial.trial_id) / files.TRACEBACK
    if traceback.exists():
        yield from traceback.read_text(encoding="utf-8", errors="replace").splitlines()


def _clock(moment: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(moment))
