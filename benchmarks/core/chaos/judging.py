"""The verdict on a disturbed study that has ended: what was lost, done twice, told differently, left behind."""

from __future__ import annotations

import dataclasses
import math
from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.core.chaos.study import configuration, measured
from benchmarks.core.chaos.told import Table, in_order, table_of
from search_spaces.core.study import Study
from trainables.core import files
from trainables.core.training.metrics import measured_at
from tuning.execution.search.optuna_searcher import OptunaSearcher
from tuning.records import tags
from tuning.records.ledger import Ledger, Trial, objective_values
from tuning.records.projection.events import STATUS

PARENT = "study"
COMPARED = ("accuracy", "uar")
Reference = Mapping[Hashable, Mapping[str, Any]]


@dataclasses.dataclass(frozen=True)
class Verdict:
    """Sentences, one for each thing that is wrong."""

    lost_trials: list[str] = dataclasses.field(default_factory=list)
    duplicate_runs: list[str] = dataclasses.field(default_factory=list)
    disagreements: list[str] = dataclasses.field(default_factory=list)
    orphans: list[str] = dataclasses.field(default_factory=list)

    @property
    def all(self) -> list[str]:
        return [f"{kind}: {words}" for kind, found in dataclasses.asdict(self).items() for words in found]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Run:
    """A run of MLflow, as far as it is compared. `curves` has for each metric all points that were logged, step and value."""

    run_id: str
    trial_id: str
    status: str
    metrics: Mapping[str, float]
    curves: Mapping[str, Sequence[tuple[int, float]]]


def judge(
    study: Study,
    ledger: Ledger,
    runs: Sequence[Run],
    reference: Reference,
    left: Iterable[str] = (),
    *,
    of_driver: Table | None,
) -> Verdict:
    """The verdict on the whole study; `runs` are those of its experiment, `left` is what it left on its cluster.

    `of_driver` is what the driver that ended it told Optuna, by its own words.
    """
    return Verdict(
        lost_trials=lost_trials(ledger.of_phase("search"), reference),
        duplicate_runs=duplicate_runs(ledger, runs),
        disagreements=[*against_mlflow(ledger, runs), *against_optuna(study, ledger, of_driver)],
        orphans=[*left, *left_files(ledger.folder)],
    )


def lost_trials(trials: Sequence[Trial], reference: Reference) -> list[str]:
    """Configurations of the undisturbed run that are not there, once and FINISHED, with its metrics and curve."""
    wrong, by_configuration = [], {configuration(trial): trial for trial in trials}
    for known, expected in reference.items():
        trial = by_configuration.pop(known, None)
        if trial is None:
            wrong.append(f"no trial has the configuration {known}")
        elif trial.state != "FINISHED":
            wrong.append(f"{trial.trial_id} ended {trial.state}: {trial.error}")
        elif differing := [key for key, value in measured(trial).items() if value != expected[key]]:
            wrong.append(f"{trial.trial_id}: {', '.join(differing)} differ from the undisturbed run's")
    wrong += [
        f"{trial.trial_id} has a configuration that the undisturbed run has not" for trial in by_configuration.values()
    ]
    if len(trials) > len({configuration(trial) for trial in trials}):
        wrong.append("a configuration was tried by two trials")
    return wrong


def duplicate_runs(ledger: Ledger, runs: Sequence[Run]) -> list[str]:
    """Logical trials, and the study itself, with more than one run."""
    counts = Counter(run.trial_id for run in runs)
    return [f"{trial_id} has {count} runs" for trial_id, count in counts.items() if count > 1]


