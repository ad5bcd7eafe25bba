"""What a confirmation or a promotion is about to train: told before its first training, without what is trained already."""

from __future__ import annotations

import itertools
import statistics
from collections.abc import Sequence
from typing import Any

from search_spaces.core.study import Study
from trainables.core.wording import counted
from tuning.confirming.beside import trials_of_champion
from tuning.confirming.race import racers_of, trainings_of
from tuning.evidence.champion import Champion
from tuning.execution.runner import Runner
from tuning.execution.seeds import refit_seeds
from tuning.records.front.course import Course
from tuning.records.ledger import Ledger, Trial
from tuning.records.trial import identity
from tuning.statistics.race import FEWEST_FOLDS


def on_holdout(
    study: Study, winner: Trial, champion: Champion | None, seeds: Sequence[int], *, controls: bool
) -> list[Trial]:
    """What is scored on the holdout with each of `seeds`: the winner, the study's `controls`, the champion beside it."""
    changed = {"": {}, **(study.controls if controls else {})}
    trials = [
        Trial(
            phase="confirm",
            parameters={**winner.parameters, **changes},
            seed=seed,
            folds=study.search_folds[:1],
            of=winner.trial_id,
            variant=variant,
        )
        for variant, changes in changed.items()
        for seed in seeds
    ]
    if champion and not champion.is_configuration(study, winner.parameters):
        trials += trials_of_champion(champion, "confirm", seeds, study.search_folds[:1])
    return trials


def tell_confirmation(
    runner: Runner,
    course: Course | None,
    candidates: Sequence[Trial],
    champion: Champion | None,
    seeds: Sequence[int],
    num_refits: int,
) -> None:
    """Tell what is left of the race `course`, then of the one of `candidates` that has most left, and of its refits."""
    raced = _lacking(runner, trainings_of(runner, course, champion)) if course else []
    if course and course.winner and not raced:
        candidates = [trial for trial in racers_of(runner, course) if trial.trial_id == course.winner]
    rests = [
        (
            _lacking(runner, on_holdout(runner.study, one, champion, seeds, controls=course is not None)),
            _refits(runner, one, champion, num_refits),
        )
        for one in candidates
    ]
    tested, refitted = max(rests, key=lambda rest: sum(map(len, rest)))
    _tell(runner, course, raced, tested, refitted)


def tell_promotion(
    runner: Runner, winner: Trial, champion: Champion | None, seeds: Sequence[int], num_refits: int
) -> None:
    """Tell what is left of the promotion of a `winner` that is confirmed with `seeds`."""
    beside = [trial for trial in on_holdout(runner.study, winner, champion, seeds, controls=False) if trial.variant]
    _tell(runner, None, [], _lacking(runner, beside), _refits(runner, winner, champion, num_refits))


def _tell(
    runner: Runner, course: Course | None, raced: list[Trial], tested: list[Trial], refitted: list[Trial]
) -> None:
    trials = [*raced, *tested, *refitted]
    if not trials:
        return
    parts, after = [], ""
    if course and raced:
        beside = f" beside the champion ({course.champion})" if course.champion else ""
        of = f"{counted(len(course.members), 'configuration')}{beside} over {counted(len(course.folds), 'fold')}"
        parts.append(f"{len(raced)} in the race of {of}")
        if len(course.members) > 1 and len(course.folds) > FEWEST_FOLDS:
            after = " Who is clearly worse leaves the race early."
    if tested:
        named = dict.fromkeys(trial.variant or ("winner" if course else "configuration") for trial in tested)
        parts.append(f"{len(tested)} for the holdout ({', '.join(named)})")
    if refitted:
        parts.append(counted(len(refitted), "refit"))
    most = f"{counted(len(trials), 'training')} at most{_duration(runner.ledger, trials)}"
    runner.noted(f"{most}: {', then '.join(parts)}.{after}")


def _lacking(runner: Runner, trials: Sequence[Trial]) -> list[Trial]:
    """Those of `trials` that have not finished."""
    phases = {trial.phase for trial in trials}
    known = {(phase, identity(runner.study, one)) for phase in phases for one in runner.ledger.finished(phase)}
    return [trial for trial in trials if (trial.phase, identity(runner.study, trial)) not in known]


def _refits(runner: Runner, winner: Trial, champion: Champion | None, count: int) -> list[Trial]:
    """The refits that `winner` lacks of `count`; the champion's own configuration needs none, or as many as answer in it."""
    if champion and count and champion.is_configuration(runner.study, winner.parameters):
        if champion.has_data(runner.prepared) and count <= champion.num_members:
            return []
        count = max(count, champion.num_members)
    done = {trial.seed for trial in runner.ledger.finished("refit") if trial.of == winner.trial_id}
    given: dict[str, Any] = {
        "parameters": winner.parameters,
        "folds": runner.study.search_folds[:1],
        "of": winner.trial_id,
    }
    seeds = refit_seeds(count) if count else []
    return [Trial(phase="refit", seed=seed, **given) for seed in seeds if seed not in done]


def _duration(ledger: Ledger, trials: Sequence[Trial]) -> str:
    """`, about 1.3 hours one after another`, from what finished trainings took; `""` where none tells."""
    took: dict[str, list[float]] = {}
    for trial in ledger.trials.values():
        if trial.state == "FINISHED" and (seconds := trial.metrics.get("wall_time_s")):
            took.setdefault(trial.of or trial.trial_id, []).append(seconds / len(trial.folds))
    if not took:
        return ""
    usual = statistics.fmean(itertools.chain(*took.values()))
    hours = sum(statistics.fmean(took.get(trial.of, [usual])) for trial in trials) / 3600
    told = f"{hours:,.1f} hours" if hours >= 1 else counted(max(round(60 * hours), 1), "minute")
    return f", about {told} one after another"
