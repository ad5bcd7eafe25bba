"""An ablation: every variant of a design trained on the same folds with the same seeds, and what came of it.

A training sees the fold's train part, chooses its epoch on the validation part and is scored on the test part; nobody is
locked away, so all folds of the protocol are compared. The settings that `tune_each` finds were chosen on the validation
people of the search folds, who are test people of another fold: results carry the tag `fertune.selection=published`.
Reading (`runs_of`, `comparison_of`) needs files only: no Ray, no torch.
"""

from __future__ import annotations

import dataclasses
import json
import math
import time
from collections.abc import Mapping, Set
from typing import TYPE_CHECKING, Any

from search_spaces.core.designs import Design
from tuning.evidence.holdout import predictions_of
from tuning.records.ledger import Ledger, Trial
from tuning.statistics.pairing import NotComparable, Run

if TYPE_CHECKING:
    from search_spaces.core.study import Study
    from tuning.execution.runner import Runner
    from tuning.statistics.comparison import Comparison

ABLATION_SEED = 200_000_000  # above every seed of a search, a confirmation and a refit
NUM_SEEDS = 3


def run_ablation(
    runner: Runner, *, folds: tuple[int, ...] | None = None, seeds: int = NUM_SEEDS, time_budget_s: float | None = None
) -> None:
    """Train every variant of the study's design on `folds` (`None`: all, in a smoke run two) with `seeds` seeds.

    What finished before is not run again, so that this resumes, and adds folds, seeds and variants. Where the design
    tunes each variant, their searches come first; a variant none of whose trials finished is not compared, and nothing
    is trained before every variant has had its trials. No training begins after `time_budget_s`; seed by seed and fold by
    fold all variants are trained side by side, so that what is done by then can be compared.

    Raises `ValueError` for a study without a design, an unknown fold and no seeds.
    """
    design = runner.study.design
    if design is None:
        raise ValueError(f"Study {runner.study.name} is a search: it has no `design` of variants to compare.")
    chosen = chosen_folds(runner.study, folds, len(runner.splits.folds))
    if seeds < 1:
        raise ValueError(f"{seeds} seeds were asked for; an ablation needs 1 at least.")
    deadline = time.monotonic() + time_budget_s if time_budget_s else None
    if design.tune_each:
        from tuning.execution.variant_search import best_by_variant, search_each

        if not search_each(runner, deadline=deadline):
            return
        compared = best_by_variant(runner.ledger, runner.study)
    else:
        compared = {name: dict(changes) for name, changes in design.variants.items()}
    before = len(runner.ledger.events)
    runner.run_listed("ablation", trainings(compared, chosen, seeds), deadline=deadline, compared=compared)
    if len(runner.ledger.events) > before:
        runner.ledger.note("compared", variants=list(compared), folds=list(chosen), seeds=seeds)


def chosen_folds(study: Study, folds: tuple[int, ...] | None, num_folds: int) -> tuple[int, ...]:
    """The folds to train on of the `num_folds` there are, each once: `folds`, or all, or two in a smoke run.

    Raises `ValueError` for a fold that there is not, and for none.
    """
    if folds is None:
        return tuple(range(min(num_folds, 2) if study.is_smoke else num_folds))
    unknown = sorted(fold for fold in folds if not 0 <= fold < num_folds)
    if unknown or not folds:
        given = ", ".join(map(str, unknown)) or "none"
        raise ValueError(f"Folds were given as {given}; the data set has folds 0 to {num_folds - 1}.")
    return tuple(sorted(set(folds)))


def trainings(compared: Mapping[str, Mapping[str, Any]], folds: tuple[int, ...], seeds: int) -> list[Trial]:
    """What an ablation trains, in order; `compared` maps a variant to its settings."""
    return [
        Trial(phase="ablation", parameters=dict(found), seed=ABLATION_SEED + number, folds=(fold,), variant=name)
        for number in range(seeds)
        for fold in folds
        for name, found in compared.items()
    ]


def require_new_or_resumed(runner: Runner, *, resume: bool) -> None:
    """Raises `ValueError` where the ablation, or the search of one of its variants, was begun and `resume` is not asked for."""
    searched, trained = (len(runner.ledger.of_phase(phase)) for phase in ("search", "ablation"))
    if (searched or trained) and not resume:
        count = f"{trained} trainings" if trained else f"{searched} search trials"
        raise ValueError(
            f"Study {runner.study.name} was begun under {runner.home} and has {count}. Go on, or add folds and seeds, with "
            "--resume; begin another by setting $FERTUNE_HOME to another folder."
        )


