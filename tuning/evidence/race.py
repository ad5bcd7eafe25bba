"""The race of a study's members by cross-validation, as its ledger tells it. Reads files only: no Ray, no torch."""

from __future__ import annotations

import dataclasses
import itertools
import statistics
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from tuning.evidence.holdout import predictions_of
from tuning.records.aliases import CHAMPION
from tuning.records.front.course import Course, course_of
from tuning.records.ledger import Ledger, Trial
from tuning.statistics import race
from tuning.statistics.gate.ensembles import answers_together
from tuning.statistics.intervals import (
    Interval,
    accuracy_interval,
    between_seeds,
    difference_with_trainings,
    with_trainings,
)
from tuning.statistics.pairing import judged
from tuning.statistics.race import Answers
from tuning.statistics.units import Units, units_of
from tuning.statistics.variance import share_interval, sources, subject_estimate

_Tables = dict[int, list[pd.DataFrame]]  # by fold, of each training what it answered


@dataclasses.dataclass(frozen=True, kw_only=True)
class Racer:
    """One configuration in a race.

    `trial_id` is its search trial, or the URI of the champion (variant `champion`). `accuracy` is that on the test people of
    the folds that it ran, with an interval over people and seeds; `by_fold` its parts, and `by_seed`, where several answer
    together, what each of the seeds has alone. `left_after` is the number of folds after which it left, `None` for who ran
    all. `behind` is its accuracy minus the winner's on the same people, with an interval over people and seeds.
    """

    trial_id: str
    variant: str
    parameters: dict[str, Any]
    accuracy: Interval
    by_fold: tuple[float, ...]
    left_after: int | None
    behind: Interval | None
    best_epoch: int
    by_seed: tuple[float, ...] = ()


@dataclasses.dataclass(frozen=True, kw_only=True)
class Raced:
    """A race that ended: the winner first, then by accuracy.

    `corrected` is the winner's accuracy without what being the best of several flatters; `None` where the preference took one
    that is not the most accurate, and where fewer than three people were tested. `num_people` counts `units`; it is
    `None` where these are clips. `failed` says who could not be trained.
    """

    winner: str
    racers: tuple[Racer, ...]
    corrected: Interval | None
    num_folds: int
    num_seeds: int
    num_people: int | None
    num_clips: int
    num_trainings: int
    failed: Mapping[str, str]
    leaky: bool
    units: Units = "people"

    @property
    def first(self) -> Racer:
        """The winner's row."""
        return self.racers[0]


def runs_of(ledger: Ledger, course: Course, racer: str) -> dict[int, list[Trial]]:
    """The finished trainings of a racer by fold, in the order of its seeds, of those folds that have all of them."""
    seeds, found = course.seeds_of(racer), {}
    variant = CHAMPION if racer == course.champion else ""
    for trial in ledger.finished("race"):
        if (
            (trial.of, trial.variant) == (racer, variant)
            and trial.seed in seeds
            and predictions_of(ledger, trial).exists()
        ):
            found.setdefault(trial.folds[0], {})[trial.seed] = trial
    whole = [fold for fold in course.folds if len(found.get(fold, {})) == len(seeds)]
    return {fold: [found[fold][seed] for seed in seeds] for fold in whole}


def answers_of(ledger: Ledger, runs: Mapping[int, Sequence[Trial]]) -> Answers:
    """What `runs` answered, by person and fold; several seeds of a fold answer with the mean of their probabilities."""
    return _answers(_tables_of(ledger, runs))


def _tables_of(ledger: Ledger, runs: Mapping[int, Sequence[Trial]]) -> _Tables:
    """The judged predictions of `runs`, each file read once."""
    return {fold: [judged(predictions_of(ledger, trial)) for trial in trials] for fold, trials in runs.items()}


def _answers(tables: _Tables) -> Answers:
    answered = [_averaged(found).assign(fold=fold) for fold, found in tables.items()]
    grouped = pd.concat(answered, ignore_index=True).groupby(["fold", "subject_id"], sort=True)["correct"]
    right, clips = grouped.sum(), grouped.size()
    return Answers(
        right=right.to_numpy(dtype=float),
        clips=clips.to_numpy(dtype=float),
        people=right.index.get_level_values("subject_id").to_numpy(dtype=object),
        folds=right.index.get_level_values("fold").to_numpy(),
    )


def raced(ledger: Ledger) -> Raced | None:
    """What the last race that has ended says; `None` where none has, or where its winner's predictions are gone."""
    course = course_of(ledger, ended=True)
    if course is None:
        return None
    names = [name for name in (*course.members, course.champion) if name and name not in course.failed]
    found = {name: run for name in names if (run := _run_of(ledger, course, name))}
    if course.winner not in found:
        return None
    won = found[course.winner]
    racers = [_racer(course, name, run, won) for name, run in found.items()]
    racers.sort(key=lambda row: (row.trial_id != course.winner, row.left_after is not None, -row.accuracy.mean))
    units = units_of(pd.concat(list(itertools.chain(*won.tables.values()))))
    people = set(won.answers.people.tolist())
    return Raced(
        winner=course.winner,
        racers=tuple(racers),
        corrected=_corrected(course, found),
        num_folds=won.answers.num_folds,
        num_seeds=len(course.seeds),
        num_people=None if units == "clips" else len(people),
        num_clips=round(won.answers.clips.sum()),
        num_trainings=sum(len(run.trained) for run in found.values()),
        failed=course.failed,
        leaky=ledger.leaky,
        units=units,
    )


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Run:
    """What a racer was `trained` for and answered; `measured` are the variances between its seeds in a fold."""

    trained: list[Trial]
    tables: _Tables
    answers: Answers
    measured: list[tuple[float, int]]


