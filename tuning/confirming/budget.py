"""What a confirmation or a promotion is about to train: told before its first training, without what is trained already."""

from __future__ import annotations

import itertools
import statistics
from collections.abc import Sequence
from typing import Any

from search_spaces.core.study import Study
from trainables.core.wording import counted
from tuning.confirming.gate_folds import GateFolds, gate_folds, gate_trials
from tuning.confirming.race import racers_of, trainings_of
from tuning.evidence.champion import Champion
from tuning.execution.runner import Runner
from tuning.execution.seeds import refit_seeds
from tuning.records.front.course import Course
from tuning.records.ledger import Ledger, Trial
from tuning.records.trial import identity
from tuning.statistics.race import FEWEST_FOLDS


def on_holdout(study: Study, winner: Trial, seeds: Sequence[int], *, controls: bool) -> list[Trial]:
    """What is scored on the holdout with each of `seeds`: the winner, and the study's `controls`."""
    changed = {"": {}, **(study.controls if controls else {})}
    return [
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


def tell_confirmation(
    runner: Runner,
    course: Course | None,
    candidates: Sequence[Trial],
    champion: Champion | None,
    seeds: Sequence[int],
    num_refits: int,
    gate_seeds: int,
) -> None:
    """Tell what is left of the race `course`, then of the one of `candidates` that has most left, and of its refits.

    Of a promotion, with refits, also of the gate.
    """
    raced = _lacking(runner, trainings_of(runner, course, champion)) if course else []
    if course and course.winner and not raced:
        candidates = [trial for trial in racers_of(runner, course) if trial.trial_id == course.winner]
    where = gate_folds(runner, champion) if champion and num_refits else None
    rests = [
        (
            _lacking(runner, on_holdout(runner.study, one, seeds, controls=course is not None)),
            _of_gate(runner, where, course, one, champion, num_refits, gate_seeds),
            _refits(runner, one, champion, num_refits),
        )
        for one in candidates
    ]
    _tell(runner, course, raced, *max(rests, key=lambda rest: sum(map(len, rest))))


def tell_promotion(
    runner: Runner, winner: Trial, champion: Champion | None, seeds: Sequence[int], num_refits: int, gate_seeds: int
) -> None:
    """Tell what is left of the promotion of a `winner` that is confirmed with `seeds`."""
    tested = _lacking(runner, on_holdout(runner.study, winner, seeds, controls=False))
    where = gate_folds(runner, champion) if champion and num_refits else None
    gate = _of_gate(runner, where, None, winner, champion, num_refits, gate_seeds)
    _tell(runner, None, [], tested, gate, _refits(runner, winner, champion, num_refits))


def _tell(
    runner: Runner,
    course: Course | None,
    raced: list[Trial],
    tested: list[Trial],
    gate: list[Trial],
    refitted: list[Trial],
) -> None:
    trials = [*raced, *tested, *gate, *refitted]
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
    if gate:
        parts.append(f"{len(gate)} for the gate")
    if refitted:
        parts.append(counted(len(refitted), "refit"))
    most = f"{counted(len(trials), 'training')} at most{_duration(runner.ledger, trials)}"
    runner.noted(f"{most}: {', then '.join(parts)}.{after}")


def _of_gate(
    runner: Runner,
    where: GateFolds | None,
    course: Course | None,
    winner: Trial,
    champion: Champion | None,
    num_refits: int,
    gate_seeds: int,
) -> list[Trial]:
    """What a promotion of `winner` trains for the gate beyond the race `course`; nothing for the champion's configuration."""
    if champion is None or where is None or champion.is_configuration(runner.study, winner.parameters):
        return []
    seeds = {"num_members": num_refits, "gate_seeds": gate_seeds}
    lacking = _lacking(runner, gate_trials(runner, where.folds, winner, champion, **seeds))
    raced = {identity(runner.study, trial) for trial in trainings_of(runner, course, champion)} if course else set()
    return [trial for trial in lacking if identity(runner.study, trial) not in raced]


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
