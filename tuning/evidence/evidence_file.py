"""`evidence.json`: what a registered model was promoted on, so that anybody can check it, naming nobody of its data."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
import platform
import statistics
from collections.abc import Iterable, Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

from search_spaces.core.study import Study
from trainables.core import files
from trainables.core.phases import Phase
from trainables.core.prepared.splits import Splits
from trainables.core.prepared.stored import Prepared
from trainables.core.training.metrics import METRICS
from tuning.evidence.champion import Champion
from tuning.evidence.configuration import configuration
from tuning.evidence.contest import Contest
from tuning.evidence.holdout import Evidence, Holdout, study_at_starts
from tuning.evidence.model.members import served_costs, told_members
from tuning.evidence.model.override import Override
from tuning.evidence.race import chosen_by_race
from tuning.records import tags
from tuning.records.artifacts import DISTURBED, read_robustness
from tuning.records.home import version
from tuning.records.ledger import Ledger, Trial

FORMAT = 4
PACKAGES = (
    "torch",
    "torchvision",
    "numpy",
    "scipy",
    "pandas",
    "ray",
    "optuna",
    "mlflow",
    "av",
    "opencv-python-headless",
)


def facts_of(
    holdout: Holdout,
    study: Study,
    prepared: Prepared,
    splits: Splits,
    *,
    name: str,
    found: Evidence,
    refits: Sequence[Trial],
    tested: Contest | None,
    replaced: Champion | None,
    test: Mapping[str, Any],
    reference: Mapping[str, str],
    override: Override | None,
    chosen_on: str,
    commit: str,
) -> dict[str, Any]:
    """Everything that the promotion of `found` as `name` rests on, as JSON takes it.

    `tested` is the contest with the present champion, `replaced`,
    `test` the alpha, margin and saving that they were tested with, and the bound that was set against the majority baseline,
    `reference` the tags that say what accuracy was given up since which champion (`margin_tags`), `override` why it was
    promoted although the gate refused it, which changes no other fact, `chosen_on` the SHA-256 of the file that tells whom the
    search chose on. Where `replaced` was not tested against, this is its configuration on grown data, or with more members.
    `refits` are the trainings that answer. `commit` is the code that promotes; that of the trainings is the ledger's. There is
    no time in it: the same evidence is the same file. People are told by number, and by a hash of their ids. What is no finite
    number is left out, and named under `not_measured`.
    """
    ledger = holdout.ledger
    folds = sorted({fold for trial in holdout.runs(found) for fold in trial.folds})
    facts = {
        "format": FORMAT,
        "name": name,
        "study": study.name,
        "trial_id": found.trial_id,
        "evidence_of": "configuration",
        "trainable": study.trainable,
        "parameters": configuration(study.trainable, {**study.settings, **found.parameters}),
        **_refits(ledger, refits),
        "seeds": found.seeds,
        "folds": folds,
        "accuracy": dataclasses.asdict(found.accuracy),
        "by_seed": found.by_seed,
        "majority": found.majority,
        **_chosen_by(ledger, found),
        **_by_class_and_subject(holdout, found, prepared.classes),
        "robustness": _robustness(holdout, found),
        "costs": _costs(holdout, found),
        "holdout": _told(prepared, splits.holdout),
        "trained_on": _told(prepared, splits.view("refit", folds[0]).train),
        "chosen_on": {"file": files.CHOSEN_ON, "sha256": chosen_on},
        **_followed(replaced, tested, prepared),
        **_decided(tested, test, reference, override),
        "data": _data(study, prepared),
        "code": {"commit": commit, "commits": commits_of(ledger), "versions": _versions()},
    }
    left_out: list[str] = []
    facts = _finite(facts, (), left_out)
    return json.loads(json.dumps({**facts, "not_measured": left_out}, allow_nan=False))


def commits_of(ledger: Ledger) -> dict[str, list[str]]:
    """The commits that ran the search, the race, the confirmations and the refits, `""` where that was no checkout."""
    commits = study_at_starts(ledger, "git_commit")
    phases: tuple[Phase, ...] = ("search", "race", "confirm", "refit")
    return {
        phase: sorted({commit or "" for trial in ledger.of_phase(phase) for commit in commits[trial.trial_id]})
        for phase in phases
    }


def write_evidence(folder: Path, facts: Mapping[str, Any]) -> str:
    """Write `facts` with their SHA-256 to `evidence.json` in `folder`; returns the SHA-256."""
    digest = sha256_of(facts)
    target = folder / files.EVIDENCE
    temporary = target.with_suffix(".tmp")
    temporary.write_text(json.dumps({**facts, "sha256": digest}, indent=1, ensure_ascii=False), encoding="utf-8")
    temporary.replace(target)
    return digest


def read_evidence(path: Path) -> dict[str, Any]:
    """The facts in `path`, `sha256` included. Raises `ValueError` where they are not those that were written."""
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
        stated = stored["sha256"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{path} is no evidence of a promotion: {error}.") from error
    if stated != (is_now := sha256_of(stored)):
        raise ValueError(
            f"{path} was changed after it was written: it says SHA-256 {str(stated)[:12]}..., its facts have {is_now[:12]}..."
        )
    return stored


def sha256_of(facts: Mapping[str, Any]) -> str:
    """Over the canonical JSON of `facts` without `sha256`: keys sorted, no blanks, UTF-8."""
    bare = {key: value for key, value in facts.items() if key != "sha256"}
    canonical = json.dumps(bare, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return hashlib.sha256(canonical.encode()).hexdigest()


def _finite(facts: Any, path: tuple[str, ...], left_out: list[str]) -> Any:
    """`facts` without the numbers that JSON does not know, whose dotted names go into `left_out`; in a list they are null."""
    if isinstance(facts, Mapping):
        kept = {key: _finite(value, (*path, str(key)), left_out) for key, value in facts.items()}
        return {key: value for key, value in kept.items() if value is not None or facts[key] is None}
    if isinstance(facts, list | tuple):
        return [_finite(value, (*path, str(number)), left_out) for number, value in enumerate(facts)]
    if isinstance(facts, float) and not math.isfinite(facts):
        left_out.append(".".join(path))
        return None
    return facts


def _told(prepared: Prepared, indices: Iterable[int]) -> dict[str, Any]:
    """How many clips and people (or clusters), and a hash of who they are; of clips, which hash themselves, no number."""
    chosen, subject_ids = list(indices), prepared.subject_ids
    names = sorted({subject_ids[index] for index in chosen})
    digest = hashlib.sha256("\n".join(names).encode()).hexdigest()
    num_subjects = None if prepared.units == "clips" else len(names)
    return {"num_subjects": num_subjects, "num_clips": len(chosen), "subjects_sha256": digest}


def _chosen_by(ledger: Ledger, found: Evidence) -> dict[str, Any]:
    """How many trials there were, and what they had promised; and the race that it won."""
    search = {
        "num_trials": len(ledger.of_phase("search")),
        "accuracy": found.search_accuracy,
        "optimism": dataclasses.asdict(found.optimism) if found.optimism else None,
        "baselines": [dataclasses.asdict(one) for one in ledger.baselines],
    }
    return {"search": search, "race": chosen_by_race(ledger, found.trial_id)}


def _data(study: Study, prepared: Prepared) -> dict[str, Any]:
    return {
        "dataset": prepared.name,
        "fingerprint": prepared.fingerprint,
        "classes": prepared.classes,
        "units": prepared.units,
        "cluster_by": prepared.cluster_by,
        "cluster_error": prepared.cluster_error,
        "drawn": prepared.drawn,
        "smoke": study.is_smoke,
    }


def _refits(ledger: Ledger, refits: Sequence[Trial]) -> dict[str, Any]:
    """The trainings of the registered model, and the weights that they started from: file, SHA-256, training data, layers.

    Under `served` what several cost together.
    """
    first = refits[0]
    described = json.loads((ledger.trial_folder(first.trial_id) / files.MODEL).read_text(encoding="utf-8"))
    starts_from = described.get("starts_from")
    one = {"trial_id": first.trial_id, "seed": first.seed, "epochs": first.num_epochs, "starts_from": starts_from}
    return {"refit": one | told_members(refits), "served": served_costs(refits)}


def _by_class_and_subject(holdout: Holdout, found: Evidence, classes: Sequence[str]) -> dict[str, Any]:
    """The mean over seeds of what was right, by class, and over people, or clusters, without their names."""
    table = holdout.predictions(found)
    by_class = table.groupby("label")["correct"].mean()
    num_clips = table.groupby("label")["clip_id"].nunique()
    by_subject = table.groupby("subject_id")["correct"].mean()
    return {
        "by_class": {
            classes[int(label)]: {"recall": float(by_class[label]), "num_clips": int(num_clips[label])}
            for label in by_class.index
        },
        "by_person": {key: float(getattr(by_subject, key)()) for key in ("min", "median", "max")}
        if found.units != "clips"
        else None,
    }


def _robustness(holdout: Holdout, found: Evidence) -> dict[str, dict[str, float]]:
    """Accuracy by strength, the mean over the runs that measured it; empty where none did."""
    measured = [read_robustness(holdout.ledger.trial_folder(trial.trial_id)) for trial in holdout.runs(found)]
    curves = [one for one in measured if one]
    return {
        metric: {
            str(strength): statistics.fmean(one[metric][strength] for one in curves) for strength in curves[0][metric]
        }
        for metric in DISTURBED
        if curves
    }


def _costs(holdout: Holdout, found: Evidence) -> dict[str, Any]:
    runs = holdout.runs(found)
    costs = {
        key: statistics.fmean(trial.metrics[key] for trial in runs)
        for key, metric in METRICS.items()
        if metric.cost and all(key in trial.metrics for trial in runs)
    }
    return {**costs, "device": sorted({trial.device for trial in runs if trial.device})}


def _replaced(champion: Champion, tested: Contest) -> dict[str, Any]:
    return {
        "version": champion.version,
        "study": champion.tags.get(tags.STUDY, ""),
        "trial_id": champion.tags.get(tags.TRIAL_ID, ""),
        "trainable": champion.trainable,
        "seeds": tested.champion_seeds,
        "accuracy": tested.champion_accuracy,
        "num_left_out": tested.num_left_out,
    }


def _followed(champion: Champion | None, tested: Contest | None, prepared: Prepared) -> dict[str, Any]:
    """The present champion: what it answered beside (`tested`), or that this is its configuration, and was not tested.

    Then, of the same data, also how many members it has.
    """
    if champion is None or tested is not None:
        replaced = _replaced(champion, tested) if champion and tested else None
        return {"replaced": replaced, "renews": None, "renewed_members": None}
    members = champion.num_members if champion.has_data(prepared) else None
    return {"replaced": None, "renews": champion.version, "renewed_members": members}


def _decided(
    tested: Contest | None, test: Mapping[str, Any], reference: Mapping[str, str], override: Override | None
) -> dict[str, Any]:
    return {
        "verdicts": [dataclasses.asdict(tested.verdict)] if tested else [],
        "test": dict(test),
        "accuracy_reference": dict(reference),
        "override": dataclasses.asdict(override) if override else None,
    }


def _versions() -> dict[str, str]:
    return {
        "fertune": version(),
        "python": platform.python_version(),
        **{package: metadata.version(package) for package in PACKAGES},
    }
