"""`logs`: states, curves, errors and tracebacks of a study and its trials, as plain lines."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

from trainables.core import files, lookup
from tuning.evidence.refusals import opponent
from tuning.records.home import home_of
from tuning.records.ledger import Ledger, Trial, read_begun


def logs(study: str, trial_id: str | None = None, *, home: str | Path | None = None) -> list[str]:
    """The lines of one trial, or one line for each event of `study` that a person would ask for.

    Raises `ValueError` for a study that was not begun and for a trial that it does not have.
    """
    ledger = read_begun(home_of(home), study)
    if trial_id is None:
        return list(_of_study(ledger))
    if trial_id not in ledger.trials:
        raise ValueError(lookup.unknown(f"trial of {study}", trial_id, list(ledger.trials)))
    return list(_of_trial(ledger, ledger.trials[trial_id]))


def _of_study(ledger: Ledger) -> Iterator[str]:
    for event in ledger.events:
        when, kind = _clock(event["time"]), event["event"]
        if kind == "started":
            listed = " ".join(f"{key}={value}" for key, value in event["parameters"].items())
            yield f"{when}  {event['trial_id']} started: {listed}"
        elif kind == "ended":
            accuracy = event["metrics"].get("accuracy")
            message = event["error"] or (f"accuracy {100 * accuracy:.1f} %" if accuracy is not None else "")
            yield f"{when}  {event['trial_id']} {event['state'].lower()}{': ' if message else ''}{message}"
        elif kind == "driver":
            yield f"{when}  fertune {event['version']} runs trials"
        elif kind == "noted":
            yield f"{when}  {event['trial_id']}: {event['words']}"
        elif kind == "selected":
            yield f"{when}  front: {', '.join(event['front'])}; recommended {event['recommended']}"
        elif kind == "refused":
            yield f"{when}  refused: {event['of']} against {opponent(event['against'])}, test {event['look']}"
        elif kind == "promoted":
            yield f"{when}  promoted: {event['name']} version {event['version']} of {event['of']}"
        elif kind == "champion_left_out":
            yield f"{when}  confirmed without the present champion: {event['reason']}"


def _of_trial(ledger: Ledger, trial: Trial) -> Iterator[str]:
    yield f"{trial.trial_id}: {trial.state.lower()}, started {_clock(trial.started_at)}, seed {trial.seed}"
    yield "parameters: " + " ".join(f"{key}={value}" for key, value in trial.parameters.items())
    for worker in trial.workers:
        gpus = f", GPUs {worker['gpus']}" if worker["gpus"] else ""
        yield f"worker: {worker['host']}, {worker['device']}{gpus}"
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
