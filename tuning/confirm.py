"""`confirm`: a search's likely choices race by cross-validation, and the winner alone is tested on the locked holdout.

The best of N trials is biased upward by being the best, and one fold with one seed decides by chance. A race trains the
members anew on every fold outside the holdout, with seeds that the search did not use; who is clearly worse leaves early. Then
the winner is trained again and scored on the holdout, once. The present champion of the task races beside them, on the same
people.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Hashable
from functools import partial
from pathlib import Path
from typing import Any

from search_spaces.core.study import Study
from tuning.confirming.beside import present_champion
from tuning.confirming.budget import on_holdout, tell_confirmation
from tuning.confirming.judging import tell_margin
from tuning.confirming.preferring import choose_by, require_preference
from tuning.confirming.race import race_of, racers_of, winner_of
from tuning.evidence.holdout import Evidence, evidence
from tuning.evidence.race import Raced, raced
from tuning.execution.devices.placement import Placement
from tuning.execution.runner import Listener, Runner
from tuning.execution.seeds import fresh_seeds
from tuning.notifying.watched import notified
from tuning.records.home import home_of, name_of
from tuning.records.ledger import Ledger, Trial
from tuning.records.selection import comparable, incomparable, likely_choices, ranked_front
from tuning.records.trial import configuration_of, refusal_of
from tuning.statistics.gate.superiority import MARGIN
from tuning.text.progress import heard

TOP = 4  # configurations that race
LIKELY = 0.10  # the share of the draws in which the study's preference takes who is to race (docs/decisions/0029)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Confirmed:
    """What the confirmations of a study say, the winner first, its ledger, its race, and what to know beside.

    `race` is `None` where one trial alone was asked for (`trial_id`) and none was run before.
    """

    ledger: Ledger
    rows: list[Evidence]
    race: Raced | None = None
    notes: tuple[str, ...] = ()


def confirm(
    study: str | Study,
    *,
    top: int | None = None,
    seeds: int = 2,
    trial_id: str | None = None,
    prefer: str | None = None,
    priority: str = "normal",
    home: str | Path | None = None,
    data_root: str | Path | None = None,
    notify: str | None = None,
    progress: bool | Listener = False,
    verbose: bool = False,
) -> Confirmed:
    """Race the likely choices of a study that was begun, and test the winner on people that no choice has seen.

    As `confirm_search` says.

    With `prefer` the study chooses anew by it first (`Preference`), and remembers it. `priority` is that of `Placement`,
    `notify` that of `run`.
    """
    if top is not None and trial_id is not None:
        raise ValueError("--top and --trial were both given; both choose what is confirmed, so give one of them.")
    require_preference(prefer, trial_id)
    asked: dict[str, Any] = {"top": top, "seeds": seeds, "trial_id": trial_id}
    given: dict[str, Any] = {"home": home, "data_root": data_root, "verbose": verbose}
    given["placement"] = Placement(priority=priority)
    require = partial(members_of, **asked)
    with (
        notified(notify, name_of(study), home_of(home), heard(progress)) as listener,
        Runner(study, listener, **given, begun=True, require=require) as runner,
    ):
        choose_by(runner, prefer)
        confirm_search(runner, **asked)
    ledger = runner.ledger
    return Confirmed(ledger=ledger, rows=evidence(ledger), race=raced(ledger), notes=tuple(runner.notes))


def confirm_search(
    runner: Runner,
    *,
    top: int | None = None,
    seeds: int = 2,
    trial_id: str | None = None,
    refit_seeds: int = 0,
    gate_seeds: int = 0,
) -> str:
    """Race the likely choices, `top` at most, then train the winner with `seeds` fresh seeds and score the holdout.

    Returns the winner. The present champion races beside them, and the study's controls are trained with the winner. With
    `trial_id` there is no race: that trial alone is confirmed, without controls. What is confirmed already is not run again. A
    champion that cannot be compared, or that MLflow does not tell of, is left out, and the ledger says why.
    `refit_seeds` refits of the winner are to follow (0: none), after a gate with `gate_seeds` in each fold: as many seeds race
    together, and the budget that is told counts all of them.

    Raises `ValueError` where there is nothing to confirm.
    """
    members = members_of(runner, top=top, seeds=seeds, trial_id=trial_id)
    comparable(runner.study, runner.ledger, _likely(runner, top), runner.noted)  # tells of the others
    champion = present_champion(runner)
    course = None if trial_id else race_of(runner, members, champion, max(refit_seeds, 1), these=top is not None)
    racers, fresh = racers_of(runner, course) if course else members, fresh_seeds(runner.ledger, seeds)
    if champion and course and not refit_seeds:  # a promotion has told its own
        tell_margin(runner, champion, MARGIN, family=len(racers))
    tell_confirmation(runner, course, racers, champion, fresh, refit_seeds, gate_seeds)
    winner = winner_of(runner, course, champion) if course else members[0]
    runner.run_listed("confirm", on_holdout(runner.study, winner, fresh, controls=trial_id is None))
    return winner.trial_id


def members_of(runner: Runner, *, top: int | None = None, seeds: int = 2, trial_id: str | None = None) -> list[Trial]:
    """The search trials that `confirm_search` confirms. It raises the same, and needs no more than the ledger."""
    require_search(runner)
    if (top is not None and top < 1) or seeds < 1:
        raise ValueError(f"top={top} and seeds={seeds} were given; whole numbers of at least 1 are allowed.")
    fresh_seeds(runner.ledger, seeds)
    members = [_finished(runner, trial_id)] if trial_id else _distinct(runner, top)
    if not members and (front := ranked_front(runner.ledger)):
        reason = incomparable(front[0], refusal_of(runner.study, front[0]))
        raise ValueError(
            f"No member of the front of {runner.study.name} can be trained any more. {reason} Go on with the search "
            "(`run --resume` or `--extend N`), or choose another trial (--trial)."
        )
    if not members:
        raise ValueError(f"Study {runner.study.name} has no finished search trial; run it first.")
    return members


def require_search(runner: Runner) -> None:
    """Raises `ValueError` for an ablation."""
    if runner.study.design is not None:
        raise ValueError(
            f"Study {runner.study.name} is an ablation: it compares on all people, and none are locked away to confirm on."
        )


def _likely(runner: Runner, top: int | None) -> list[Trial]:
    return likely_choices(runner.ledger, LIKELY if top is None else 0.0)


def _distinct(runner: Runner, top: int | None) -> list[Trial]:
    """Who is to race, of those that can be trained today; of those that train the same the first."""
    found: dict[Hashable, Trial] = {}
    for member in _likely(runner, top):
        if refusal_of(runner.study, member):
            continue
        found.setdefault(configuration_of(runner.study, member), member)
    return list(found.values())[: top or TOP]


def _finished(runner: Runner, trial_id: str) -> Trial:
    ledger = runner.ledger
    finished = [trial.trial_id for trial in ledger.finished("search")]
    if trial_id not in finished:
        raise ValueError(f"There is no finished search trial {trial_id!r}. There are: {', '.join(finished) or 'none'}.")
    trial = ledger.trials[trial_id]
    if reason := refusal_of(runner.study, trial):
        raise ValueError(f"{incomparable(trial, reason)} Choose another trial (--trial).")
    return trial
