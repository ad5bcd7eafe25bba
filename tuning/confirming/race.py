"""The race of a search's likely choices, run fold by fold: its budget, who leaves, who cannot be trained, who wins."""

from __future__ import annotations

import dataclasses
import statistics
from collections.abc import Sequence

from search_spaces.core.preference import preference_of
from trainables.core.wording import counted
from tuning.confirming.beside import trials_of_champion
from tuning.confirming.kept_trainings import run_race
from tuning.evidence.champion import Champion
from tuning.evidence.model.members import SERVED
from tuning.evidence.race import EVENT, Course, answers_of, course_of, runs_of
from tuning.execution.runner import Runner
from tuning.execution.seeds import fresh_seeds
from tuning.records.front.choice import taken
from tuning.records.ledger import Trial, first_error
from tuning.statistics import race

MOST_FOLDS = 5  # that a race runs: more folds would test more people, each at the price of another training


class NoWinner(ValueError):
    """Nobody could be trained in every fold of a race; the message says why."""


def winner_of(runner: Runner, members: list[Trial], champion: Champion | None, refit_seeds: int) -> Trial:
    """The winner of a race of `members` beside `champion`; what was trained before is not trained again."""
    course = _course(runner, members, champion, refit_seeds)
    known = course_of(runner.ledger)
    if known is None or dataclasses.replace(known, left={}, failed={}, winner="") != course:
        runner.noted(_announced(course))
    racers = {member.trial_id: member for member in members}
    living, beside = list(racers), champion if course.champion else None
    rounds = [course.folds[: race.FEWEST_FOLDS], *((fold,) for fold in course.folds[race.FEWEST_FOLDS :])]
    left: dict[str, int] = {}
    failed: dict[str, str] = {}
    for folds in rounds:
        _run_folds(runner, course, [racers[name] for name in living], beside, folds)
        done = course.folds[: course.folds.index(folds[-1]) + 1]
        failed |= {name: _why(runner, name) for name in living if not _whole(runner, course, name, done)}
        living = [name for name in living if name not in failed]
        if len(living) > 1 and folds is not rounds[-1] and preference_of(course.prefer).kind != "weights":
            answers = {name: answers_of(runner.ledger, runs_of(runner.ledger, course, name)) for name in living}
            answers = {name: race.among(found, done) for name, found in answers.items()}
            worse = [name for name in race.clearly_worse(answers) if not _is_champion(runner, champion, racers[name])]
            left |= dict.fromkeys(worse, len(done))
            living = [name for name in living if name not in left]
    if not living:
        raise NoWinner(f"Nobody could be trained in every fold of the race. {next(iter(failed.values()), '')}")
    ended = dataclasses.replace(course, left=left, failed=failed, winner=_taken(runner, course, living))
    if ended != known:
        runner.ledger.note(EVENT, **dataclasses.asdict(ended))
    return racers[ended.winner]


def standing_winner(runner: Runner, champion: Champion | None, refit_seeds: int) -> str | None:
    """Who won the last race, where nothing that it rests on has changed; `None` where it is to be run (again).

    The study has not chosen among its trials since, the champion is the one that ran, and what raced has as many seeds as are
    asked for, or more.
    """
    course, events = course_of(runner.ledger), [event["event"] for event in runner.ledger.events_of_data()]
    if course is None or not course.winner or "selected" in events[len(events) - 1 - events[::-1].index(EVENT) :]:
        return None
    raced_beside = course.champion or next(
        (
            champion.uri
            for name in course.members
            if champion and _is_champion(runner, champion, runner.ledger.trials[name])
        ),
        "",
    )
    if raced_beside != (champion.uri if champion else "") or len(course.seeds) < refit_seeds:
        return None
    return course.winner


def _course(runner: Runner, members: list[Trial], champion: Champion | None, refit_seeds: int) -> Course:
    folds = tuple(range(min(len(runner.splits.folds), MOST_FOLDS)))
    views = [runner.splits.view("race", fold) for fold in folds]
    beside = champion and not any(_is_champion(runner, champion, member) for member in members)
    return Course(
        members=tuple(member.trial_id for member in members),
        champion=champion.uri if champion and beside else "",
        folds=folds,
        seeds=tuple(fresh_seeds(runner.ledger, refit_seeds)),
        champion_seeds=tuple(fresh_seeds(runner.ledger, champion.num_members)) if champion and beside else (),
        test_over_train=sum(len(view.test) for view in views) / sum(len(view.train) for view in views),
        prefer=str(runner.ledger.study.get("prefer") or "knee"),
    )


def _is_champion(runner: Runner, champion: Champion | None, member: Trial) -> bool:
    return champion is not None and champion.is_configuration(runner.study, member.parameters)


def _announced(course: Course) -> str:
    """The budget of a race, before it begins."""
    beside = f" beside the champion ({course.champion})" if course.champion else ""
    leave = (
        " Who is clearly worse leaves early."
        if len(course.members) > 1 and len(course.folds) > race.FEWEST_FOLDS
        else ""
    )
    return (
        f"{counted(course.num_trainings, 'training')} at most: a race of {counted(len(course.members), 'configuration')}"
        f"{beside} over {counted(len(course.folds), 'fold')}.{leave} Then the winner alone is tested on the holdout."
    )


def _run_folds(
    runner: Runner, course: Course, members: list[Trial], champion: Champion | None, folds: Sequence[int]
) -> None:
    """Fold by fold, so that a race that is interrupted has whole folds."""
    todo: list[Trial] = []
    for fold in folds:
        todo += [
            Trial(phase="race", parameters=dict(member.parameters), seed=seed, folds=(fold,), of=member.trial_id)
            for member in members
            for seed in course.seeds
        ]
        if champion:
            todo += trials_of_champion(champion, "race", course.champion_seeds, (fold,))
    run_race(
        runner, todo, trials_of_champion(champion, "race", course.champion_seeds, course.folds) if champion else ()
    )


def _whole(runner: Runner, course: Course, name: str, folds: Sequence[int]) -> bool:
    return set(folds) <= set(runs_of(runner.ledger, course, name))


def _why(runner: Runner, name: str) -> str:
    """Why a member left the race without being worse."""
    because = first_error(trial for trial in runner.ledger.of_phase("race") if trial.of == name)
    return f"{name} could not be trained in every fold.{because}"


def _taken(runner: Runner, course: Course, living: Sequence[str]) -> str:
    """Whom the study's preference takes of those who ran every fold, by what they measured there."""
    values, num_clips = {}, 1
    for name in living:
        runs = runs_of(runner.ledger, course, name)
        trained = [trial.metrics for trials in runs.values() for trial in trials]
        answers, metrics = answers_of(runner.ledger, runs), set.intersection(*(set(found) for found in trained))
        values[name] = {metric: statistics.fmean(found[metric] for found in trained) for metric in metrics}
        values[name] |= {
            metric: len(course.seeds) * values[name][metric]
            for metric in (*SERVED, "train_time_s")
            if metric in values[name]
        }
        values[name]["accuracy"], num_clips = answers.accuracy, round(answers.clips.sum())
    return taken(runner.study, runner.ledger, values, num_clips)
