"""The race of a search's likely choices, run fold by fold: what it trains, who leaves, who cannot be trained, who wins."""

from __future__ import annotations

import dataclasses
import itertools
import statistics
from collections.abc import Sequence

from search_spaces.core.preference import preference_of
from trainables.core.wording import counted
from tuning.confirming.beside import trials_of_champion
from tuning.confirming.kept_trainings import run_race
from tuning.evidence.champion import Champion
from tuning.evidence.model.members import SERVED
from tuning.evidence.race import answers_of, runs_of
from tuning.execution.runner import Runner
from tuning.execution.seeds import champion_seeds, fresh_seeds
from tuning.records.front.choice import taken, within_limits
from tuning.records.front.course import EVENT, Course, course_of
from tuning.records.ledger import Trial, first_error
from tuning.records.trial import refusal_of
from tuning.statistics import race

MOST_FOLDS = 5  # that a race runs: more folds would test more people, each at the price of another training


class NoWinner(ValueError):
    """Nobody could be trained in every fold of a race; the message says why."""


def race_of(
    runner: Runner, members: list[Trial], champion: Champion | None, refit_seeds: int, *, these: bool = False
) -> Course:
    """The race to run of `members` beside `champion`, in the ledger before its first training.

    One that was begun and has not ended goes on with its own members and seeds, where nothing that it rests on has changed;
    where `these` members were asked for, only with them.
    """
    asked, known = _course(runner, members, champion, refit_seeds), _standing(runner, champion, refit_seeds)
    if known and (known.as_begun == asked or (not known.winner and not these and _can_go_on(runner, known))):
        if not known.winner:
            runner.noted(f"The race of {counted(len(known.members), 'configuration')} that was begun goes on.")
        return known
    runner.ledger.note(EVENT, **dataclasses.asdict(asked))
    return asked


def racers_of(runner: Runner, course: Course) -> list[Trial]:
    """The search trials whose configurations race."""
    return [runner.ledger.trials[name] for name in course.members]


def trainings_of(runner: Runner, course: Course, champion: Champion | None) -> list[Trial]:
    """All that a race trains where nobody leaves who has not left."""
    beside, racers = champion if course.champion else None, racers_of(runner, course)
    return [
        trial
        for number, fold in enumerate(course.folds)
        for trial in _of_fold(
            course, [one for one in racers if number < course.left.get(one.trial_id, number + 1)], beside, fold
        )
    ]


def winner_of(runner: Runner, course: Course, champion: Champion | None) -> Trial:
    """Run a race to its end, and say who wins; what was trained before is not trained again."""
    racers = {member.trial_id: member for member in racers_of(runner, course)}
    living, beside = list(racers), champion if course.champion else None
    rounds = [course.folds[: race.FEWEST_FOLDS], *((fold,) for fold in course.folds[race.FEWEST_FOLDS :])]
    ahead = trials_of_champion(beside, "race", course.champion_seeds, course.folds) if beside else []
    left: dict[str, int] = {}
    failed: dict[str, str] = {}
    for folds in rounds:
        todo = [_of_fold(course, [racers[name] for name in living], beside, fold) for fold in folds]
        run_race(runner, list(itertools.chain(*todo)), ahead)  # by fold: what is interrupted has whole folds
        done = course.folds[: course.folds.index(folds[-1]) + 1]
        failed |= {name: _why(runner, name) for name in living if not _whole(runner, course, name, done)}
        living = [name for name in living if name not in failed]
        if folds is not rounds[-1]:
            worse = [
                name
                for name in _worse(runner, course, living, done)
                if not _is_champion(runner, champion, racers[name])
            ]
            left |= dict.fromkeys(worse, len(done))
            living = [name for name in living if name not in left]
            _note(runner, dataclasses.replace(course, left={**course.left, **left}))
    if not living:
        raise NoWinner(f"Nobody could be trained in every fold of the race. {next(iter(failed.values()), '')}")
    ended = dataclasses.replace(course, left=left, failed=failed, winner=_taken(runner, course, living))
    _note(runner, ended)
    return racers[ended.winner]


def standing_winner(runner: Runner, champion: Champion | None, refit_seeds: int) -> str | None:
    """Who won the last race, where nothing that it rests on has changed; `None` where it is to be run (again, or to its end).

    The study has not chosen among its trials since, by the same preference, the champion is the one that ran, and what raced
    has as many seeds as are asked for, or more.
    """
    course = _standing(runner, champion, refit_seeds)
    return course.winner or None if course else None


def _standing(runner: Runner, champion: Champion | None, refit_seeds: int) -> Course | None:
    course, events = course_of(runner.ledger), [event["event"] for event in runner.ledger.events_of_data()]
    if course is None or "selected" in events[len(events) - 1 - events[::-1].index(EVENT) :]:
        return None
    raced_beside = course.champion or next(
        (champion.uri for member in racers_of(runner, course) if champion and _is_champion(runner, champion, member)),
        "",
    )
    same = raced_beside == (champion.uri if champion else "") and course.prefer == _preference(runner)
    return course if same and len(course.seeds) >= refit_seeds else None


