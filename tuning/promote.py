"""`promote`: from a confirmed configuration to the registered champion, or a refusal that says why."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from search_spaces.core.study import Study
from trainables.core import files
from tuning.confirm import confirm_search, members_of
from tuning.confirming.beside import confirm_champion
from tuning.confirming.budget import tell_promotion
from tuning.confirming.preferring import choose_by, require_preference
from tuning.confirming.race import NoWinner, standing_winner
from tuning.confirming.refits import NotRefitted, model_folder, refits
from tuning.evidence.champion import (
    Champion,
    Incomparable,
    champion_of,
    registered_name,
    version_tags,
)
from tuning.evidence.chosen_on import ChosenOn
from tuning.evidence.contest import (
    NUM_SEEDS,
    Contest,
    Promotion,
    Refused,
    champion_beside,
    contest,
    margin_tags,
    require_comparable,
)
from tuning.evidence.evidence_file import facts_of, write_evidence
from tuning.evidence.holdout import Evidence, Holdout
from tuning.evidence.majority import require_beats_majority
from tuning.evidence.model.renewal import has_grown, renewed, same_configuration
from tuning.evidence.model_card import as_description, model_card
from tuning.evidence.race import raced
from tuning.execution.runner import Listener, Runner
from tuning.execution.seeds import refit_seeds as seeds_of_refits
from tuning.records import registry, tags
from tuning.records.aliases import ChampionChanged, champion_uri
from tuning.records.home import git_commit
from tuning.records.ledger import Trial, first_error
from tuning.records.mlflow_store import require_answers
from tuning.records.moved_home import open_store
from tuning.statistics.superiority import MARGIN, SAVING, require_allowed
from tuning.text.progress import heard

ALPHA = 0.05  # the chance of a false promotion, over all challengers that are confirmed together and all looks at them


def promote(
    study: str | Study,
    *,
    trial_id: str | None = None,
    margin: float | None = None,
    refit_seeds: int = 1,
    prefer: str | None = None,
    home: str | Path | None = None,
    data_root: str | Path | None = None,
    progress: bool | Listener = False,
    verbose: bool = False,
) -> Promotion:
    """Promote from a study that was begun, as `promote_winner` says; with `prefer`, after choosing by it (`Preference`)."""
    require_preference(prefer, trial_id)
    margin = MARGIN if margin is None else margin

    def require(runner: Runner) -> None:
        require_allowed(alpha=ALPHA, margin=margin, saving=SAVING)
        seeds_of_refits(refit_seeds)
        _require_promotable(runner.study, leaky=runner.study.folds == "random_leaky")
        members_of(runner, trial_id=trial_id)
        require_comparable(runner.study, runner.ledger, trial_id)
        require_registry(runner)

    given: dict[str, Any] = {"home": home, "data_root": data_root, "verbose": verbose}
    with Runner(study, heard(progress), **given, begun=True, require=require) as runner:
        choose_by(runner, prefer)
        promoted = promote_winner(runner, trial_id=trial_id, margin=margin, refit_seeds=refit_seeds)
    return dataclasses.replace(promoted, notes=tuple(runner.notes))


def promote_winner(
    runner: Runner,
    *,
    trial_id: str | None = None,
    alpha: float = ALPHA,
    margin: float = MARGIN,
    saving: float = SAVING,
    refit_seeds: int = 1,
) -> Promotion:
    """Refit and register the winner of a study's race (or the configuration of `trial_id`) as champion.

    The race is run, and its winner confirmed, where evidence is missing. Every champion must beat the majority baseline; one
    that follows must also beat the present champion on the same holdout people (`superiority`: superior, or within what is
    left of `margin` with `saving` fewer parameters or less time), as one of all confirmed configurations, by Holm at what of
    `alpha` is left to this look at the holdout (`alpha_spending`). What is champion already is left as it is. The refit trains
    on everybody but the holdout, for the median best epoch of the confirmed runs, with `refit_seeds` seeds; of several, which
    the race then tests as one, a model is registered that answers with the mean of their probabilities. The evidence belongs to
    the configuration, and the tags say so. Beside the weights lie `evidence.json` and the model card. Whoever dies on the way
    leaves the old champion or the new one, and calls again.

    Where the present champion's search chose on some of these people, the test leaves them out. Its own configuration is
    promoted untested on data that have only grown, and with more `refit_seeds` than it has members.

    Raises `Refused` where a condition fails, where classes differ from the present champion's or too few people are common,
    where its configuration is the same, where somebody else changed the champion meanwhile, where the folds share people,
    and for an ablation; `ValueError`, before anything is trained, for an `alpha`, `margin` or `saving` that no test can be
    made with and for `refit_seeds` that are not allowed. Of the drawn copy of a real data set the name ends in `-drawn`.
    """
    require_allowed(alpha=alpha, margin=margin, saving=saving)
    seeds_of_refits(refit_seeds)
    _require_promotable(runner.study, leaky=runner.splits.leaky)
    try:
        champion = champion_of(runner.study, runner.prepared, runner.splits, runner.tracker.uri, runner.home)
    except Incomparable as error:
        raise Refused(str(error)) from error
    holdout = Holdout(runner.ledger)
    try:
        test = {"alpha": alpha, "margin": margin, "saving": saving}
        promoted = _promoted(runner, holdout, champion, trial_id, test, refit_seeds)
    except Refused as refused:
        refused.rows, refused.race = tuple(holdout.rows()), raced(runner.ledger)
        raise
    return dataclasses.replace(promoted, rows=tuple(holdout.rows()), race=raced(runner.ledger))


def _promoted(
    runner: Runner,
    holdout: Holdout,
    champion: Champion | None,
    trial_id: str | None,
    test: dict[str, float],
    count: int,
) -> Promotion:
    found = _confirmed(runner, holdout, champion, trial_id, count)
    same = champion is not None and champion.is_configuration(runner.study, found.parameters)
    if champion and same:
        count = max(count, champion.num_members)
        has_data = champion.has_data(runner.prepared)
        if has_data and count == champion.num_members:
            return _as_it_is(runner, found, champion)
        if not has_data and not has_grown(champion, runner.prepared, runner.splits, runner.tracker.uri, runner.home):
            raise Refused(same_configuration(found, champion, runner.prepared))
        runner.noted(renewed(found, champion, count, has_data=has_data))
    over_majority = require_beats_majority(holdout, runner.study, found)
    tested = None
    if champion and not same:
        beside = _champion_beside(runner, holdout, found, champion)
        tested = contest(holdout, runner.study, found, champion, beside, num_members=count, **test)
    wanted: dict[str, Any] = {"parameters": found.parameters, "num_epochs": found.best_epoch, "count": count}
    try:
        trained = refits(runner, of=found.trial_id, **wanted)
    except NotRefitted as error:
        raise Refused(str(error)) from error
    with model_folder(runner, trained) as folder:
        facts = test | {"over_majority": over_majority}
        return _register(runner, holdout, found, champion, tested, trained, folder, facts)


def require_registry(runner: Runner) -> None:
    """Raises `ConnectionError` where the registry does not answer, which a promotion needs in the end."""
    require_answers(open_store(runner.home))


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
    runner: Runner, holdout: Holdout, champion: Champion | None, trial_id: str | None, refit_seeds: int
) -> Evidence:
    """The evidence for the winner of the race, or for `trial_id`, gathered where it is missing."""
    require_comparable(runner.study, runner.ledger, trial_id)
    trial_id = trial_id or standing_winner(runner, champion, refit_seeds)
    found = holdout.row(trial_id)
    if found is None or len(found.seeds) < NUM_SEEDS:
        try:
            chosen = confirm_search(runner, seeds=NUM_SEEDS, trial_id=trial_id, refit_seeds=refit_seeds)
        except NoWinner as error:
            raise Refused(str(error)) from error
        found = holdout.row(chosen)
        if found is None or len(found.seeds) < NUM_SEEDS:
            because = first_error(trial for trial in runner.ledger.of_phase("confirm") if trial.of == chosen)
            raise Refused(f"{chosen} was not confirmed with {NUM_SEEDS} seeds: some of its trainings failed.{because}")
    else:
        tell_promotion(runner, runner.ledger.trials[found.trial_id], champion, found.seeds, refit_seeds)
    return found


def _champion_beside(runner: Runner, holdout: Holdout, found: Evidence, champion: Champion) -> Evidence:
    """What the champion's configuration achieves with the seeds of `found`; trained where that is missing."""
    beside = champion_beside(holdout, runner.study, champion, found.seeds)
    if beside is None:
        confirm_champion(runner, champion, found.seeds)
        beside = champion_beside(holdout, runner.study, champion, found.seeds)
    if beside is None:
        raise Refused(
            f"The present champion ({champion.uri}) could not be trained again with all {len(found.seeds)} seeds of "
            f"{found.trial_id}, so there is nothing to compare with; `status` and `logs` of {runner.study.name} say why."
        )
    return beside


