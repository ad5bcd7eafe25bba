"""The present champion, trained again beside those that challenge it."""

from __future__ import annotations

from collections.abc import Sequence

from trainables.core.phases import Phase
from tuning.evidence.champion import Champion, Incomparable, champion_of
from tuning.execution.runner import Runner
from tuning.records.aliases import CHAMPION
from tuning.records.ledger import Trial


def trials_of_champion(champion: Champion, phase: Phase, seeds: Sequence[int], folds: Sequence[int]) -> list[Trial]:
    """The champion's configuration, to be trained again with each of `seeds` on each of `folds`."""
    return [
        Trial(
            phase=phase,
            parameters=dict(champion.parameters),
            trainable=champion.trainable,
            seed=seed,
            folds=(fold,),
            of=champion.uri,
            variant=CHAMPION,
        )
        for seed in seeds
        for fold in folds
    ]


def present_champion(runner: Runner) -> Champion | None:
    """The champion to train beside a study's configurations; `None`, told and written down why, where it cannot be had."""
    try:
        champion = champion_of(runner.study, runner.prepared, runner.splits, runner.tracker.uri, runner.home)
    except (Incomparable, ConnectionError) as error:  # the members can be confirmed all the same; `promote` asks again
        runner.ledger.note("champion_left_out", reason=str(error))
        runner.noted(f"Confirmed without the present champion: {error}")
        return None
    return champion
