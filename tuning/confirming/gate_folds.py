"""Where the gate tests, on whom, and what it trains there: known before a race begins."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from tuning.confirming.beside import trials_of_champion
from tuning.confirming.race import MOST_FOLDS
from tuning.evidence.champion import Champion, chosen_on
from tuning.evidence.chosen_on import ChosenOn
from tuning.evidence.contest import NUM_SEEDS
from tuning.evidence.gate.recorded_set import carried, recorded_clips, recorded_names
from tuning.execution.runner import Runner
from tuning.execution.seeds import champion_seeds, fresh_seeds
from tuning.records.ledger import Trial


@dataclasses.dataclass(frozen=True, kw_only=True)
class GateFolds:
    """The folds that test somebody outside the recorded set, whose clips are `left_out`, and how many people these are."""

    folds: tuple[int, ...]
    num_people: int
    left_out: frozenset[str]


def gate_folds(runner: Runner, champion: Champion) -> GateFolds:
    """Where a challenger of `runner`'s study and `champion` are compared."""
    prepared, splits = runner.prepared, runner.splits
    names = recorded_names(runner.study, runner.folder, prepared, splits)
    left_out = recorded_clips(names, [*carried(runner.ledger), *_of_champion(runner, champion)], prepared)
    people: dict[int, set[str]] = {}
    for fold in range(min(len(splits.folds), MOST_FOLDS)):
        tested = [index for index in splits.view("race", fold).test if prepared.clip_ids[index] not in left_out]
        people[fold] = {prepared.subject_ids[index] for index in tested}
    folds = tuple(fold for fold, who in people.items() if who)
    return GateFolds(folds=folds, num_people=len(set().union(*people.values())), left_out=left_out)


def seeds_of_challenger(runner: Runner, num_members: int, gate_seeds: int) -> list[int]:
    """Its seeds in a fold: of several that answer together as many as answer, of one alone so many more that they vary."""
    return fresh_seeds(runner.ledger, _count(num_members, gate_seeds))


def seeds_of_champion(champion: Champion, gate_seeds: int) -> list[int]:
    """Likewise of the champion."""
    return champion_seeds(_count(champion.num_members, gate_seeds))


def _count(num_members: int, gate_seeds: int) -> int:
    return num_members if num_members > 1 else max(gate_seeds, NUM_SEEDS)


def gate_trials(
    runner: Runner, folds: Sequence[int], member: Trial, champion: Champion, *, num_members: int, gate_seeds: int
) -> list[Trial]:
    """All that the gate needs of `member` and of the champion, fold by fold, trained already or not."""
    ours, theirs = seeds_of_challenger(runner, num_members, gate_seeds), seeds_of_champion(champion, gate_seeds)
    trials: list[Trial] = []
    for fold in folds:
        trials += _trials(member, ours, fold) + trials_of_champion(champion, "race", theirs, (fold,))
    return trials


def _trials(member: Trial, seeds: Sequence[int], fold: int) -> list[Trial]:
    parameters = dict(member.parameters)
    return [Trial(phase="race", parameters=parameters, seed=seed, folds=(fold,), of=member.trial_id) for seed in seeds]


def _of_champion(runner: Runner, champion: Champion) -> list[ChosenOn]:
    """Whom choices behind the champion saw; nobody where that is not known, which can only flatter the champion."""
    try:
        return list(chosen_on(champion, runner.tracker.uri, runner.home).recorded)
    except ValueError:
        return []
