"""The trainings that a gate compares: those of a race, and what they lack of seeds."""

from __future__ import annotations

from tuning.confirming.gate_folds import (
    GateFolds,
    gate_folds,
    gate_trials,
    seeds_of_challenger,
    seeds_of_champion,
)
from tuning.confirming.kept_trainings import run_race
from tuning.confirming.race import NoWinner, race_of, winner_of
from tuning.evidence.champion import Champion
from tuning.evidence.contest import FEWEST_PEOPLE, Refused, Sides
from tuning.evidence.gate.answers import seeds_in_all, trainings_of
from tuning.evidence.holdout import Evidence
from tuning.evidence.race import Course, course_of
from tuning.execution.runner import Runner
from tuning.records.ledger import first_error
from tuning.statistics.units import counted


def sides_of(runner: Runner, found: Evidence, champion: Champion, *, num_members: int, gate_seeds: int) -> Sides:
    """The trainings of `found` and of the champion in the folds of a race, `gate_seeds` in each where one answers alone.

    What is missing is trained: the race itself where `found` ran none beside this champion, then seeds, in those folds that
    test somebody outside the recorded set. Raises `Refused` where too few people are left, and where trainings fail.
    """
    where = gate_folds(runner, champion)
    _require_people(runner, where)
    course, member = _course(runner, found, champion, num_members), runner.ledger.trials[found.trial_id]
    seeds = {"num_members": num_members, "gate_seeds": gate_seeds}
    run_race(runner, gate_trials(runner, where.folds, member, champion, **seeds))
    wanted = {
        found.trial_id: seeds_of_challenger(runner, num_members, gate_seeds),
        champion.uri: seeds_of_champion(champion, gate_seeds),
    }
    sides = []
    for name, of in wanted.items():
        trained = trainings_of(runner.ledger, name, where.folds)
        if not set(of) <= set(seeds_in_all(trained)):
            because = first_error(trial for trial in runner.ledger.of_phase("race") if trial.of == name)
            raise Refused(
                f"{name} could not be trained with {len(of)} seeds in every fold, so nothing is compared.{because}"
            )
        sides.append({fold: {seed: trained[fold][seed] for seed in of} for fold in where.folds})
    return Sides(
        course=course,
        challenger=sides[0],
        champion=sides[1],
        num_members=num_members,
        left_out=where.left_out,
        units=runner.prepared.units,
    )


def _course(runner: Runner, found: Evidence, champion: Champion, num_members: int) -> Course:
    """The last race, where `found` ran it to its end beside this champion; else a new one of these two."""
    course = course_of(runner.ledger)
    if course is None or not _covers(runner, course, found, champion, num_members):
        try:
            alone = [runner.ledger.trials[found.trial_id]]
            winner_of(runner, race_of(runner, alone, champion, num_members, these=True), champion)
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


def _require_people(runner: Runner, where: GateFolds) -> None:
    if where.num_people < FEWEST_PEOPLE or len(where.folds) < 2:
        left = counted(where.num_people, runner.prepared.units)
        raise Refused(
            f"{left} in {len(where.folds)} folds are left that no choice behind the two has seen; at least {FEWEST_PEOPLE} in "
            "2 are needed to compare them. Bring other people.",
            overridable=True,
        )
