"""An ablation read from its files: the trainings of each variant, and their comparison."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Set

from search_spaces.core.designs import Design
from trainables.core import files
from trainables.core.prepared.splits import load_splits
from trainables.core.wording import counted
from trainables.data.core.dataset import Fold
from tuning.evidence.holdout import predictions_of
from tuning.records.ledger import Ledger, Trial
from tuning.records.selection import searches_of
from tuning.statistics.comparison import Comparison, compare
from tuning.statistics.pairing import MEASURED, NotComparable, Run


def runs_of(ledger: Ledger) -> list[Run]:
    """The ended trainings of the variants that are compared today, with what they scored on their fold's test part.

    One that failed is among them, with NaN for what it could not measure; one that was interrupted is not.
    """
    trials = [trial for trial in _compared(ledger) if trial.ended]
    if not trials:
        return []
    folds = load_splits(ledger.folder / files.SPLITS).folds
    return [run_of(ledger, trial, folds[trial.folds[0]]) for trial in trials]


def run_of(ledger: Ledger, trial: Trial, fold: Fold) -> Run:
    """What an ended training scored on the test part of its `fold`."""
    return Run(
        variant=trial.variant,
        fold=trial.folds[0],
        seed=trial.seed,
        accuracy=trial.metrics.get("accuracy", math.nan),
        uar=trial.metrics.get("uar", math.nan),
        train_time_s=trial.metrics.get("train_time_s", math.nan),
        param_count=int(trial.metrics.get("param_count", 0)),
        num_train=len(fold.train),
        num_test=len(fold.test),
        weights_mb=trial.metrics.get("weights_mb", math.nan),
        further={metric: trial.metrics[metric] for metric in _further(ledger) if metric in trial.metrics},
        predictions=kept if (kept := predictions_of(ledger, trial)).exists() else None,
        device=trial.device,
    )


def comparison_of(ledger: Ledger) -> Comparison:
    """What those trainings say of the design: every variant against the reference, beside the published figures.

    Of a factorial the main effects and the interactions of two components too. A variant whose search left nothing to
    train is among the `excluded`; a note says why trainings failed. Raises `NotComparable` and `ValueError` as `compare`
    does, the former where the reference has no training too, the latter where the study is no ablation.
    """
    facts = ledger.study.get("design")
    if not facts:
        raise ValueError(f"Study {ledger.folder.name} has no ablation that was begun, so there is nothing to compare.")
    design = Design(**facts)
    runs, failed = runs_of(ledger), _failed(ledger)
    unsearched = _unsearched(ledger, design, {run.variant for run in runs})
    if design.reference in unsearched:
        raise NotComparable(f"There is nothing to compare with: {unsearched[design.reference]}")
    try:
        found = compare(
            runs,
            design.reference,
            asked=[name for name in design.variants if name not in unsearched],
            published=published_of(ledger),
            contrasts=design.effects(),
            leaky=ledger.leaky,
        )
    except NotComparable as error:
        raise NotComparable(" ".join([str(error), *unsearched.values(), *failed])) from None
    return dataclasses.replace(found, excluded={**found.excluded, **unsearched}, notes=(*found.notes, *failed))


def published_of(ledger: Ledger) -> dict[str, dict[str, float]]:
    """The figures that the source states, by variant and metric, in our units."""
    return ledger.study.get("published", {})


def _further(ledger: Ledger) -> list[str]:
    """The study's objectives beside what every ablation compares."""
    return [metric for metric, _ in ledger.study.get("objectives", []) if metric not in MEASURED]


def _unsearched(ledger: Ledger, design: Design, ran: Set[str]) -> dict[str, str]:
    """By variant that has not `ran`, why its search left nothing to train; empty where the design tunes none.

    Raises `NotComparable` where nothing ran because the searches are not done.
    """
    trials = [trial for trial in searches_of(ledger, design) if trial.ended]
    wanted = dict.fromkeys(design.variants, design.tune_each) | ledger.study.get("few_searches", {})
    if not ran and len(trials) < (in_all := sum(wanted.values())):
        raise NotComparable(
            f"{len(trials)} of {in_all} search trials are done. The trainings to compare follow them; `--resume` goes on."
        )
    found = {}
    for name in [name for name in design.variants if name not in ran]:
        mine = [trial for trial in trials if trial.variant == name]
        if len(mine) < wanted[name]:
            found[name] = f"{len(mine)} of its {wanted[name]} search trials are done; `--resume` goes on."
        elif mine and not any(trial.state == "FINISHED" for trial in mine):
            found[name] = f"none of its {len(mine)} search trials finished, the first was {_error(mine[0])}."
    return {name: f"{name} is not compared: {reason}" for name, reason in found.items()}


def _failed(ledger: Ledger) -> list[str]:
    """What a reader has to know of the compared variants' trainings that failed, and why; nothing where none did."""
    failed = [trial for trial in _compared(ledger) if trial.state == "FAILED"]
    if not failed:
        return []
    first = failed[0]
    where = f"{first.variant} on fold {first.folds[0]} with seed {first.seed}"
    return [f"{counted(len(failed), 'training')} failed, the first {where} ({_error(first)})."]


def _error(trial: Trial) -> str:
    """Which trial it was and what it said."""
    return f"{trial.trial_id}: {trial.error.rstrip('.')}"


def _compared(ledger: Ledger) -> list[Trial]:
    """The ablation's trials whose settings are those that their variant stands for today, each training once."""
    compared = {name: ledger.effective(found) for name, found in ledger.study.get("compared", {}).items()}
    found = {
        (trial.variant, trial.folds, trial.seed): trial
        for trial in sorted(ledger.of_phase("ablation"), key=lambda trial: trial.state == "FINISHED")
        if compared.get(trial.variant) == ledger.effective(trial.parameters)
    }
    once = {trial.trial_id for trial in found.values()}
    return [trial for trial in ledger.of_phase("ablation") if trial.trial_id in once]
