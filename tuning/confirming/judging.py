"""The gate: a configuration against the majority baseline and the present champion; and an override that passes it."""

from __future__ import annotations

import dataclasses

from trainables.core.prepared.splits import salt_of
from tuning.confirming.contested import sides_of
from tuning.confirming.gate_folds import gate_folds
from tuning.evidence.champion import Champion, registered_name
from tuning.evidence.contest import Contest, Refused, contest, margin_tags, spent_of
from tuning.evidence.gate.error_budget import ErrorBudget
from tuning.evidence.gate.margin import note_margin
from tuning.evidence.holdout import Evidence, Holdout
from tuning.evidence.identities import why_unknown
from tuning.evidence.majority import require_beats_majority
from tuning.evidence.model.override import Override
from tuning.execution.runner import Runner
from tuning.statistics.gate.alpha_investing import next_level


@dataclasses.dataclass(frozen=True, kw_only=True)
class Judged:
    """What the gate measured: the bound `over_majority`, and the contest, `None` where there was none.

    `override` is there where the gate refused, and says so.
    """

    over_majority: dict[str, float] | None
    tested: Contest | None
    override: Override | None = None

    def margin_tags(self, champion: Champion | None) -> dict[str, str]:
        """What a version says of accuracy that was given up (`contest.margin_tags`); an override never sets that back."""
        tested = self.tested
        if tested is not None and self.override is not None:
            tested = dataclasses.replace(tested, verdict=dataclasses.replace(tested.verdict, superior=False))
        return margin_tags(tested, champion)


def error_budget_of(runner: Runner) -> ErrorBudget:
    """The budget of error of the study's people for the model that it would register; its ledger hears what is left."""
    salt = salt_of(runner.prepared.name, runner.study.registered_model)
    name = registered_name(runner.study, runner.prepared)
    return ErrorBudget.of(runner.tracker.uri, name, salt, ledger=runner.ledger, tell=runner.noted)


def judged(
    runner: Runner,
    holdout: Holdout,
    found: Evidence,
    champion: Champion | None,
    *,
    override: Override | None,
    num_members: int,
    gate_seeds: int,
    **test: float,
) -> Judged:
    """What the gate says of `found`; `champion` is `None` where there is none to be tested against.

    Raises `Refused` where it refuses, but for an `override` of what an override may pass. Then all conditions are looked at.
    """
    refused: list[str] = []
    over_majority, tested = None, None
    if why := why_unknown(runner.prepared.units):
        error = Refused(f"{found.trial_id} is not promoted: {why}", overridable=True, gate=why)
        _require_override(error, override)
        refused.append(error.gate)
    try:
        over_majority = require_beats_majority(holdout, runner.study, found)
    except Refused as error:
        _require_override(error, override)
        over_majority = error.over_majority
        refused.append(error.gate)
    if champion is not None:
        try:
            sides = sides_of(runner, found, champion, num_members=num_members, gate_seeds=gate_seeds)
            tested = contest(runner.ledger, runner.study, found, champion, sides, error_budget_of(runner), **test)
        except Refused as error:
            _require_override(error, override)
            tested = error.tested
            refused.append(error.gate)
    if override is None:
        return Judged(over_majority=over_majority, tested=tested)
    if not refused:
        runner.noted(f"The override was not needed: the gate lets {found.trial_id} pass, so nothing is tagged with it.")
        return Judged(over_majority=over_majority, tested=tested)
    used = dataclasses.replace(override, refused=" ".join(refused))
    runner.noted(f"The gate refuses {found.trial_id}, and the override passes it: {used.refused}")
    return Judged(over_majority=over_majority, tested=tested, override=used)


def tell_margin(runner: Runner, champion: Champion, margin: float, *, family: int) -> None:
    """Write the margin down before any training of the race, and tell what it lets pass (docs/decisions/0031)."""
    num_people, level = gate_folds(runner, champion).num_people, next_level(error_budget_of(runner).left)
    if num_people > 1 and level > 0:
        left = max(margin - spent_of(champion), 0.0)
        said = note_margin(runner.ledger, left, num_people=num_people, level=level, family=family)
        if said:
            runner.noted(said)


def _require_override(refused: Refused, override: Override | None) -> None:
    if override is None or not refused.overridable:
        raise refused
