"""What was chosen among the trials of a ledger: the members of its front, and the best trial of each variant."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any

from search_spaces.core.designs import Design
from search_spaces.core.study import Study
from tuning.records.front.told import members_of
from tuning.records.ledger import Ledger, Trial, objective_values
from tuning.records.trial import refusal_of


def ranked_front(ledger: Ledger) -> list[Trial]:
    """The front's members, who are on it in one draw of five or more: the recommended one, then the best by the study's
    first objective on validation data.
    """
    front = [ledger.trials[trial_id] for trial_id in members_of(ledger)]
    recommended = ledger.selection.get("recommended")
    (metric, direction), *_ = ledger.study.get("objectives") or [["accuracy", "max"]]
    sign = -1 if direction == "max" else 1
    return sorted(
        front, key=lambda trial: (trial.trial_id != recommended, sign * trial.metrics.get(metric, math.inf * sign))
    )


def likely_choices(ledger: Ledger, least: float = 0.0) -> list[Trial]:
    """Whom the study's preference may take: the recommended one, then by how often it takes them as people and seeds vary.

    Of those that it takes in a share `least` of the draws; the front's other members follow where that is 0. All members of
    the front where the study was chosen among by an earlier version, which kept no such shares.
    """
    shares = ledger.selection.get("sureness") or {}
    front = [trial.trial_id for trial in ranked_front(ledger)]
    if not shares:
        return [ledger.trials[name] for name in front]
    recommended = [name for name in front[:1] if name == ledger.selection.get("recommended")]
    often = sorted((name for name, share in shares.items() if share >= least), key=lambda name: -shares[name])
    names = dict.fromkeys([*recommended, *often, *([] if least else front)])
    return [ledger.trials[name] for name in names if name in ledger.trials]


def comparable(study: Study, ledger: Ledger, trials: Iterable[Trial], tell: Callable[[str], None]) -> list[Trial]:
    """Those of `trials` whose configuration can be trained today. `tell` and the ledger hear of the others why not."""
    kept = []
    for trial in trials:
        if not (reason := refusal_of(study, trial)):
            kept.append(trial)
            continue
        tell(incomparable(trial, reason))
        if trial.trial_id not in ledger.incomparable:
            ledger.note("incomparable", of=trial.trial_id, reason=reason)
    return kept


def incomparable(trial: Trial, reason: str) -> str:
    """The sentence for a trial that is compared no more."""
    return f"{trial.trial_id} is incomparable: what it trained cannot be trained any more. {reason}"


def searches_of(ledger: Ledger, design: Design) -> list[Trial]:
    """The search trials of the variants as they are in `design`: what a variant changes leaves them as they are."""
    return [
        trial
        for trial in ledger.of_phase("search")
        if trial.variant in design.variants
        and ledger.effective(trial.parameters)
        == ledger.effective({**trial.parameters, **design.variants[trial.variant]})
    ]


def best_by_variant(ledger: Ledger, study: Study) -> dict[str, dict[str, Any]]:
    """The settings of each variant's best trial by the study's first objective, of those that can be trained today."""
    assert study.design is not None
    first = study.objectives[0]
    sign = 1 if first.direction == "max" else -1
    best: dict[str, tuple[float, Trial]] = {}
    for trial in searches_of(ledger, study.design):
        value = sign * objective_values(trial, [first.metric])[0]
        usable = trial.state == "FINISHED" and math.isfinite(value) and not refusal_of(study, trial)
        if usable and (trial.variant not in best or value > best[trial.variant][0]):
            best[trial.variant] = value, trial
    return {name: best[name][1].parameters for name in study.design.variants if name in best}
