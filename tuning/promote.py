"""`promote`: from a confirmed configuration to the registered champion, or a refusal that says why."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

from search_spaces.core.study import Study
from tuning.confirm import confirm_search, members_of
from tuning.confirming.budget import tell_promotion
from tuning.confirming.judging import judged, tell_margin
from tuning.confirming.preferring import choose_by, require_preference
from tuning.confirming.race import NoWinner, standing_winner
from tuning.confirming.refits import NotRefitted, refits
from tuning.confirming.registering import as_it_is, register
from tuning.evidence.champion import Champion, Incomparable, champion_of
from tuning.evidence.contest import NUM_SEEDS, Promotion, Refused, require_comparable
from tuning.evidence.holdout import Evidence, Holdout
from tuning.evidence.model.override import Override, override_of
from tuning.evidence.model.renewal import has_grown, renewed, same_configuration
from tuning.evidence.race import raced
from tuning.execution.devices.placement import Placement
from tuning.execution.runner import Listener, Runner
from tuning.execution.seeds import MOST_CONFIRMED
from tuning.execution.seeds import refit_seeds as seeds_of_refits
from tuning.notifying.watched import notified
from tuning.records.home import home_of, name_of
from tuning.records.ledger import first_error
from tuning.records.mlflow_store import require_answers
from tuning.records.moved_home import open_store
from tuning.statistics.gate.superiority import MARGIN, SAVING, require_allowed
from tuning.text.progress import heard


def promote(
    study: str | Study,
    *,
    trial_id: str | None = None,
    margin: float | None = None,
    refit_seeds: int = 1,
    gate_seeds: int = NUM_SEEDS,
    prefer: str | None = None,
    override: str | None = None,
    priority: str = "normal",
    home: str | Path | None = None,
    data_root: str | Path | None = None,
    notify: str | None = None,
    progress: bool | Listener = False,
    verbose: bool = False,
) -> Promotion:
    """Promote from a study that was begun, as `promote_winner` says; with `prefer`, after choosing by it (`Preference`).

    `priority` is that of `Placement`, `notify` that of `run`.
    """
    require_preference(prefer, trial_id)
    override_of(override)
    margin = MARGIN if margin is None else margin

    def require(runner: Runner) -> None:
        require_allowed(margin=margin, saving=SAVING)
        _require_seeds(gate_seeds)
        seeds_of_refits(refit_seeds)
        _require_promotable(runner.study, leaky=runner.study.folds == "random_leaky")
        members_of(runner, trial_id=trial_id)
        require_comparable(runner.study, runner.ledger, trial_id)
        require_registry(runner)

    given: dict[str, Any] = {"home": home, "data_root": data_root, "verbose": verbose}
    given["placement"] = Placement(priority=priority)
    with (
        notified(notify, name_of(study), home_of(home), heard(progress)) as listener,
        Runner(study, listener, **given, begun=True, require=require) as runner,
    ):
        choose_by(runner, prefer)
        asked: dict[str, Any] = {"trial_id": trial_id, "margin": margin, "refit_seeds": refit_seeds}
        asked["gate_seeds"] = gate_seeds
        promoted = promote_winner(runner, override=override, **asked)
    return dataclasses.replace(promoted, notes=tuple(runner.notes))


def promote_winner(
    runner: Runner,
    *,
    trial_id: str | None = None,
    margin: float = MARGIN,
    saving: float = SAVING,
    refit_seeds: int = 1,
    gate_seeds: int = NUM_SEEDS,
    override: str | None = None,
) -> Promotion:
    """Refit and register the winner of a study's race (or the configuration of `trial_id`) as champion.

    The race is run, and its winner confirmed, where evidence is missing. Every champion must beat the majority baseline; one
    that follows must also beat the present champion on what both answered in the folds of the race (`superiority`: superior,
    or within what is left of `margin` with `saving` fewer parameters or less time), as one of all that entered a race, at what
    is left of the error budget of these people (`ErrorBudget`). Both are trained with `gate_seeds` seeds in each fold that
    tests somebody outside the recorded set. What is champion already is left as it is. The refit trains
    on everybody but the holdout, for the median best epoch of the confirmed runs, with `refit_seeds` seeds; of several, which
    the race then tests as one, a model is registered that answers with the mean of their probabilities. The evidence belongs to
    the configuration, and the tags say so. Beside the weights lie `evidence.json` and the model card. Whoever dies on the way
    leaves the old champion or the new one, and calls again.

    The champion's own configuration is promoted untested on data that have only grown, and with more `refit_seeds` than it has
    members.

    An `override`, the reason in words, promotes where the gate refuses: where the majority baseline or the champion is not
    beaten. The version is tagged with it, the evidence says what was refused (docs/decisions/0033).

    Raises `Refused` where a condition fails, where classes differ from the present champion's or too few people are left,
    where its configuration is the same, where somebody else changed the champion meanwhile, where the folds share people,
    and for an ablation; `ValueError`, before anything is trained, for a `margin` or `saving` that no test can be made
    with and for `refit_seeds`, `gate_seeds` and an `override` that are not allowed. Of a real data set's drawn copy the name
    ends in `-drawn`.
    """
    require_allowed(margin=margin, saving=saving)
    _require_seeds(gate_seeds)
    seeds_of_refits(refit_seeds)
    overriding = override_of(override)
    _require_promotable(runner.study, leaky=runner.splits.leaky)
    try:
        champion = champion_of(runner.study, runner.prepared, runner.splits, runner.tracker.uri, runner.home)
    except Incomparable as error:
        raise Refused(str(error)) from error
    holdout = Holdout(runner.ledger)
    try:
        test: dict[str, Any] = {"margin": margin, "saving": saving, "gate_seeds": gate_seeds}
        promoted = _promoted(runner, holdout, champion, trial_id, test, refit_seeds, overriding)
    except Refused as refused:
        refused.rows, refused.race = tuple(holdout.rows()), raced(runner.ledger)
        raise
    return dataclasses.replace(promoted, rows=tuple(holdout.rows()), race=raced(runner.ledger))


def _promoted(
    runner: Runner,
    holdout: Holdout,
    champion: Champion | None,
    trial_id: str | None,
    test: dict[str, Any],
    count: int,
    override: Override | None,
) -> Promotion:
    if champion:
        tell_margin(runner, champion, test["margin"], family=len(members_of(runner, trial_id=trial_id)))
    found = _confirmed(runner, holdout, champion, trial_id, count, test["gate_seeds"])
    same = champion is not None and champion.is_configuration(runner.study, found.parameters)
    if champion and same:
        count = max(count, champion.num_members)
        has_data = champion.has_data(runner.prepared)
        if has_data and count == champion.num_members:
            if override:
                runner.noted(f"The override was not needed: {found.trial_id} is champion already.")
            return as_it_is(runner, found, champion)
        if not has_data and not has_grown(champion, runner.prepared, runner.splits, runner.tracker.uri, runner.home):
            raise Refused(same_configuration(found, champion, runner.prepared))
        runner.noted(renewed(found, champion, count, has_data=has_data))
    rival = None if same else champion
    passed = judged(runner, holdout, found, rival, override=override, num_members=count, **test)
    wanted: dict[str, Any] = {"parameters": found.parameters, "num_epochs": found.best_epoch, "count": count}
    try:
        trained = refits(runner, of=found.trial_id, **wanted)
    except NotRefitted as error:
        raise Refused(str(error)) from error
    return register(runner, holdout, found, champion, passed, trained, dict(test))


def require_registry(runner: Runner) -> None:
    """Raises `ConnectionError` where the registry does not answer, which a promotion needs in the end."""
    require_answers(open_store(runner.home))


def _require_seeds(gate_seeds: int) -> None:
    if not NUM_SEEDS <= gate_seeds <= MOST_CONFIRMED:
        raise ValueError(
            f"gate_seeds={gate_seeds} was given; whole numbers from {NUM_SEEDS} to {MOST_CONFIRMED} are allowed."
        )


def _require_promotable(study: Study, *, leaky: bool) -> None:
    if leaky:
        raise Refused(
            f"Study {study.name} deals clips at random (`random_leaky`), so the same people are in training and in "
            "test. Its accuracy says nothing about others, so nothing of it is promoted. Run a study on the published folds."
        )
    if study.design is not None:
        raise Refused(
            f"Study {study.name} is an ablation: it compares variants on the whole protocol, and no people are locked "
            "away to confirm a champion on. Promote from a search."
        )


def _confirmed(
    runner: Runner,
    holdout: Holdout,
    champion: Champion | None,
    trial_id: str | None,
    refit_seeds: int,
    gate_seeds: int,
) -> Evidence:
    """The evidence for the winner of the race, or for `trial_id`, gathered where it is missing."""
    require_comparable(runner.study, runner.ledger, trial_id)
    trial_id = trial_id or standing_winner(runner, champion, refit_seeds)
    found = holdout.row(trial_id)
    if found is None or len(found.seeds) < NUM_SEEDS:
        try:
            more = {"refit_seeds": refit_seeds, "gate_seeds": gate_seeds}
            chosen = confirm_search(runner, seeds=NUM_SEEDS, trial_id=trial_id, **more)
        except NoWinner as error:
            raise Refused(str(error)) from error
        found = holdout.row(chosen)
        if found is None or len(found.seeds) < NUM_SEEDS:
            because = first_error(trial for trial in runner.ledger.of_phase("confirm") if trial.of == chosen)
            raise Refused(f"{chosen} was not confirmed with {NUM_SEEDS} seeds: some of its trainings failed.{because}")
    else:
        tell_promotion(runner, runner.ledger.trials[found.trial_id], champion, found.seeds, refit_seeds, gate_seeds)
    return found
