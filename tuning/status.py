"""`status`: studies at a glance, read from their ledgers; safe while other processes write them."""

from __future__ import annotations

import contextlib
import dataclasses
import os
from collections import Counter
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from trainables.core import files
from trainables.core.baselines.record import Baseline
from tuning.execution.sharing.waits import read_waits
from tuning.records.budget.told import Balance, balance_of
from tuning.records.front.course import Course, course_of
from tuning.records.front.told import how_sure, members_of
from tuning.records.home import Named, home_of, known_studies, name_of
from tuning.records.kept.told import taken_told
from tuning.records.ledger import read_begun
from tuning.records.owner import is_written
from tuning.records.projection.catching_up import catch_up
from tuning.text.errors import message_of

_KINDS = ("weights", "checkpoints", "predictions", "other")  # of a study's own files


@dataclasses.dataclass(frozen=True, kw_only=True)
class Status:
    """A study: its trials by phase and state, the front by `trial_id`, what was promoted; or how its ledger is `damaged`.

    `front` is the exact one, `members` who is on it in one draw of five or more by `front_probability`; `sureness` is by trial
    the share of the draws in which the preference `prefer` takes it, in words `sureness_told` (docs/decisions/0028).

    `race` is the last race of its likely choices (`Course`), `None` before one began; without a winner it has not ended.

    `baselines` are what was measured beside its trials (`Baseline`), before the first of them.
    `incomparable` says of trials whose configuration cannot be trained any more why, once a command has met them.

    `error_budget` is what is left of the error level of its people (docs/decisions/0032): as the registry says now where that
    is a file here, else as the ledger heard last; `None` where nothing of it can be promoted, or nobody knows.

    `taken` says how many trainings of the champion other studies trained (docs/decisions/0035), `""` where none.

    `disk` is what its folder takes, in bytes by kind, and its `prepared` faces and the `kept_trainings` on its data, which may
    be other studies' too. MLflow's files, registered models among them, are not counted.

    `waits_for` is what a study that runs on a cluster waits for, and behind whom; `""` where it does not wait.

    Of a study that went on with other data, these are the trials on version `data_version` of them, the present one.
    """

    study: str
    leaky: bool = False
    data_version: int = 1
    trials: dict[str, dict[str, int]] = dataclasses.field(default_factory=dict)
    front: list[str] = dataclasses.field(default_factory=list)
    members: list[str] = dataclasses.field(default_factory=list)
    front_probability: dict[str, float] = dataclasses.field(default_factory=dict)
    recommended: str | None = None
    prefer: str = "knee"
    sureness: dict[str, float] = dataclasses.field(default_factory=dict)
    sureness_told: str = ""
    race: Course | None = None
    promoted: list[dict[str, Any]] = dataclasses.field(default_factory=list)
    baselines: list[Baseline] = dataclasses.field(default_factory=list)
    incomparable: dict[str, str] = dataclasses.field(default_factory=dict)
    error_budget: Balance | None = None
    taken: str = ""
    disk: dict[str, int] = dataclasses.field(default_factory=dict)
    waits_for: str = ""
    damaged: str = ""


def status(study: str | Named | None = None, *, home: str | Path | None = None) -> list[Status]:
    """How `study` stands, or every study under `home`: one whose ledger cannot be read does not hide the others.

    A study whose driver was killed ends in MLflow, which could not be told then. Raises `ValueError` for a `study` that was not
    begun, or whose ledger is damaged.
    """
    place = home_of(home)
    catch_up(place, None if study is None else [name_of(study)], patience_s=5.0)
    if study is not None:
        return [_status(place, name_of(study))]
    found = []
    for name in known_studies(place):
        try:
            found.append(_status(place, name))
        except (ValueError, OSError) as error:
            found.append(Status(study=name, damaged=message_of(error)))
    return found


def _status(home: Path, name: str) -> Status:
    ledger = read_begun(home, name)
    phases: dict[str, Counter[str]] = {}
    for trial in (one for one in ledger.trials.values() if one.data_version == ledger.data_version):
        phases.setdefault(trial.phase, Counter())[trial.state] += 1
    return Status(
        study=name,
        leaky=ledger.leaky,
        data_version=ledger.data_version,
        trials={phase: dict(states) for phase, states in phases.items()},
        front=ledger.selection.get("front", []),
        members=members_of(ledger),
        front_probability=ledger.selection.get("front_probability", {}),
        recommended=ledger.selection.get("recommended"),
        prefer=ledger.study.get("prefer", "knee"),
        sureness=ledger.selection.get("sureness", {}),
        sureness_told=how_sure(ledger),
        race=course_of(ledger),
        promoted=[
            {key: event[key] for key in ("name", "version", "of")}
            | {"num_members": event.get("num_members", 1), "override": event.get("override")}
            for event in ledger.events
            if event["event"] == "promoted"
        ],
        baselines=ledger.baselines,
        incomparable=ledger.incomparable,
        error_budget=balance_of(ledger, home),
        taken=taken_told(ledger),
        waits_for=read_waits(ledger.folder) if is_written(ledger.folder) else "",
        disk=_taken(home, ledger.folder, ledger.study.get("dataset_fingerprint")),
    )


def _taken(home: Path, folder: Path, fingerprint: str | None) -> dict[str, int]:
    found = dict.fromkeys((*_KINDS, "prepared", files.KEPT_TRAININGS), 0)
    prepared = (home / files.PREPARED).glob(f"*-{fingerprint[:12]}") if fingerprint else ()
    shared = [(place, "prepared") for place in prepared]
    if fingerprint:
        shared.append((files.kept_trainings(home, fingerprint), files.KEPT_TRAININGS))
    for top, kind in ((folder, ""), *shared):
        for place, _, names in os.walk(top):
            for name in names:
                with contextlib.suppress(FileNotFoundError):  # somebody is at work
                    found[kind or _kind(name)] += (Path(place) / name).lstat().st_size
    return found


def _kind(name: str) -> str:
    is_best = fnmatch(name, files.BEST.format(fold="*", epoch="*"))
    if is_best or name.removeprefix(files.DAMAGED) == files.CHECKPOINT or name.endswith(".tmp"):
        return "checkpoints"
    return {files.WEIGHTS: "weights", files.PREDICTIONS: "predictions"}.get(name, "other")