def _can_go_on(runner: Runner, course: Course) -> bool:
    return not any(refusal_of(runner.study, member) for member in racers_of(runner, course))


def _note(runner: Runner, course: Course) -> None:
    """Write down how a race stands, where the ledger does not say so."""
    if course != course_of(runner.ledger):
        runner.ledger.note(EVENT, **dataclasses.asdict(course))


def _course(runner: Runner, members: list[Trial], champion: Champion | None, refit_seeds: int) -> Course:
    folds = tuple(range(min(len(runner.splits.folds), MOST_FOLDS)))
    views = [runner.splits.view("race", fold) for fold in folds]
    beside = champion and not any(_is_champion(runner, champion, member) for member in members)
    return Course(
        members=tuple(member.trial_id for member in members),
        champion=champion.uri if champion and beside else "",
        folds=folds,
        seeds=tuple(fresh_seeds(runner.ledger, refit_seeds)),
        champion_seeds=tuple(champion_seeds(champion.num_members)) if champion and beside else (),
        test_over_train=sum(len(view.test) for view in views) / sum(len(view.train) for view in views),
        prefer=_preference(runner),
    )


def _is_champion(runner: Runner, champion: Champion | None, member: Trial) -> bool:
    return champion is not None and champion.is_configuration(runner.study, member.parameters)


def _preference(runner: Runner) -> str:
    return str(runner.ledger.study.get("prefer") or "knee")


def _of_fold(course: Course, members: Sequence[Trial], champion: Champion | None, fold: int) -> list[Trial]:
    return [
        *(
            Trial(phase="race", parameters=dict(member.parameters), seed=seed, folds=(fold,), of=member.trial_id)
            for member in members
            for seed in course.seeds
        ),
        *(trials_of_champion(champion, "race", course.champion_seeds, (fold,)) if champion else ()),
    ]


def _whole(runner: Runner, course: Course, name: str, folds: Sequence[int]) -> bool:
    return set(folds) <= set(runs_of(runner.ledger, course, name))


def _why(runner: Runner, name: str) -> str:
    """Why a member left the race without being worse."""
    because = first_error(trial for trial in runner.ledger.of_phase("race") if trial.of == name)
    return f"{name} could not be trained in every fold.{because}"


def _worse(runner: Runner, course: Course, living: Sequence[str], done: Sequence[int]) -> list[str]:
    """Who has no chance left, after the folds `done`, to be the one whom the study's preference takes.

    By `accuracy` that is who is clearly less accurate, by limits among those that keep to them. `knee` and `small` may take
    anyone within one standard error of the best, so only who lies beyond it. Weights, and a first objective other than
    the accuracy, say nothing of who is behind.
    """
    kind = preference_of(course.prefer).kind
    if kind == "weights" or runner.study.objectives[0].metric != "accuracy":
        return []
    if kind == "limits":
        living = within_limits(runner.study, runner.ledger, _measured(runner, course, living, done)[0])
    num_clips = sum(len(runner.splits.view("race", fold).test) for fold in course.folds)
    answers = {name: answers_of(runner.ledger, _runs(runner, course, name, done)) for name in living}
    return list(race.clearly_worse(answers, num_clips=num_clips if kind in ("knee", "small") else None))


def _taken(runner: Runner, course: Course, living: Sequence[str]) -> str:
    """Whom the study's preference takes of those who ran every fold, by what they measured there."""
    return taken(runner.study, runner.ledger, *_measured(runner, course, living, course.folds))


def _measured(
    runner: Runner, course: Course, names: Sequence[str], folds: Sequence[int]
) -> tuple[dict[str, dict[str, float]], int]:
    """By racer its metrics over `folds`, those of a model of all its seeds, and the number of clips there."""
    values, num_clips = {}, 1
    for name in names:
        runs = _runs(runner, course, name, folds)
        trained = [trial.metrics for trials in runs.values() for trial in trials]
        answers, metrics = answers_of(runner.ledger, runs), set.intersection(*(set(found) for found in trained))
        values[name] = {metric: statistics.fmean(found[metric] for found in trained) for metric in metrics}
        values[name] |= {
            metric: len(course.seeds) * values[name][metric]
            for metric in (*SERVED, "train_time_s")
            if metric in values[name]
        }
        values[name]["accuracy"], num_clips = answers.accuracy, round(answers.clips.sum())
    return values, num_clips


def _runs(runner: Runner, course: Course, name: str, folds: Sequence[int]) -> dict[int, list[Trial]]:
    return {fold: trials for fold, trials in runs_of(runner.ledger, course, name).items() if fold in folds}
