"""Believing a search: the front's members are trained again with fresh seeds and scored on people nobody has seen.

The best of N trials is biased upward by being the best. A confirmation trains each chosen configuration with seeds that
the search did not use, chooses the epoch on validation data as ever, and only then looks at the locked holdout. The
present champion of the task is trained beside them, with the same seeds on the same people.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from trainables.core.prepared.splits import Phase
from tuning.evidence.champion import Champion, Incomparable, champion_of
from tuning.evidence.holdout import CHAMPION, Evidence, evidence, ranked_front
from tuning.execution.runner import Runner
from tuning.execution.searcher import SEED_STRIDE
from tuning.records.ledger import Ledger, Trial

TOP = 3  # members of the front
CONFIRM_SEED = 1000 * SEED_STRIDE  # above every seed of a search


def confirm(runner: Runner, *, top: int = TOP, seeds: int = 2, trial_id: str | None = None) -> list[Evidence]:
    """Train the `top` members of the front (the recommended one first) with `seeds` fresh seeds; score the holdout.

    The study's controls are trained beside the first of them, and the present champion beside them all, unless it is one
    of them. With `trial_id` that trial alone is confirmed, with the champion. What is confirmed already is not run again.
    A champion that cannot be compared, or that MLflow does not tell of, is left out, and the ledger says why.

    Raises `ValueError` where there is nothing to confirm.
    """
    require_search(runner)
    if top < 1 or seeds < 1:
        raise ValueError(f"top={top} and seeds={seeds} were given; whole numbers of at least 1 are allowed.")
    members = [_finished(runner.ledger, trial_id)] if trial_id else ranked_front(runner.ledger)[:top]
    if not members:
        raise ValueError(f"Study {runner.study.name} has no finished search trial; run it first.")
    variants = [(member, "", {}) for member in members]
    if trial_id is None:
        variants += [(members[0], name, dict(changes)) for name, changes in runner.study.controls.items()]
    fresh = fresh_seeds(runner.ledger, seeds)
    todo = [
        Trial(
            phase="confirm",
            parameters={**member.parameters, **changes},
            seed=seed,
            folds=runner.study.search_folds[:1],
            of=member.trial_id,
            variant=variant,
        )
        for member, variant, changes in variants
        for seed in fresh
    ]
    champion = present_champion(runner)
    if champion and not any(champion.is_configuration(runner.study, member.parameters) for member in members):
        todo += trials_of_champion(champion, "confirm", fresh, runner.study.search_folds[:1])
    runner.run_listed("confirm", todo)
    return evidence(runner.ledger)


def confirm_champion(runner: Runner, champion: Champion, seeds: Sequence[int]) -> list[Evidence]:
    """Train the present champion's configuration with `seeds`, those of a challenger; score the holdout."""
    runner.run_listed("confirm", trials_of_champion(champion, "confirm", seeds, runner.study.search_folds[:1]))
    return evidence(runner.ledger)


def require_search(runner: Runner) -> None:
    """Raises `ValueError` for an ablation."""
    if runner.study.design is not None:
        raise ValueError(
            f"Study {runner.study.name} is an ablation: all its people are compared on, and none are locked away to confirm on."
        )


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
    """The champion to train beside a study's configurations; `None`, and the ledger says why, where it cannot be had."""
    try:
        return champion_of(runner.study, runner.prepared, runner.splits, runner.tracker.uri)
    except (Incomparable, ConnectionError) as error:  # the members can be confirmed all the same; `promote` asks again
        runner.ledger.note("champion_left_out", reason=str(error))
        return None


def fresh_seeds(ledger: Ledger, count: int) -> list[int]:
    """The first `count` seeds from `CONFIRM_SEED` on that no search trial had: the same ones at every call."""
    phases: tuple[Phase, ...] = ("search", "nested_search")
    searched = {trial.seed for phase in phases for trial in ledger.of_phase(phase)}
    return list(itertools.islice((seed for seed in itertools.count(CONFIRM_SEED) if seed not in searched), count))


def _finished(ledger: Ledger, trial_id: str) -> Trial:
    finished = [trial.trial_id for trial in ledger.of_phase("search") if trial.state == "FINISHED"]
    if trial_id not in finished:
        raise ValueError(f"There is no finished search trial {trial_id!r}. There are: {', '.join(finished) or 'none'}.")
    return ledger.trials[trial_id]
