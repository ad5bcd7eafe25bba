"""`confirm`: the front's members are trained again with fresh seeds and tested on the locked holdout.

The best of N trials is biased upward by being the best. A confirmation trains each chosen configuration with seeds that
the search did not use, chooses the epoch on validation data as ever, and only then looks at the locked holdout. The
present champion of the task is trained beside them, with the same seeds on the same people.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Hashable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from search_spaces.core.study import Study
from trainables.core.phases import Phase
from tuning.evidence.champion import Champion, Incomparable, champion_of
from tuning.evidence.holdout import Evidence, evidence
from tuning.execution.preferring import choose_by, require_preference
from tuning.execution.runner import Listener, Runner
from tuning.execution.seeds import fresh_seeds
from tuning.records.aliases import CHAMPION
from tuning.records.ledger import Ledger, Trial
from tuning.records.selection import comparable, incomparable, ranked_front
from tuning.records.trial import configuration_of, refusal_of
from tuning.text.progress import heard

TOP = 3  # members of the front


@dataclasses.dataclass(frozen=True, kw_only=True)
class Confirmed:
    """What the confirmations of a study say, the recommended configuration first, its ledger, and what to know beside."""

    ledger: Ledger
    rows: list[Evidence]
    notes: tuple[str, ...] = ()


def confirm(
    study: str | Study,
    *,
    top: int | None = None,
    seeds: int = 2,
    trial_id: str | None = None,
    prefer: str | None = None,
    home: str | Path | None = None,
    data_root: str | Path | None = None,
    progress: bool | Listener = False,
    verbose: bool = False,
) -> Confirmed:
    """Test the front's members of a study that was begun on people that no choice has seen, as `confirm_search` says.

    With `prefer` the study chooses anew by it first (`Preference`), and remembers it.
    """
    if top is not None and trial_id is not None:
        raise ValueError("--top and --trial were both given; both choose what is confirmed, so give one of them.")
    require_preference(prefer, trial_id)
    asked: dict[str, Any] = {"top": TOP if top is None else top, "seeds": seeds, "trial_id": trial_id}
    given: dict[str, Any] = {"home": home, "data_root": data_root, "verbose": verbose}
    require = partial(members_of, **asked)
    with Runner(study, heard(progress), **given, begun=True, require=require) as runner:
        choose_by(runner, prefer)
        confirm_search(runner, **asked)
    return Confirmed(ledger=runner.ledger, rows=evidence(runner.ledger), notes=tuple(runner.notes))


def confirm_search(runner: Runner, *, top: int = TOP, seeds: int = 2, trial_id: str | None = None) -> None:
    """Train the `top` members of the front (the recommended one first) with `seeds` fresh seeds; score the holdout.

    The study's controls are trained beside the first of them, and the present champion beside them all, unless it is one
    of them. With `trial_id` that trial alone is confirmed, with the champion. What is confirmed already is not run again.
    Members that cannot be trained today are left out, and told.
    A champion that cannot be compared, or that MLflow does not tell of, is left out, and the ledger says why.

    Raises `ValueError` where there is nothing to confirm.
    """
    members = members_of(runner, top=top, seeds=seeds, trial_id=trial_id)
    comparable(runner.study, runner.ledger, ranked_front(runner.ledger), runner.noted)  # tells of the others
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


def members_of(runner: Runner, *, top: int = TOP, seeds: int = 2, trial_id: str | None = None) -> list[Trial]:
    """The search trials that `confirm_search` confirms. It raises the same, and needs no more than the ledger."""
    require_search(runner)
    if top < 1 or seeds < 1:
        raise ValueError(f"top={top} and seeds={seeds} were given; whole numbers of at least 1 are allowed.")
    fresh_seeds(runner.ledger, seeds)
    members = [_finished(runner, trial_id)] if trial_id else _distinct(runner)[:top]
    if not members and (front := ranked_front(runner.ledger)):
        reason = incomparable(front[0], refusal_of(runner.study, front[0]))
        raise ValueError(
            f"No member of the front of {runner.study.name} can be trained any more. {reason} Go on with the search "
            "(`run --resume` or `--extend N`), or choose another trial (--trial)."
        )
    if not members:
        raise ValueError(f"Study {runner.study.name} has no finished search trial; run it first.")
    return members


def confirm_champion(runner: Runner, champion: Champion, seeds: Sequence[int]) -> None:
    """Train the present champion's configuration with `seeds`, those of a challenger; score the holdout."""
    runner.run_listed("confirm", trials_of_champion(champion, "confirm", seeds, runner.study.search_folds[:1]))


def require_search(runner: Runner) -> None:
    """Raises `ValueError` for an ablation."""
    if runner.study.design is not None:
        raise ValueError(
            f"Study {runner.study.name} is an ablation: it compares on all people, and none are locked away to confirm on."
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
    """The champion to train beside a study's configurations; `None`, told and written down why, where it cannot be had."""
    try:
        champion = champion_of(runner.study, runner.prepared, runner.splits, runner.tracker.uri, runner.home)
    except (Incomparable, ConnectionError) as error:  # the members can be confirmed all the same; `promote` asks again
        runner.ledger.note("champion_left_out", reason=str(error))
        runner.noted(f"Confirmed without the present champion: {error}")
        return None
    if champion and champion.common is not None:
        runner.noted(
            "The search of the present champion chose on some of the people who are held out here, so its accuracy on the "
            f"holdout may be too good. `promote` tests on the {len(champion.common)} clips of the others."
        )
    return champion


def _distinct(runner: Runner) -> list[Trial]:
    """The front's members that can be trained today, of those that train the same the first."""
    found: dict[Hashable, Trial] = {}
    for member in ranked_front(runner.ledger):
        if refusal_of(runner.study, member):
            continue
        found.setdefault(configuration_of(runner.study, member), member)
    return list(found.values())


def _finished(runner: Runner, trial_id: str) -> Trial:
    ledger = runner.ledger
    finished = [trial.trial_id for trial in ledger.finished("search")]
    if trial_id not in finished:
        raise ValueError(f"There is no finished search trial {trial_id!r}. There are: {', '.join(finished) or 'none'}.")
    trial = ledger.trials[trial_id]
    if reason := refusal_of(runner.study, trial):
        raise ValueError(f"{incomparable(trial, reason)} Choose another trial (--trial).")
    return trial
