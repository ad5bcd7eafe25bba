"""`ablate`, and `run` of a study with a design: every variant trained on the same folds with the same seeds.

A training sees the fold's train part, chooses its epoch on the validation part and is scored on the test part; nobody is
locked away, so all folds of the protocol are compared. The settings that `tune_each` finds were chosen on the validation
people of the search folds, who are test people of another fold: results carry the tag `fertune.selection=published`.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from search_spaces.core.designs import Design
from search_spaces.core.study import Study, as_study
from trainables.core.wording import counted
from tuning.execution.ahead import NUM_SEEDS, chosen_folds, default_seeds, trainings
from tuning.execution.asked import require_fitting
from tuning.execution.devices.placement import Placement
from tuning.execution.runner import Listener, Runner
from tuning.execution.variant_search import search_each
from tuning.notifying.watched import notified
from tuning.plan import require_disk
from tuning.records.home import home_of
from tuning.records.ran import Ran
from tuning.records.selection import best_by_variant, comparable, searches_of
from tuning.text.progress import heard


def ablate(
    study: str | Study,
    *,
    home: str | Path | None = None,
    data_root: str | Path | None = None,
    keep_spelling: bool = False,
    cluster_by: str | None = None,
    new_data: bool = False,
    placement: Placement | None = None,
    folds: tuple[int, ...] | None = None,
    seeds: int | None = None,
    time_budget_s: float | None = None,
    resume: bool = False,
    keep_weights: str | None = None,
    searcher: str | None = None,
    smoke: bool = False,
    notify: str | None = None,
    progress: bool | Listener = False,
    verbose: bool = False,
) -> Ran:
    """Train every variant of a study's design on `folds` (default: all) with `seeds` seeds, as `ablate_variants` says.

    The other arguments are those of `run`. Raises `ValueError` for a search, and where the ablation was begun and `resume`
    is not asked for, and where the disk cannot hold the trainings that run at once.
    """
    loaded = as_study(study, smoke=smoke)
    require_design(loaded)
    require_fitting(loaded, folds=folds, seeds=seeds, keep_weights=keep_weights, searcher=searcher)
    given: dict[str, Any] = {"home": home, "data_root": data_root, "placement": placement, "verbose": verbose}
    given |= {"keep_spelling": keep_spelling, "cluster_by": cluster_by, "new_data": new_data}
    resume = resume or new_data
    num_seeds = default_seeds(loaded) if seeds is None else seeds

    def require(runner: Runner) -> None:
        require_new_or_resumed(runner, resume=resume)
        require_disk(runner, folds=folds, seeds=num_seeds, keep_weights=keep_weights)

    with (
        notified(notify, loaded.name, home_of(home), heard(progress)) as listener,
        Runner(loaded, listener, **given, require=require) as runner,
    ):
        work: dict[str, Any] = {"time_budget_s": time_budget_s, "keep_weights": keep_weights}
        work["searcher"] = searcher
        ablate_variants(runner, folds=folds, seeds=num_seeds, **work)
    return runner.ran


def require_design(study: Study) -> Design:
    """The design of an ablation; raises `ValueError` for a search."""
    if study.design is None:
        raise ValueError(f"Study {study.name} is a search: it has no `design` of variants to compare.")
    return study.design


def ablate_variants(
    runner: Runner,
    *,
    folds: tuple[int, ...] | None = None,
    seeds: int = NUM_SEEDS,
    time_budget_s: float | None = None,
    keep_weights: str | None = None,
    searcher: str | None = None,
) -> None:
    """Train every variant of the study's design on `folds` (`None`: all, in a smoke run two) with `seeds` seeds.

    What finished before is not run again, so that this resumes, and adds folds, seeds and variants. Where the design
    tunes each variant, their searches come first; a variant none of whose trials finished is not compared, and nothing
    is trained before every variant has had its trials. No training begins after `time_budget_s`; seed by seed and fold by
    fold all variants are trained side by side, so that what is done by then can be compared.

    Raises `ValueError` for a study without a design, an unknown fold and no seeds.
    """
    design = require_design(runner.study)
    chosen = chosen_folds(runner.study, folds, len(runner.splits.folds))
    if seeds < 1:
        raise ValueError(f"{seeds} seeds were asked for; an ablation needs 1 at least.")
    deadline = None if time_budget_s is None else time.monotonic() + time_budget_s
    if design.tune_each:
        if not search_each(runner, deadline=deadline, keep_weights=keep_weights, searcher=searcher):
            return
        finished = [trial for trial in searches_of(runner.ledger, design) if trial.state == "FINISHED"]
        comparable(runner.study, runner.ledger, finished, runner.noted)  # tells of the others
        compared = best_by_variant(runner.ledger, runner.study)
    else:
        compared = {name: dict(changes) for name, changes in design.variants.items()}
    before = len(runner.ledger.events)
    runner.run_listed("ablation", trainings(compared, chosen, seeds), deadline=deadline, compared=compared)
    if len(runner.ledger.events) > before:
        runner.ledger.note("compared", variants=list(compared), folds=list(chosen), seeds=seeds)


def require_new_or_resumed(runner: Runner, *, resume: bool) -> None:
    """Raises `ValueError` where the ablation, or the search of one of its variants, was begun and `resume` is not asked for."""
    searched, trained = (len(runner.ledger.of_phase(phase)) for phase in ("search", "ablation"))
    if (searched or trained) and not resume:
        count = counted(trained, "training") if trained else counted(searched, "search trial")
        raise ValueError(
            f"Study {runner.study.name} was begun under {runner.home} and has {count}. Go on, or add folds and seeds, with "
            f"--resume; begin anew after `remove {runner.study.name}`."
        )