def against_mlflow(ledger: Ledger, runs: Sequence[Run]) -> list[str]:
    """Where MLflow tells another story than the ledger: trials, states, metrics, curves."""
    by_trial = {run.trial_id: run for run in runs}
    unknown = by_trial.keys() - ledger.trials.keys() - {PARENT}
    wrong = [f"MLflow has a run of {one}, which the ledger has not" for one in sorted(unknown)]
    done = all(trial.state == "FINISHED" for trial in ledger.trials.values())
    if (parent := by_trial.get(PARENT)) is None:
        wrong.append("MLflow has no parent run")
    elif done and parent.status != "FINISHED":
        wrong.append(f"MLflow's parent run is {parent.status}, and all trials have finished")
    for trial in ledger.trials.values():
        run = by_trial.get(trial.trial_id)
        if run is None:
            wrong.append(f"MLflow has no run of {trial.trial_id}")
            continue
        expected = STATUS.get(trial.state, "RUNNING")
        if run.status != expected:
            wrong.append(f"{trial.trial_id} is {trial.state}, in MLflow {run.status}")
        for key in COMPARED:
            if key in trial.metrics and run.metrics.get(key) != trial.metrics[key]:
                wrong.append(f"{trial.trial_id}: {key} is {trial.metrics[key]}, in MLflow {run.metrics.get(key)}")
        for key in measured_at("epoch"):
            told = sorted((int(row["epoch"]), row[key]) for row in trial.curve if key in row)
            logged = sorted(run.curves.get(key, ()))
            if logged != told:
                points = f"{len(told)} points, in MLflow {len(logged)}"
                wrong.append(
                    f"{trial.trial_id}: the curve of {key} has {points}{', or others' * (len(told) == len(logged))}"
                )
    return wrong


def against_optuna(study: Study, ledger: Ledger, of_driver: Table | None) -> list[str]:
    """Where Optuna tells another story than the ledger: that of the driver which ended the study, and of a resumed search."""
    begun = ledger.of_phase("search")
    names = [objective.metric for objective in study.objectives]
    expected = in_order(
        [
            (dict(trial.parameters), list(objective_values(trial, names)))
            for trial in begun
            if trial.state == "FINISHED" and all(map(math.isfinite, objective_values(trial, names)))
        ]
    )
    resumed = table_of(OptunaSearcher(study, num_samples=len(begun), begun=begun))
    wrong = [] if of_driver else ["the driver told nothing of its Optuna"]
    for whose, table in (("the driver's Optuna", of_driver), ("Optuna", resumed)):
        if table is None:
            continue
        told, waiting = table
        if told != expected:
            wrong.append(f"{whose} has {len(told)} complete trials, the ledger {len(expected)}, or other values")
        if waiting:
            wrong.append(f"{whose} still waits for {waiting} trials")
    return wrong


def left_files(study: Path) -> list[str]:
    """What should be gone once a study has ended: half-written files, and checkpoints that nobody will go on from."""
    patterns = ("**/*.tmp", "**/*.part", f"{files.TRIALS}/*/{files.CHECKPOINT}", f"{files.TRIALS}/*/best-*.pt")
    return [f"file {path.relative_to(study)}" for pattern in patterns for path in sorted(study.glob(pattern))]


def read_runs(client: Any, ledger: Ledger) -> list[Run]:
    """All runs of the study's experiment, also those of another ledger of its name, but those that were deleted.

    None where there is no experiment.
    """
    found = []
    for run in _of_mlflow(client, ledger, "ACTIVE_ONLY"):
        curves: dict[str, list[tuple[int, float]]] = {}
        for key in measured_at("epoch"):
            for point in client.get_metric_history(run.info.run_id, key) if key in run.data.metrics else ():
                curves.setdefault(key, []).append((point.step, point.value))
        found.append(
            Run(
                run_id=run.info.run_id,
                trial_id=run.data.tags.get(tags.TRIAL_ID, f"untagged {run.info.run_id}"),
                status=run.info.status,
                metrics=run.data.metrics,
                curves=curves,
            )
        )
    return found


def num_deleted(client: Any, ledger: Ledger) -> int:
    """How many runs of the study's experiment were deleted: those of a trial that had two, by fertune itself."""
    return len(_of_mlflow(client, ledger, "DELETED_ONLY"))


def _of_mlflow(client: Any, ledger: Ledger, view: str) -> list[Any]:
    from mlflow.entities import ViewType  # seconds of imports

    experiment = client.get_experiment_by_name(f"fertune/{ledger.folder.name}")
    if experiment is None:
        return []
    return client.search_runs([experiment.experiment_id], run_view_type=getattr(ViewType, view), max_results=1000)
