"""The race of a study's members by cross-validation, as its ledger tells it. Reads files only: no Ray, no torch."""

from __future__ import annotations

import dataclasses
import statistics
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from tuning.evidence.holdout import predictions_of
from tuning.records.aliases import CHAMPION
from tuning.records.ledger import Ledger, Trial
from tuning.statistics import race
from tuning.statistics.intervals import Interval, accuracy_interval, with_trainings
from tuning.statistics.pairing import judged
from tuning.statistics.race import Answers
from tuning.statistics.units import Units, units_of
from tuning.statistics.variance import share_interval, sources, subject_estimate

EVENT = "race"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Course:
    """What a race was before it began, and how it ended: one event of the ledger.

    `members` are search trials, `champion` the URI of the version that ran beside them, `""` for none. All run `folds` in this
    order, with `seeds`; the champion with `champion_seeds`, as many as answer in it. `test_over_train` is the size of a fold's
    test part over that of its train part. `left` says after how many folds a member left, `failed` who could not be trained
    and why.
    """

    members: tuple[str, ...]
    champion: str = ""
    folds: tuple[int, ...]
    seeds: tuple[int, ...]
    champion_seeds: tuple[int, ...] = ()
    test_over_train: float = 0.0
    prefer: str = "knee"
    left: Mapping[str, int] = dataclasses.field(default_factory=dict)
    failed: Mapping[str, str] = dataclasses.field(default_factory=dict)
    winner: str = ""

    @property
    def num_trainings(self) -> int:
        """How many trainings it takes if nobody leaves."""
        return len(self.folds) * (len(self.members) * len(self.seeds) + len(self.champion_seeds))

    def seeds_of(self, racer: str) -> tuple[int, ...]:
        """The seeds that a racer is trained with in each fold."""
        return self.champion_seeds if racer == self.champion else self.seeds


@dataclasses.dataclass(frozen=True, kw_only=True)
class Racer:
    """One configuration in a race.

    `trial_id` is its search trial, or the URI of the champion (variant `champion`). `accuracy` is that on the test people of
    the folds that it ran, with an interval over people and trainings; `by_fold` its parts. `left_after` is the number of folds
    after which it left, `None` for who ran all. `behind` is its accuracy minus the winner's on the same people.
    """

    trial_id: str
    variant: str
    parameters: dict[str, Any]
    accuracy: Interval
    by_fold: tuple[float, ...]
    left_after: int | None
    behind: Interval | None
    best_epoch: int


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


def course_of(ledger: Ledger) -> Course | None:
    """The last race on the present data; `None` where there was none."""
    events = [event for event in ledger.events_of_data() if event["event"] == EVENT]
    if not events:
        return None
    known = {field.name for field in dataclasses.fields(Course)}
    facts: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value for key, value in events[-1].items() if key in known
    }
    return Course(**facts)


def runs_of(ledger: Ledger, course: Course, racer: str) -> dict[int, list[Trial]]:
    """The finished trainings of a racer by fold, of those folds that have all its seeds."""
    seeds, found = course.seeds_of(racer), {}
    variant = CHAMPION if racer == course.champion else ""
    for trial in ledger.finished("race"):
        if (
            (trial.of, trial.variant) == (racer, variant)
            and trial.seed in seeds
            and predictions_of(ledger, trial).exists()
        ):
            found.setdefault(trial.folds[0], {})[trial.seed] = trial
    return {fold: list(found[fold].values()) for fold in course.folds if len(found.get(fold, {})) == len(seeds)}


def answers_of(ledger: Ledger, runs: Mapping[int, Sequence[Trial]]) -> Answers:
    """What `runs` answered, by person and fold; several seeds of a fold answer with the mean of their probabilities."""
    tables = [_averaged(ledger, trials).assign(fold=fold) for fold, trials in runs.items()]
    grouped = pd.concat(tables, ignore_index=True).groupby(["fold", "subject_id"], sort=True)["correct"]
    right, clips = grouped.sum(), grouped.size()
    return Answers(
        right=right.to_numpy(dtype=float),
        clips=clips.to_numpy(dtype=float),
        people=right.index.get_level_values("subject_id").to_numpy(dtype=object),
        folds=right.index.get_level_values("fold").to_numpy(),
    )


