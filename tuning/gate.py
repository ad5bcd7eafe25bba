"""From a confirmed configuration to the registered champion, or a refusal that says why."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from typing import Any

from search_spaces.core.study import Study
from trainables.core.cache import Prepared
from tuning import promotion
from tuning.confirm import CONFIRM_SEED, confirm
from tuning.evidence import Evidence, evidence
from tuning.ledger import Trial
from tuning.study_runner import Runner, git_commit

NUM_SEEDS = 2  # that evidence needs at least
REFIT_SEED = CONFIRM_SEED + 500  # no confirmation reaches so far


class Refused(ValueError):
    """A configuration may not become champion; the message says which condition failed and by how much."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Promotion:
    """What was registered: `version` of `name`, on which evidence."""

    name: str
    version: int
    uri: str
    evidence: Evidence


def promote(runner: Runner, *, trial_id: str | None = None) -> Promotion:
    """Refit and register the recommended configuration of a study (or that of `trial_id`) as champion.

    Confirms first where evidence is missing. What is champion already, on the same evidence, is left as it is. The refit
    trains on everybody but the holdout, for the median best epoch of the confirmed runs; the evidence belongs to the
    configuration, and the tags say so.

    Raises `Refused` where a first champion's lower bound does not beat the majority class, where the present champion
    is better on the same holdout, where classes or holdout differ from the present champion's, where the folds share
    people, and for an ablation. Of the drawn copy of a real data set the name ends in `-drawn`.
    """
    _require_promotable(runner)
    chosen = trial_id or runner.ledger.selection.get("recommended")
    found = _find(evidence(runner.ledger), chosen)
    if found is None or len(found.seeds) < NUM_SEEDS:
        found = _find(confirm(runner, seeds=NUM_SEEDS, trial_id=trial_id), chosen)
    if found is None or len(found.seeds) < NUM_SEEDS:
        raise Refused(f"{chosen} was not confirmed with {NUM_SEEDS} seeds: some of its trainings failed; see `status`.")
    name, uri = registered_name(runner.study, runner.prepared), runner.tracker.uri
    tags = _tags(runner, found)
    if present := promotion.present_champion(uri, name):
        version, before = present
        if all(before.get(key) == value for key, value in tags.items() if key != "fertune.git_commit"):
            return Promotion(name=name, version=version, uri=_uri(name), evidence=found)  # it is champion already
    _require_better(present[1] if present else None, tags, found, name)
    refit = Trial(
        phase="refit",
        parameters=found.parameters,
        seed=REFIT_SEED,
        folds=runner.study.search_folds[:1],
        of=found.trial_id,
        num_epochs=found.best_epoch,
    )
    runner.run_listed("refit", [refit])
    trial = next(trial for trial in runner.ledger.of_phase("refit") if trial.identity == refit.identity)
    if trial.state != "FINISHED":
        raise Refused(f"The refit {trial.trial_id} did not finish: {trial.error or trial.state}.")
    version = promotion.log_and_register(
        tracking_uri=uri,
        run_id=runner.tracker.run_id(trial.trial_id),
        model_folder=runner.folder / "trials" / trial.trial_id,
        name=name,
        tags=tags,
    )
    runner.ledger.note("promoted", name=name, version=version, of=found.trial_id, refit=trial.trial_id)
    return Promotion(name=name, version=version, uri=_uri(name), evidence=found)


def registered_name(study: Study, prepared: Prepared) -> str:
    """The name that a study's champion gets: a model of drawn faces may not pass for one of the data set they imitate."""
    imitation = prepared.drawn and study.dataset != "drawn_faces"
    return f"{study.registered_model}-drawn" if imitation else study.registered_model


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


def _uri(name: str) -> str:
    return f"models:/{name}@{promotion.CHAMPION}"


def _find(rows: list[Evidence], trial_id: str | None) -> Evidence | None:
    return next((row for row in rows if row.trial_id == trial_id and not row.variant), None)


def _tags(runner: Runner, found: Evidence) -> dict[str, str]:
    """What the registered version says of itself."""
    prepared, splits = runner.prepared, runner.splits
    locked = sorted(prepared.clip_ids[index] for index in splits.holdout)
    return {
        "fertune.study": runner.study.name,
        "fertune.trial_id": found.trial_id,
        "fertune.evidence_of": "configuration",
        "fertune.selection": "nested",
        "fertune.classes": json.dumps(prepared.classes),
        "fertune.holdout": hashlib.sha256("\n".join(locked).encode()).hexdigest()[:16],
        "fertune.accuracy": f"{found.accuracy.mean:.4f}",
        "fertune.accuracy_low": f"{found.accuracy.low:.4f}",
        "fertune.accuracy_high": f"{found.accuracy.high:.4f}",
        "fertune.dataset": prepared.name,
        "fertune.dataset_fingerprint": prepared.fingerprint,
        "fertune.git_commit": git_commit(),
        "fertune.parameters": json.dumps({**runner.study.settings, **found.parameters}, sort_keys=True),
    }


def _require_better(present: dict[str, Any] | None, tags: dict[str, str], found: Evidence, name: str) -> None:
    if not found.beats_majority:
        raise Refused(
            f"{found.trial_id} is not promoted: the lower bound of its accuracy on {found.num_subjects} holdout people is "
            f"{100 * found.accuracy.low:.1f} %, and always answering the commonest class gives {100 * found.majority:.1f} %."
            " A longer search, more epochs, or more people to confirm on are needed."
        )
    if present is None:
        return
    for key, word in (("fertune.classes", "classes"), ("fertune.holdout", "a holdout")):
        if present.get(key) != tags[key]:
            raise Refused(
                f"The present champion of {name} has other {word}, so the two cannot be compared: it was promoted by study "
                f"{present.get('fertune.study')}. Register under another name (`registered_model` of the study)."
            )
    before = float(present["fertune.accuracy"])
    if found.accuracy.mean < before:
        raise Refused(
            f"{found.trial_id} is not promoted: the present champion of {name} has {100 * before:.1f} % on the same "
            f"holdout, this one {100 * found.accuracy.mean:.1f} %."
        )
