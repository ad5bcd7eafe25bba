"""An ablation: every variant of a design trained on the same folds with the same seeds, and what came of it.

A training sees the fold's train part, chooses its epoch on the validation part and is scored on the test part; nobody is
locked away, so all folds of the protocol are compared. The settings that `tune_each` finds were chosen on the validation
people of the search folds, who are test people of another fold: results carry the tag `fertune.selection=published`.
Reading (`runs_of`, `unfinished_of`) needs files only: no Ray, no torch.
"""

from __future__ import annotations

import itertools
import json
import math
import time
from typing import TYPE_CHECKING, Any

from search_spaces.core.designs import Design
from tuning.evidence import predictions_of
from tuning.ledger import Ledger, Trial
from tuning.paired_runs import Run

if TYPE_CHECKING:
    from tuning.comparison import Comparison
    from tuning.study_runner import Runner

ABLATION_SEED = 200_000_000  # above every seed of a search, a confirmation and a refit
NUM_SEEDS = 3


def run_ablation(
    runner: Runner, *, folds: tuple[int, ...] | None = None, seeds: int = NUM_SEEDS, time_budget_s: float | None = None
) -> None:
    """Train every variant of the study's design on `folds` (`None`: all, in a smoke run two) with `seeds` seeds.

    What finished before is not run again, so that this resumes, and adds folds, seeds and variants. Where the design
    tunes each variant, their searches come first; a variant none of whose trials finished is not compared, and nothing
    is compared before every variant has had its trials. No training begins after `time_budget_s`.

    Raises `ValueError` for a study without a design, an unknown fold and no seeds.
    """
    design = runner.study.design
    if design is None:
        raise ValueError(f"Study {runner.study.name} is a search: it has no `design` of variants to compare.")
    chosen = _known_folds(folds, len(runner.splits.folds))
    if folds is None and runner.study.is_smoke:
        chosen = chosen[:2]
    if seeds < 1:
        raise ValueError(f"{seeds} seeds were asked for; an ablation needs 1 at least.")
    deadline = time.monotonic() + time_budget_s if time_budget_s else None
    if design.tune_each:
        from tuning.variant_search import best_by_variant, search_each

        if not search_each(runner, deadline=deadline):
            return
        compared = best_by_variant(runner.ledger, runner.study)
    else:
        compared = {name: dict(changes) for name, changes in design.variants.items()}
    # Seed by seed and fold by fold, all variants side by side: whatever is done when it ends early is paired.
    trials = [
        Trial(phase="ablation", parameters=compared[name], seed=ABLATION_SEED + number, folds=(fold,), variant=name)
        for number in range(seeds)
        for fold in chosen
        for name in compared
    ]
    before = len(runner.ledger.events)
    runner.run_listed("ablation", trials, deadline=deadline, compared=compared)
    if len(runner.ledger.events) > before:
        runner.ledger.note("compared", variants=list(compared), folds=list(chosen), seeds=seeds)


def require_new_or_resumed(runner: Runner, *, resume: bool) -> None:
    """Raises `ValueError` where the ablation was begun and `resume` is not asked for."""
    begun = len(runner.ledger.of_phase("ablation"))
    if begun and not resume:
        raise ValueError(
            f"Study {runner.study.name} was begun under {runner.home} and has {begun} trainings. Go on, or add folds and "
            "seeds, with --resume; begin another by setting $FERTUNE_HOME to another folder."
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
        Run(
            variant=trial.variant,
            fold=(fold := trial.folds[0]),
            seed=trial.seed,
            accuracy=trial.metrics.get("accuracy", math.nan),
            uar=trial.metrics.get("uar", math.nan),
            train_time_s=trial.metrics.get("train_time_s", math.nan),
            param_count=int(trial.metrics.get("param_count", 0)),
            num_train=len(folds[fold]["train"]),
            num_test=len(folds[fold]["test"]),
            predictions=kept if (kept := predictions_of(ledger, trial)).exists() else None,
        )
        for trial in trials
    ]


def comparison_of(ledger: Ledger) -> Comparison:
    """What those trainings say of the design: every variant against the reference, beside the published figures.

    Of a factorial the main effects and the interactions of two components too. Raises `OneFold` and `ValueError` as
    `compare` does, and where the study is no ablation.
    """
    from tuning.comparison import compare  # statsmodels takes seconds, and who trains needs none of it

    facts = ledger.study.get("design")
    if not facts:
        raise ValueError(f"Study {ledger.folder.name} is no ablation that was begun, so there is nothing to compare.")
    design = Design(**facts)
    return compare(runs_of(ledger), design.reference, published=published_of(ledger), contrasts=_effects(design))


def published_of(ledger: Ledger) -> dict[str, float]:
    """The accuracies that the source states, by variant, as shares."""
    published = ledger.study.get("published", {})
    return {name: figures["accuracy"] for name, figures in published.items() if "accuracy" in figures}


def unfinished_of(ledger: Ledger) -> list[Trial]:
    """Trainings of the compared variants that failed or were interrupted: a comparison says that they are missing."""
    return [trial for trial in _compared(ledger) if trial.state != "FINISHED"]


def _effects(design: Design) -> dict[str, dict[str, float]]:
    if design.kind != "factorial":
        return {}
    sets = [*itertools.combinations(design.components, 1), *itertools.combinations(design.components, 2)]
    return {" x ".join(components): design.contrast(*components) for components in sets}


def _compared(ledger: Ledger) -> list[Trial]:
    """The ablation's trials whose settings are those that their variant stands for today."""
    compared = ledger.study.get("compared", {})
    return [trial for trial in ledger.of_phase("ablation") if compared.get(trial.variant) == trial.parameters]


def _known_folds(folds: tuple[int, ...] | None, num_folds: int) -> tuple[int, ...]:
    if folds is None:
        return tuple(range(num_folds))
    unknown = sorted(fold for fold in folds if not 0 <= fold < num_folds)
    if unknown or not folds:
        given = ", ".join(map(str, unknown)) or "none"
        raise ValueError(f"Folds were given as {given}; the data set has folds 0 to {num_folds - 1}.")
    return tuple(sorted(set(folds)))
