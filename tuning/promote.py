"""From a confirmed configuration to the registered champion, or a refusal that says why."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

from tuning.confirm import CONFIRM_SEED, confirm
from tuning.evidence.champion import (
    Champion,
    Incomparable,
    champion_of,
    comparison_tags,
    configuration_hash,
    registered_name,
)
from tuning.evidence.contest import NUM_SEEDS, Contest, Refused, contest_with, margin_tags
from tuning.evidence.evidence_file import facts_of, write_evidence
from tuning.evidence.holdout import Evidence, evidence, holdout_accuracy, predictions_behind, row_of
from tuning.evidence.model_card import NAME as MODEL_CARD
from tuning.evidence.model_card import as_description, model_card
from tuning.execution.runner import Runner, git_commit
from tuning.records import registry
from tuning.records.aliases import ChampionChanged
from tuning.records.ledger import Ledger, Trial
from tuning.statistics import alpha_spending
from tuning.statistics.shortfall import below_majority, more_seeds
from tuning.statistics.superiority import MARGIN, SAVING, Verdict, require_allowed

ALPHA = 0.05  # the chance of a false promotion, over all challengers that are confirmed together and all looks at them
REFIT_SEED = CONFIRM_SEED + 500  # no confirmation reaches so far


@dataclasses.dataclass(frozen=True, kw_only=True)
class Promotion:
    """What was registered: `version` of `name`, on which evidence; `verdict` is `None` for a first champion.

    `evidence_sha256` is that of the registered `evidence.json`, `""` of a champion of before there was one. `already` says
    that the version was champion before, and nothing was done.
    """

    name: str
    version: int
    uri: str
    evidence: Evidence
    verdict: Verdict | None = None
    evidence_sha256: str = ""
    already: bool = False


def promote(
    runner: Runner,
    *,
    trial_id: str | None = None,
    alpha: float = ALPHA,
    margin: float = MARGIN,
    saving: float = SAVING,
) -> Promotion:
    """Refit and register the recommended configuration of a study (or that of `trial_id`) as champion.

    Confirms first where evidence is missing. Every champion must beat the commonest class; one that follows must also beat
    the present champion on the same holdout people (`superiority`: superior, or within what is left of `margin`
    with `saving` fewer parameters or less time), as one of all confirmed configurations, by Holm at what of `alpha` is left
    to this look at the holdout (`alpha_spending`). What is champion already is left as it is. The refit trains on everybody
    but the holdout, for the median best epoch of the confirmed runs; the evidence belongs to the configuration, and the
    tags say so. Beside the weights lie `evidence.json` and the model card. Whoever dies on the way leaves the old champion
    or the new one, and calls again.

    Raises `Refused` where a condition fails, where classes or holdout differ from the present champion's, where its
    configuration is the same, where somebody else changed the champion meanwhile, where the folds share people, and for an
    ablation; `ValueError`, before anything is trained, for an `alpha`, `margin` or `saving` that no test can be made with.
    Of the drawn copy of a real data set the name ends in `-drawn`.
    """
    require_allowed(alpha=alpha, margin=margin, saving=saving)
    _require_promotable(runner)
    try:
        champion = champion_of(runner.study, runner.prepared, runner.splits, runner.tracker.uri)
    except Incomparable as error:
        raise Refused(str(error)) from error
    found = _confirmed(runner, trial_id)
    if champion and champion.is_configuration(runner.study, found.parameters):
        if champion.has_data(runner.prepared):
            return _as_it_is(runner, found, champion)
        raise Refused(_same_configuration(runner, found, champion))
    over_majority = _require_beats_majority(runner, found)
    test = {"alpha": alpha, "margin": margin, "saving": saving}
    contest = contest_with(runner, found, champion, **test) if champion else None
    refit = _refit(runner, found)
    return _register(runner, found, champion, contest, refit, test | {"over_majority": over_majority})


def name_promoted(ledger: Ledger, registered_model: str) -> str:
    """The name under which a study promoted last, as a rollback needs it; `registered_model` where it never did."""
    names = [event["name"] for event in ledger.events if event["event"] == "promoted"]
    return names[-1] if names else registered_model


def _require_promotable(runner: Runner) -> None:
    if runner.splits.leaky:
        raise Refused(
            f"Study {runner.study.name} deals clips at random (`random_leaky`), so the people it was tested on are people it "
            "was trained on: its accuracy says nothing about others, and nothing of it is promoted. Run a study on the "
            "published folds."
        )
    if runner.study.design is not None:
        raise Refused(
            f"Study {runner.study.name} is an ablation: it compares variants on the whole protocol, and no people are locked "
            "away to confirm a champion on. Promote from a search."
        )


def _confirmed(runner: Runner, trial_id: str | None) -> Evidence:
    """The evidence for the chosen configuration, gathered where it is missing."""
    chosen = trial_id or runner.ledger.selection.get("recommended")
    found = row_of(evidence(runner.ledger), chosen)
    if found is None or len(found.seeds) < NUM_SEEDS:
        found = row_of(confirm(runner, seeds=NUM_SEEDS, trial_id=trial_id), chosen)
    if found is None or len(found.seeds) < NUM_SEEDS:
        failed = next(
            (trial for trial in runner.ledger.of_phase("confirm") if trial.of == chosen and trial.error), None
        )
        because = f" The first error: {failed.trial_id}: {failed.error}" if failed else ""
        raise Refused(f"{chosen} was not confirmed with {NUM_SEEDS} seeds: some of its trainings failed.{because}")
    return found


def _same_configuration(runner: Runner, found: Evidence, champion: Champion) -> str:
    before, now = champion.tags.get("fertune.dataset_fingerprint", "unknown"), runner.prepared.fingerprint
    return (
        f"{found.trial_id} is the configuration of the present champion (version {champion.version} of {champion.name}); the "
        f"data was prepared anew since (fingerprint {before[:12]} was its, {now[:12]} is this study's). A configuration is not "
        "tested against itself, so version "
        f"{champion.version} stays champion. Promote another trial (--trial), or register under another name "
        "(`registered_model` of the study) to serve what is trained on the new data."
    )


def _as_it_is(runner: Runner, found: Evidence, champion: Champion) -> Promotion:
    """The champion that is there; an earlier attempt may have died before it could write down that it made it."""
    name, version, tags = champion.name, champion.version, champion.tags
    if (tags.get("fertune.study"), tags.get("fertune.trial_id")) == (runner.study.name, found.trial_id):
        _note(runner, name, version, found)
    return Promotion(
        name=name,
        version=version,
        uri=_uri(name),
        evidence=found,
        evidence_sha256=tags.get("fertune.evidence_sha256", ""),
        already=True,
    )


def _require_beats_majority(runner: Runner, found: Evidence) -> dict[str, float]:
    """The look, and the lower bound that exceeds the commonest class with the confidence of that look: 95 % at the first."""
    ledger = runner.ledger
    question = alpha_spending.asked(
        configuration_hash(runner.study, found.parameters), alpha_spending.MAJORITY, found.seeds
    )
    look, predictions = alpha_spending.look_at(ledger, question), predictions_behind(ledger, found)
    left = (1 - found.accuracy.confidence) * alpha_spending.LATER ** (look - 1)  # of two sides; the lower one counts
    accuracy = holdout_accuracy(predictions, 1 - left)
    if accuracy.low <= found.majority:
        alpha_spending.note_refused(ledger, found.trial_id, [question], against=alpha_spending.MAJORITY, look=look)
        later = holdout_accuracy(predictions, 1 - left * alpha_spending.LATER)
        ways, seeds = below_majority(found, accuracy, later, predictions)
        raise Refused(
            f"{found.trial_id} is not promoted: the lower bound of its accuracy on the holdout ({found.tested_on}) is "
            f"{100 * accuracy.low:.1f} %, and always answering the commonest class gives {100 * found.majority:.1f} %: "
            f"{ways} {alpha_spending.in_words(look, left / 2, again=seeds is not None)} "
            f"{more_seeds(runner.study.name, found.trial_id, seeds)}"
        )
    return {"look": look, "confidence": accuracy.confidence, "low": accuracy.low}


def _refit(runner: Runner, found: Evidence) -> Trial:
    refit = Trial(
        phase="refit",
        parameters=found.parameters,
        seed=REFIT_SEED,
        folds=runner.study.search_folds[:1],
        of=found.trial_id,
        num_epochs=found.best_epoch,
    )
    runner.run_listed("refit", [refit])
    trial = next((trial for trial in runner.ledger.of_phase("refit") if trial.identity == refit.identity), refit)
    if trial.state != "FINISHED":
        raise Refused(f"The refit {trial.trial_id} did not finish: {trial.error or trial.state}.")
    return trial


def _register(
    runner: Runner,
    found: Evidence,
    champion: Champion | None,
    contest: Contest | None,
    refit: Trial,
    test: dict[str, Any],
) -> Promotion:
    name, folder, commit = registered_name(runner.study, runner.prepared), _folder(runner, refit), git_commit()
    reference = margin_tags(contest, champion)
    facts = facts_of(
        runner,
        name,
        found,
        refit,
        champion=contest.champion if contest else None,
        replaced=champion,
        verdicts=contest.verdicts if contest else [],
        test=test,
        reference=reference,
        commit=commit,
    )
    card, digest = model_card(facts), write_evidence(folder, facts)
    (folder / MODEL_CARD).write_text(card, encoding="utf-8")
    try:
        version = registry.log_and_register(
            tracking_uri=runner.tracker.uri,
            run_id=runner.tracker.run_id(refit.trial_id),
            model_folder=folder,
            name=name,
            tags=_tags(runner, found, commit) | reference | {"fertune.evidence_sha256": digest},
            description=as_description(card),
            replacing=champion.version if champion else None,
        )
    except ChampionChanged as error:
        raise Refused(
            f"{found.trial_id} is not promoted: {error} Promote again to be compared with that one."
        ) from error
    _note(runner, name, version, found, refit=refit.trial_id)
    verdict = contest.chosen if contest else None
    return Promotion(
        name=name, version=version, uri=_uri(name), evidence=found, verdict=verdict, evidence_sha256=digest
    )


def _tags(runner: Runner, found: Evidence, commit: str) -> dict[str, str]:
    """What the registered version says of itself."""
    prepared = runner.prepared
    return {
        "fertune.study": runner.study.name,
        "fertune.trial_id": found.trial_id,
        "fertune.evidence_of": "configuration",
        "fertune.selection": "nested",
        **comparison_tags(prepared, runner.splits),
        "fertune.accuracy": f"{found.accuracy.mean:.4f}",
        "fertune.accuracy_low": f"{found.accuracy.low:.4f}",
        "fertune.accuracy_high": f"{found.accuracy.high:.4f}",
        "fertune.dataset": prepared.name,
        "fertune.dataset_fingerprint": prepared.fingerprint,
        "fertune.git_commit": commit,
        "fertune.trainable": runner.study.trainable,
        "fertune.parameters": json.dumps({**runner.study.settings, **found.parameters}, sort_keys=True),
    }


def _note(runner: Runner, name: str, version: int, found: Evidence, **facts: str) -> None:
    """Write the promotion into the ledger, once."""
    events = (event for event in runner.ledger.events if event["event"] == "promoted")
    if not any((event["name"], event["version"]) == (name, version) for event in events):
        runner.ledger.note("promoted", name=name, version=version, of=found.trial_id, **facts)


def _folder(runner: Runner, trial: Trial) -> Path:
    return runner.folder / "trials" / trial.trial_id


def _uri(name: str) -> str:
    return f"models:/{name}@{registry.CHAMPION}"