def _as_it_is(runner: Runner, found: Evidence, champion: Champion) -> Promotion:
    """The champion that is there; an earlier attempt may have died before it could write down that it made it."""
    name, version, stated = champion.name, champion.version, champion.tags
    if (stated.get(tags.STUDY), stated.get(tags.TRIAL_ID)) == (runner.study.name, found.trial_id):
        _note(runner, name, version, found, num_members=champion.num_members)
    return Promotion(
        name=name,
        version=version,
        uri=champion_uri(name),
        evidence=found,
        evidence_sha256=stated.get(tags.EVIDENCE_SHA256, ""),
        num_members=champion.num_members,
        already=True,
    )


def _register(
    runner: Runner,
    holdout: Holdout,
    found: Evidence,
    champion: Champion | None,
    tested: Contest | None,
    trained: Sequence[Trial],
    folder: Path,
    test: dict[str, Any],
) -> Promotion:
    name, commit = registered_name(runner.study, runner.prepared), git_commit()
    first, count = trained[0].trial_id, len(trained)
    reference = margin_tags(tested, champion)
    people = ChosenOn.by(runner.folder, runner.prepared, runner.splits, runner.study.registered_model).write(folder)
    facts = facts_of(
        holdout,
        runner.study,
        runner.prepared,
        runner.splits,
        name=name,
        found=found,
        refits=trained,
        champion=tested.champion if tested else None,
        replaced=champion,
        verdicts=tested.verdicts if tested else [],
        test=test,
        reference=reference,
        chosen_on=people,
        commit=commit,
    )
    card, digest = model_card(facts), write_evidence(folder, facts)
    (folder / files.MODEL_CARD).write_text(card, encoding="utf-8")
    try:
        version = registry.log_and_register(
            tracking_uri=runner.tracker.uri,
            run_id=runner.tracker.run_id(first),
            model_folder=folder,
            name=name,
            tags=version_tags(runner.study, runner.prepared, runner.splits, found, commit)
            | reference
            | {tags.EVIDENCE_SHA256: digest, tags.CHOSEN_ON: people, tags.NUM_MEMBERS: str(count)},
            description=as_description(card),
            replacing=champion.version if champion else None,
        )
    except ChampionChanged as error:
        raise Refused(
            f"{found.trial_id} is not promoted: {error} Promote again to be compared with that one."
        ) from error
    _note(runner, name, version, found, num_members=count, refits=[trial.trial_id for trial in trained])
    return Promotion(
        name=name,
        version=version,
        uri=champion_uri(name),
        evidence=found,
        verdict=tested.chosen if tested else None,
        evidence_sha256=digest,
        num_members=count,
    )


def _note(runner: Runner, name: str, version: int, found: Evidence, **facts: Any) -> None:
    """Write the promotion into the ledger, once."""
    events = (event for event in runner.ledger.events if event["event"] == "promoted")
    if not any((event["name"], event["version"]) == (name, version) for event in events):
        runner.ledger.note("promoted", name=name, version=version, of=found.trial_id, **facts)
