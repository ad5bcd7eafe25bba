"""The trainings that a gate compares: those of a race, and what they lack of seeds."""

from __future__ import annotations

from collections.abc import Sequence

from tuning.confirming.beside import trials_of_champion
from tuning.confirming.kept_trainings import run_race
from tuning.confirming.race import NoWinner, winner_of
from tuning.evidence.champion import Champion, chosen_on
from tuning.evidence.chosen_on import ChosenOn
from tuning.evidence.contest import FEWEST_PEOPLE, NUM_SEEDS, Refused, Sides
from tuning.evidence.gate.answers import seeds_in_all, trainings_of
from tuning.evidence.gate.recorded_set import carried, recorded_clips, recorded_names
from tuning.evidence.holdout import Evidence
from tuning.evidence.race import Course, course_of
from tuning.execution.runner import Runner
from tuning.execution.seeds import fresh_seeds
from tuning.records.ledger import Trial, first_error


def sides_of(
    runner: Runner, found: Evidence, champion: Champion, *, num_members: int, num_seeds: int, margin: float
) -> Sides:
    """The trainings of `found` and of the champion in the folds of a race, `num_seeds` in each where one answers alone.

    What is missing is trained: the race itself where `found` ran none beside this champion, then seeds, in those folds that
    test somebody outside the recorded set. Raises `Refused` where too few people are left, and where trainings fail.
    """
    course = _course(runner, found, champion, num_members)
    left_out = recorded_clips(
        recorded_names(runner.study, runner.folder, runner.prepared, runner.splits),
        [*carried(runner.ledger), *_of_champion(runner, champion)],
        runner.prepared,
    )
    folds = _folds(runner, course, left_out)
    base = course.champion or next(
        name
        for name in course.members
        if champion.is_configuration(runner.study, runner.ledger.trials[name].parameters)
    )
    wanted = {
        found.trial_id: _seeds(runner, course.seeds, num_members, num_seeds),
        base: _seeds(runner, course.seeds_of(base), champion.num_members, num_seeds),
    }
    run_race(
        runner,
        [
            trial
            for fold in folds
            for name in wanted
            for trial in _trials(runner, course, champion, name, wanted[name], fold)
        ],
    )
    trained = {name: trainings_of(runner.ledger, course, name, folds) for name in wanted}
    for name, seeds in wanted.items():
        if not set(seeds) <= set(seeds_in_all(trained[name])):
            because = first_error(trial for trial in runner.ledger.of_phase("race") if trial.of == name)
            raise Refused(
                f"{name} could not be trained with {len(seeds)} seeds in every fold, so nothing is compared.{because}"
            )
    return Sides(
        course=course,
        challenger={
            fold: {seed: trained[found.trial_id][fold][seed] for seed in wanted[found.trial_id]} for fold in folds
        },
        champion={fold: {seed: trained[base][fold][seed] for seed in wanted[base]} for fold in folds},
        num_members=num_members,
        left_out=left_out,
    )


def _course(runner: Runner, found: Evidence, champion: Champion, num_members: int) -> Course:
    """The last race, where `found` ran it to its end beside this champion; else a new one of these two."""
    course = course_of(runner.ledger)
    if course is None or not _covers(runner, course, found, champion, num_members):
        try:
            winner_of(runner, [runner.ledger.trials[found.trial_id]], champion, num_members)
        except NoWinner as error:
            raise Refused(str(error)) from error
        course = course_of(runner.ledger)
        assert course is not None
    return course


def _covers(runner: Runner, course: Course, found: Evidence, champion: Champion, num_members: int) -> bool:
    beside = course.champion == champion.uri or any(
        champion.is_configuration(runner.study, runner.ledger.trials[name].parameters) for name in course.members
    )
    ran = found.trial_id in course.members and found.trial_id not in {*course.left, *course.failed}
    return bool(course.winner) and beside and ran and len(course.seeds) >= num_members


def _of_champion(runner: Runner, champion: Champion) -> list[ChosenOn]:
    """Whom choices behind the champion saw; nobody where that is not known, which can only flatter the champion."""
    try:
        return list(chosen_on(champion, runner.tracker.uri, runner.home).recorded)
    except ValueError:
        return []


def _folds(runner: Runner, course: Course, left_out: frozenset[str]) -> list[int]:
    """The folds that test somebody outside the recorded set."""
    prepared = runner.prepared
    people = {
        fold: {
            prepared.subject_ids[index]
            for index in runner.splits.view("race", fold).test
            if prepared.clip_ids[index] not in left_out
        }
        for fold in course.folds
    }
    count, folds = len(set().union(*people.values())), [fold for fold, who in people.items() if who]
    if count < FEWEST_PEOPLE or len(folds) < 2:
        raise Refused(
            f"{count} people in {len(folds)} folds are left whom no choice behind the two has seen; at least {FEWEST_PEOPLE} in "
            "2 are needed to compare them. Bring other people, or register under another name (`registered_model` of the study)."
        )
    return folds


def _seeds(runner: Runner, raced: Sequence[int], num_members: int, num_seeds: int) -> list[int]:
    """Of several that answer together those that raced, as many as there are; of one alone so many more that they vary."""
    if num_members > 1:
        return list(raced)[:num_members]
    return fresh_seeds(runner.ledger, max(num_seeds, NUM_SEEDS))


def _trials(
    runner: Runner, course: Course, champion: Champion, name: str, seeds: Sequence[int], fold: int
) -> list[Trial]:
    if name == course.champion:
        return trials_of_champion(champion, "race", seeds, (fold,))
    parameters = runner.ledger.trials[name].parameters
    return [Trial(phase="race", parameters=dict(parameters), seed=seed, folds=(fold,), of=name) for seed in seeds]
