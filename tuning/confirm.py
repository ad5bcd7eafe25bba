"""Believing a search: the front's members are trained again with fresh seeds and scored on people nobody has seen.

The best of N trials is biased upward by being the best. A confirmation trains each chosen configuration with seeds that
the search did not use, chooses the epoch on validation data as ever, and only then looks at the locked holdout.
"""

from __future__ import annotations

from tuning.evidence import Evidence, evidence, ranked_front
from tuning.ledger import Ledger, Trial
from tuning.searcher import SEED_STRIDE
from tuning.study_runner import Runner

CONFIRM_SEED = 1000 * SEED_STRIDE  # above every seed of a search


def confirm(runner: Runner, *, top: int = 3, seeds: int = 2, trial_id: str | None = None) -> list[Evidence]:
    """Train the `top` members of the front (the recommended one first) with `seeds` fresh seeds; score the holdout.

    The study's controls are trained beside the first of them. With `trial_id` that trial alone is confirmed. What is
    confirmed already is not run again.

    Raises `ValueError` where there is nothing to confirm.
    """
    if runner.study.design is not None:
        raise ValueError(
            f"Study {runner.study.name} is an ablation: all its people are compared on, and none are locked away to confirm on."
        )
    members = [_finished(runner.ledger, trial_id)] if trial_id else ranked_front(runner.ledger)[:top]
    if not members:
        raise ValueError(f"Study {runner.study.name} has no finished search trial; run it first.")
    variants = [(member, "", {}) for member in members]
    if trial_id is None:
        variants += [(members[0], name, dict(changes)) for name, changes in runner.study.controls.items()]
    todo = [
        Trial(
            phase="confirm",
            parameters={**member.parameters, **changes},
            seed=CONFIRM_SEED + number,
            folds=runner.study.search_folds[:1],
            of=member.trial_id,
            variant=variant,
        )
        for member, variant, changes in variants
        for number in range(seeds)
    ]
    runner.run_listed("confirm", todo)
    return evidence(runner.ledger)


def _finished(ledger: Ledger, trial_id: str) -> Trial:
    finished = [trial.trial_id for trial in ledger.of_phase("search") if trial.state == "FINISHED"]
    if trial_id not in finished:
        raise ValueError(f"There is no finished search trial {trial_id!r}. There are: {', '.join(finished) or 'none'}.")
    return ledger.trials[trial_id]