def runs_of(ledger: Ledger) -> list[Run]:
    """The ended trainings of the variants that are compared today, with what they scored on their fold's test part.

    One that failed is among them, with NaN for what it could not measure; one that was interrupted is not.
    """
    trials = [trial for trial in _compared(ledger) if trial.state in ("FINISHED", "FAILED")]
    if not trials:
        return []
    folds: list[dict[str, Any]] = json.loads((ledger.folder / "splits.json").read_text())["folds"]
    return [
        run_of(ledger, trial, len(folds[trial.folds[0]]["train"]), len(folds[trial.folds[0]]["test"]))
        for trial in trials
    ]


def run_of(ledger: Ledger, trial: Trial, num_train: int, num_test: int) -> Run:
    """What an ended training scored on its fold, which trains on `num_train` clips and tests on `num_test`."""
    return Run(
        variant=trial.variant,
        fold=trial.folds[0],
        seed=trial.seed,
        accuracy=trial.metrics.get("accuracy", math.nan),
        uar=trial.metrics.get("uar", math.nan),
        train_time_s=trial.metrics.get("train_time_s", math.nan),
        param_count=int(trial.metrics.get("param_count", 0)),
        num_train=num_train,
        num_test=num_test,
        weights_mb=trial.metrics.get("weights_mb", math.nan),
        predictions=kept if (kept := predictions_of(ledger, trial)).exists() else None,
        device=trial.device,
    )


def comparison_of(ledger: Ledger) -> Comparison:
    """What those trainings say of the design: every variant against the reference, beside the published figures.

    Of a factorial the main effects and the interactions of two components too. A variant whose search left nothing to
    train is among the `excluded`; a note says why trainings failed. Raises `NotComparable` and `ValueError` as `compare`
    does, the former where the reference has no training too, the latter where the study is no ablation.
    """
    from tuning.statistics.comparison import compare  # statsmodels takes seconds, and who trains needs none of it

    facts = ledger.study.get("design")
    if not facts:
        raise ValueError(f"Study {ledger.folder.name} is no ablation that was begun, so there is nothing to compare.")
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


def searches_of(ledger: Ledger, design: Design) -> list[Trial]:
    """The search trials of the variants as they are in `design`."""
    return [
        trial
        for trial in ledger.of_phase("search")
        if trial.variant in design.variants and dict(design.variants[trial.variant]).items() <= trial.parameters.items()
    ]


def _unsearched(ledger: Ledger, design: Design, ran: Set[str]) -> dict[str, str]:
    """By variant that has not `ran`, why its search left nothing to train; empty where the design tunes none.

    Raises `NotComparable` where nothing ran because the searches are not done.
    """
    trials = [trial for trial in searches_of(ledger, design) if trial.state in ("FINISHED", "FAILED")]
    wanted = len(design.variants) * design.tune_each
    if not ran and len(trials) < wanted:
        raise NotComparable(
            f"{len(trials)} of {wanted} search trials are done, and the trainings to compare follow them; `--resume` goes on."
        )
    found = {}
    for name in [name for name in design.variants if name not in ran]:
        mine = [trial for trial in trials if trial.variant == name]
        if len(mine) < design.tune_each:
            found[name] = f"{len(mine)} of its {design.tune_each} search trials are done; `--resume` goes on."
        elif mine and not any(trial.state == "FINISHED" for trial in mine):
            found[name] = f"none of its {len(mine)} search trials finished, the first was {_error(mine[0])}."
    return {name: f"{name} is not compared: {words}" for name, words in found.items()}


def _failed(ledger: Ledger) -> list[str]:
    """What a reader has to know of the compared variants' trainings that failed, and why; nothing where none did."""
    failed = [trial for trial in _compared(ledger) if trial.state == "FAILED"]
    if not failed:
        return []
    first = failed[0]
    where = f"{first.variant} on fold {first.folds[0]} with seed {first.seed}"
    return [f"{len(failed)} training{'s' * (len(failed) > 1)} failed, the first {where} ({_error(first)})."]


def _error(trial: Trial) -> str:
    """Which trial it was and what it said."""
    return f"{trial.trial_id}: {trial.error.rstrip('.')}"


def _compared(ledger: Ledger) -> list[Trial]:
    """The ablation's trials whose settings are those that their variant stands for today."""
    compared = ledger.study.get("compared", {})
    return [trial for trial in ledger.of_phase("ablation") if compared.get(trial.variant) == trial.parameters]