def _run_of(ledger: Ledger, course: Course, name: str) -> _Run | None:
    kept = course.folds[: course.left.get(name)]
    runs = {fold: trials for fold, trials in runs_of(ledger, course, name).items() if fold in kept}
    if not runs:
        return None
    tables = _tables_of(ledger, runs)
    together = [pd.concat(of_fold, ignore_index=True) for of_fold in tables.values()]
    return _Run(
        trained=list(itertools.chain(*runs.values())),
        tables=tables,
        answers=_answers(tables),
        measured=[
            one
            for rows in together
            for one in between_seeds(rows["correct"], rows["subject_id"].tolist(), rows["seed"].tolist())
        ],
    )


def _corrected(course: Course, found: Mapping[str, _Run]) -> Interval | None:
    """Among those that ran every fold: two folds, of easy people perhaps, say nothing of how one compares on five."""
    whole = [found[name].answers for name in course.members if name in found and name not in course.left]
    won = found[course.winner]
    if won.answers.accuracy < max(one.accuracy for one in whole) or len(set(won.answers.people.tolist())) < 3:
        return None
    return with_trainings(race.corrected(whole), len(won.trained), won.measured)


def chosen_by_race(ledger: Ledger, trial_id: str) -> dict[str, Any] | None:
    """What the evidence of a promotion tells of the race that `trial_id` won; `None` where it won none."""
    found = raced(ledger)
    if found is None or found.winner != trial_id:
        return None
    return {
        "num_configurations": sum(not racer.variant for racer in found.racers),
        "num_left_early": sum(racer.left_after is not None for racer in found.racers),
        "num_folds": found.num_folds,
        "num_seeds": found.num_seeds,
        "num_people": found.num_people,
        "num_clips": found.num_clips,
        "accuracy": dataclasses.asdict(found.first.accuracy),
        "corrected": dataclasses.asdict(found.corrected) if found.corrected else None,
    }


def _racer(course: Course, name: str, run: _Run, won: _Run) -> Racer:
    behind, answers = None, run.answers
    if run is not won and len(set(won.answers.people.tolist()) & set(answers.people.tolist())) > 1:
        both = len(run.trained), min(len(won.trained), len(run.tables) * len(course.seeds))
        people = race.paired(answers, won.answers).interval()
        behind = difference_with_trainings(people, *both, [*run.measured, *won.measured])
    of_seeds = [pd.concat(tables)["correct"].mean() for tables in zip(*run.tables.values(), strict=True)]
    return Racer(
        trial_id=name,
        variant=CHAMPION if name == course.champion else "",
        parameters=run.trained[0].parameters,
        accuracy=_interval(run, course.test_over_train),
        by_fold=tuple(race.among(answers, [fold]).accuracy for fold in run.tables),
        left_after=course.left.get(name),
        behind=behind,
        best_epoch=round(statistics.median(trial.metrics["best_epoch"] for trial in run.trained)),
        by_seed=tuple(map(float, of_seeds)) if len(of_seeds) > 1 else (),
    )


def _interval(run: _Run, test_over_train: float) -> Interval:
    """Over people and seeds."""
    answers, of_seeds = run.answers, (len(run.trained), run.measured)
    people = answers.people.tolist()
    if answers.num_folds > 1 and len(set(people)) > 1:
        found = sources(answers.right[:, np.newaxis], answers.clips, answers.people.astype(str), answers.folds)
        estimate = subject_estimate(found, test_over_train)
        plain = dataclasses.replace(estimate, mean=answers.accuracy)
        return with_trainings(share_interval(plain, found.num_clips, found.num_subjects), *of_seeds)
    correct, subjects = [], []
    for person, right, clips in zip(people, answers.right, answers.clips, strict=True):
        correct += [1.0] * round(right) + [0.0] * (round(clips) - round(right))
        subjects += [str(person)] * round(clips)
    return with_trainings(accuracy_interval(correct, subjects), *of_seeds)


def _averaged(tables: Sequence[pd.DataFrame]) -> pd.DataFrame:
    if len(tables) == 1:
        return tables[0]
    clips, labels = tables[0]["clip_id"].tolist(), tables[0]["label"].to_numpy()
    logits = [np.stack(table.set_index("clip_id").loc[clips, "logits"].to_list()).astype(float) for table in tables]
    return tables[0].assign(correct=(answers_together(np.stack(logits)) == labels).astype(float))
