"""Trainings of the champion that this home keeps, taken into a race instead of training it again (docs/decisions/0035)."""

from __future__ import annotations

import contextlib
import dataclasses
import shutil
from collections.abc import Sequence
from typing import Any

import pyarrow.parquet as pq

from trainables.core import files
from trainables.core.wording import counted
from tuning.evidence.configuration import configuration
from tuning.evidence.holdout import predictions_of, study_at_starts
from tuning.execution.devices.idle_times import trial_idle_times
from tuning.execution.devices.kind import device_kind
from tuning.execution.runner import Runner
from tuning.records.aliases import CHAMPION
from tuning.records.kept import store
from tuning.records.kept.key import Installation, Key, key_of, tested
from tuning.records.kept.told import UNDER, sources
from tuning.records.ledger import Trial
from tuning.records.trial import identity


def run_race(runner: Runner, trials: Sequence[Trial], ahead: Sequence[Trial] = ()) -> None:
    """Run `trials` of a race as `Runner.run_listed` does; of the champion those alone that the home does not keep.

    Those that are kept, of the trials `ahead` in the race too, become finished trials of this study; what is trained of the
    champion is kept for the next one.
    """
    listed, installation = list(trials), Installation.here()
    _take(runner, [*listed, *ahead], installation)
    before = set(runner.ledger.trials)
    try:
        runner.run_listed("race", listed)
    finally:
        if Installation.here() == installation:  # else nobody knows which of the two trained
            _keep_new(runner, before, installation)


def keep_promoted(runner: Runner, trial_id: str, uri: str) -> None:
    """Keep what the configuration of `trial_id` did in its races, now that it is the champion `uri`.

    Only what was trained by the code and the packages that are here now, by what the ledger noted of it then.
    """
    noted: dict[str, str] = {}
    for event in runner.ledger.events_of_data():
        if event["event"] == UNDER:
            noted |= event["keys"]
    installation = Installation.here()
    for trial in runner.ledger.finished("race"):
        if trial.of == trial_id and not trial.variant and trial.trial_id in noted:
            key = _key_of_trained(runner, trial, installation)
            if key is not None and key.name == noted[trial.trial_id]:
                _keep(runner, trial, key, uri)


def _take(runner: Runner, trials: Sequence[Trial], installation: Installation) -> None:
    """Let those of the champion that the home keeps be finished trials of the ledger; say how many, and what is damaged."""
    known: dict[Any, Trial] = {}
    for trial in sorted(runner.ledger.of_phase("race"), key=lambda one: one.state == "FINISHED"):
        known[identity(runner.study, trial)] = trial
    asked = {identity(runner.study, trial): trial for trial in trials if trial.variant == CHAMPION}
    lacking = [one for one in (known.get(of, trial) for of, trial in asked.items()) if one.state != "FINISHED"]
    if not lacking or not store.kept_files(runner.home):
        return
    device = device_kind(runner.placement, runner.session)
    taken = [trial for trial in lacking if device and _taken(runner, trial, _key(runner, trial, installation, device))]
    if taken:
        are = "is" if len(taken) == 1 else "are"
        whose = sources([runner.ledger.trials[trial.trial_id] for trial in taken])
        count = counted(len(lacking), "training")
        runner.noted(f"{len(taken)} of {count} of the champion {are} taken from those kept of {whose}.")


def _taken(runner: Runner, trial: Trial, key: Key | None) -> bool:
    """Whether `trial` was taken, files first, so that a finished one has its predictions."""
    if key is None:
        return False
    try:
        found = store.find(runner.home, key, tested(runner.prepared, runner.splits, trial))
    except store.Damaged as error:
        runner.noted(f"A kept training of the champion is damaged, so it is trained again: {error}.")
        store.discard(store.path_of(runner.home, key))
        return False
    if found is None:
        return False
    training, predictions = found
    ledger = runner.ledger
    trial.trial_id = trial.trial_id or ledger.next_id(trial.phase)
    folder = ledger.trial_folder(trial.trial_id)
    shutil.rmtree(folder, ignore_errors=True)  # what was half run
    folder.mkdir(parents=True)
    pq.write_table(predictions, folder / files.PREDICTIONS)
    if training.confusion:
        (folder / files.CONFUSION).write_text(training.confusion, encoding="utf-8")
    ledger.start(trial)
    for row in training.curve:
        ledger.epoch(trial.trial_id, row)
    origin = dataclasses.asdict(training.origin)
    outcome: dict[str, Any] = {"workers": list(training.workers), "taken_from": origin}
    ledger.end(trial.trial_id, "FINISHED", dict(training.metrics), **outcome)
    return True


def _keep_new(runner: Runner, before: set[str], installation: Installation) -> None:
    """Keep what was trained of the champion from its first epoch to its last; note of all racers under which conditions."""
    keys: dict[str, str] = {}
    for trial in runner.ledger.finished("race"):
        if trial.trial_id in before or (key := _key_of_trained(runner, trial, installation)) is None:
            continue
        keys[trial.trial_id] = key.name
        if trial.variant == CHAMPION:
            _keep(runner, trial, key, trial.of)
    if keys:
        runner.ledger.note(UNDER, keys=keys)


def _keep(runner: Runner, trial: Trial, key: Key, champion: str) -> None:
    ledger = runner.ledger
    concurrency = study_at_starts(ledger, "concurrency").get(trial.trial_id) or [None]
    origin = store.Origin(
        study=runner.study.name,
        trial_id=trial.trial_id,
        ended_at=trial.ended_at or 0.0,
        concurrency=str(concurrency[-1] or ""),
    )
    confusion = ledger.trial_folder(trial.trial_id) / files.CONFUSION
    training = store.Training(
        origin=origin,
        champion=champion,
        dataset=runner.prepared.name,
        metrics=trial.metrics,
        curve=trial.curve,
        workers=trial.workers,
        confusion=confusion.read_text(encoding="utf-8") if confusion.exists() else "",
    )
    try:
        clips = tested(runner.prepared, runner.splits, trial)
        store.keep(runner.home, key, training, predictions_of(ledger, trial), clips)
    except OSError as error:  # the race has it; the next one trains again
        runner.noted(f"{trial.trial_id} of the champion is not kept for other studies: {error}")


def _key_of_trained(runner: Runner, trial: Trial, installation: Installation) -> Key | None:
    """The key of a trial by what its workers were; `None` where they were of several kinds, or are not known."""
    devices = {worker["device"] for worker in trial.workers}
    if len(devices) != 1 or trial.taken_from:
        return None
    return _key(runner, trial, installation, devices.pop(), num_workers=len(trial.workers))


def _key(
    runner: Runner, trial: Trial, installation: Installation, device: str, num_workers: int | None = None
) -> Key | None:
    """`None` for a configuration that cannot be trained any more."""
    trainable = trial.trainable or runner.study.trainable
    given = dict(trial.parameters) if trial.trainable else {**runner.study.settings, **trial.parameters}
    with contextlib.suppress(ValueError, TypeError, OSError):
        return key_of(
            runner.prepared,
            runner.splits,
            trial,
            configuration(trainable, given),
            trainable=trainable,
            installation=installation,
            device=device,
            num_workers=num_workers or runner.placement.workers,
            cpus_per_worker=runner.placement.cpus_per_worker,
            **trial_idle_times(runner.home, runner.ledger.study, lambda _: None),
        )
    return None
