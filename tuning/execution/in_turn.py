"""Several searches in one run: their proposers are asked in turn, and trials that were halted go on first."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from tuning.execution.searcher import Chain, Proposer
from tuning.records.ledger import Trial

if TYPE_CHECKING:
    from trainables.core.prepared.splits import Phase
    from tuning.execution.runner import Runner


class InTurn:
    """Proposers by the `variant` of their trials, asked in turn, so that an early end leaves all about equally far."""

    def __init__(self, proposers: Mapping[str, Proposer]) -> None:
        self._proposers, self._turns = dict(proposers), deque(proposers)

    def propose(self) -> Trial | None:
        for _ in range(len(self._turns)):
            name = self._turns[0]
            self._turns.rotate(-1)
            trial = self._proposers[name].propose()
            if trial is not None:
                return trial
        return None

    def told(self, trial: Trial) -> None:
        self._proposers[trial.variant].told(trial)


def run_in_turn(
    runner: Runner,
    phase: Phase,
    proposers: Mapping[str, Proposer],
    *,
    begun: Sequence[Trial],
    num_new: int,
    **options: Any,
) -> None:
    """Run `num_new` trials of `proposers` after those of `begun` that are half run; `options` are those of `Runner.run`."""
    halted = [trial for trial in begun if trial.halted]
    if count := num_new + len(halted):
        runner.run(phase, Chain(halted, InTurn(proposers)), count, **options)