def raced(ledger: Ledger) -> Raced | None:
    """What the last race of `ledger` says; `None` where none ended, or where its winner's predictions are gone."""
    course = course_of(ledger)
    if course is None or not course.winner:
        return None
    runs = {name: runs_of(ledger, course, name) for name in (*course.members, course.champion) if name}
    left, answers = dict(course.left), {}
    for name, of_folds in runs.items():
        kept = {fold: trials for fold, trials in of_folds.items() if fold in course.folds[: left.get(name)]}
        if kept and name not in course.failed:
            runs[name], answers[name] = kept, answers_of(ledger, kept)
    if course.winner not in answers:
        return None
    winner = answers[course.winner]
    racers = [_racer(ledger, course, name, runs[name], found, winner) for name, found in answers.items()]
    racers.sort(key=lambda row: (row.trial_id != course.winner, row.left_after is not None, -row.accuracy.mean))
    units = units_of(pd.concat([judged(predictions_of(ledger, run)) for run in _flat(runs[course.winner])]))
    people = set(winner.people.tolist())
    return Raced(
        winner=course.winner,
        racers=tuple(racers),
        corrected=_corrected(course, answers, len(_flat(runs[course.winner]))),
        num_folds=winner.num_folds,
        num_seeds=len(course.seeds),
        num_people=None if units == "clips" else len(people),
        num_clips=round(winner.clips.sum()),
        num_trainings=sum(len(_flat(runs[name])) for name in answers),
        failed=course.failed,
        leaky=ledger.leaky,
        units=units,
    )


def _corrected(course: Course, answers: Mapping[str, Answers], num_trainings: int) -> Interval | None:
    """Among those that ran every fold: two folds, of easy people perhaps, say nothing of how one compares on five."""
    whole = {name: answers[name] for name in course.members if name in answers and name not in course.left}
    winner = answers[course.winner]
    if winner.accuracy < max(found.accuracy for found in whole.values()) or len(set(winner.people.tolist())) < 3:
        return None
    return with_trainings(race.corrected(list(whole.values())), num_trainings)


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


def _racer(
    ledger: Ledger, course: Course, name: str, runs: Mapping[int, Sequence[Trial]], answers: Answers, winner: Answers
) -> Racer:
    folds = [race.among(answers, [fold]) for fold in runs]
    trained = _flat(runs)
    behind = None
    if answers is not winner and len(set(winner.people.tolist()) & set(answers.people.tolist())) > 1:
        behind = race.paired(answers, winner).interval()
    return Racer(
        trial_id=name,
        variant=CHAMPION if name == course.champion else "",
        parameters=trained[0].parameters,
        accuracy=_interval(answers, course.test_over_train, len(trained)),
        by_fold=tuple(fold.accuracy for fold in folds),
        left_after=course.left.get(name),
        behind=behind,
        best_epoch=round(statistics.median(trial.metrics["best_epoch"] for trial in trained)),
    )


def _interval(answers: Answers, test_over_train: float, num_trainings: int) -> Interval:
    """Over people and trainings."""
    people = answers.people.tolist()
    if answers.num_folds > 1 and len(set(people)) > 1:
        found = sources(answers.right[:, np.newaxis], answers.clips, answers.people.astype(str), answers.folds)
        estimate = subject_estimate(found, test_over_train)
        plain = dataclasses.replace(estimate, mean=answers.accuracy)
        return with_trainings(share_interval(plain, found.num_clips, found.num_subjects), num_trainings)
    correct, subjects = [], []
    for person, right, clips in zip(people, answers.right, answers.clips, strict=True):
        correct += [1.0] * round(right) + [0.0] * (round(clips) - round(right))
        subjects += [str(person)] * round(clips)
    return with_trainings(accuracy_interval(correct, subjects), num_trainings)


def _averaged(ledger: Ledger, trials: Sequence[Trial]) -> pd.DataFrame:
    tables = [judged(predictions_of(ledger, trial)) for trial in trials]
    if len(tables) == 1:
        return tables[0]
    clips = tables[0]["clip_id"].tolist()
    shares = sum(_probabilities(table.set_index("clip_id").loc[clips, "logits"]) for table in tables)
    assert isinstance(shares, np.ndarray)
    return tables[0].assign(correct=(shares.argmax(axis=1) == tables[0]["label"].to_numpy()).astype(float))


def _probabilities(logits: pd.Series) -> np.ndarray:
    values = np.stack(logits.to_list()).astype(float)
    values = np.exp(values - values.max(axis=1, keepdims=True))
    return values / values.sum(axis=1, keepdims=True)


def _flat(runs: Mapping[int, Sequence[Trial]]) -> list[Trial]:
    return [trial for trials in runs.values() for trial in trials]
