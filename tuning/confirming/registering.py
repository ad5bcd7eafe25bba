"""A model that is promoted: its evidence and its card are written beside its weights, it is registered, the ledger says so."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from trainables.core import files
from tuning.confirming.judging import Judged, error_budget_of
from tuning.confirming.refits import model_folder
from tuning.evidence.champion import Champion, registered_name, version_tags
from tuning.evidence.chosen_on import ChosenOn
from tuning.evidence.contest import Promotion, Refused
from tuning.evidence.evidence_file import facts_of, write_evidence
from tuning.evidence.gate.recorded_set import carried, recorded_names
from tuning.evidence.holdout import Evidence, Holdout
from tuning.evidence.model.override import Override
from tuning.evidence.model_card import as_description, model_card
from tuning.execution.runner import Runner
from tuning.records import registry, tags
from tuning.records.aliases import ChampionChanged, champion_uri
from tuning.records.home import git_commit
from tuning.records.ledger import Trial


def register(
    runner: Runner,
    holdout: Holdout,
    found: Evidence,
    champion: Champion | None,
    judged: Judged,
    trained: Sequence[Trial],
    test: dict[str, Any],
) -> Promotion:
    """Make the model that `trained` are the champion, with the evidence `found` and what the gate said of it.

    Raises `Refused` where another version than `champion` is champion by now.
    """
    with model_folder(runner, trained) as folder:
        promoted = _registered(runner, holdout, found, champion, judged, trained, folder, test)
    if judged.tested and judged.tested.verdict.promoted:  # by an override nothing is earned
        error_budget_of(runner).settle(judged.tested.key, promoted=judged.override is None)
    return promoted


def as_it_is(runner: Runner, found: Evidence, champion: Champion) -> Promotion:
    """The champion that is there; an earlier attempt may have died before it could write down that it made it."""
    name, version, stated = champion.name, champion.version, champion.tags
    override = Override.of_tags(stated)
    if (stated.get(tags.STUDY), stated.get(tags.TRIAL_ID)) == (runner.study.name, found.trial_id):
        _note(runner, name, version, found, override, num_members=champion.num_members)
    return Promotion(
        name=name,
        version=version,
        uri=champion_uri(name),
        evidence=found,
        evidence_sha256=stated.get(tags.EVIDENCE_SHA256, ""),
        num_members=champion.num_members,
        override=override,
        already=True,
    )


def _registered(
    runner: Runner,
    holdout: Holdout,
    found: Evidence,
    champion: Champion | None,
    judged: Judged,
    trained: Sequence[Trial],
    folder: Path,
    test: dict[str, Any],
) -> Promotion:
    name, tested, override = registered_name(runner.study, runner.prepared), judged.tested, judged.override
    stated, card = _written(runner, holdout, found, champion, judged, trained, folder, test)
    try:
        version = registry.log_and_register(
            tracking_uri=runner.tracker.uri,
            run_id=runner.tracker.run_id(trained[0].trial_id),
            model_folder=folder,
            name=name,
            tags=stated,
            description=as_description(card),
            replacing=champion.version if champion else None,
        )
    except ChampionChanged as error:
        raise Refused(
            f"{found.trial_id} is not promoted: {error} Promote again to be compared with that one."
        ) from error
    refitted = [trial.trial_id for trial in trained]
    _note(runner, name, version, found, override, num_members=len(trained), refits=refitted)
    return Promotion(
        name=name,
        version=version,
        uri=champion_uri(name),
        evidence=found,
        verdict=tested.verdict if tested else None,
        evidence_sha256=stated[tags.EVIDENCE_SHA256],
        num_members=len(trained),
        override=override,
    )


def _written(
    runner: Runner,
    holdout: Holdout,
    found: Evidence,
    champion: Champion | None,
    judged: Judged,
    trained: Sequence[Trial],
    folder: Path,
    test: dict[str, Any],
) -> tuple[dict[str, str], str]:
    """Write evidence, card and whom the search chose on into `folder`; what the version is tagged with, and the card."""
    commit, tested, override = git_commit(), judged.tested, judged.override
    reference = judged.margin_tags(champion)
    seen = recorded_names(runner.study, runner.folder, runner.prepared, runner.splits)
    task = (runner.prepared, runner.splits, runner.study.registered_model)
    people = ChosenOn.by(runner.folder, *task, recorded=seen, ancestors=carried(runner.ledger)).write(folder)
    facts = facts_of(
        holdout,
        runner.study,
        runner.prepared,
        runner.splits,
        name=registered_name(runner.study, runner.prepared),
        found=found,
        refits=trained,
        tested=tested,
        replaced=champion,
        test=test | {"over_majority": judged.over_majority},
        reference=reference,
        override=override,
        chosen_on=people,
        commit=commit,
    )
    card, digest = model_card(facts), write_evidence(folder, facts)
    (folder / files.MODEL_CARD).write_text(card, encoding="utf-8")
    stated = version_tags(runner.study, runner.prepared, runner.splits, found, commit) | reference
    stated |= override.tags if override else {}
    members = {tags.NUM_MEMBERS: str(len(trained))}
    return stated | {tags.EVIDENCE_SHA256: digest, tags.CHOSEN_ON: people} | members, card


def _note(runner: Runner, name: str, version: int, found: Evidence, override: Override | None, **facts: Any) -> None:
    """Write the promotion into the ledger, once."""
    events = (event for event in runner.ledger.events if event["event"] == "promoted")
    if not any((event["name"], event["version"]) == (name, version) for event in events):
        if override is not None:
            facts["override"] = dataclasses.asdict(override)
        runner.ledger.note("promoted", name=name, version=version, of=found.trial_id, **facts)
