"""`run`: a study from its file to a ledger of ended trials, a search or an ablation; begun, resumed or extended."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from search_spaces.core.study import Study
from tuning.ablate import ablate_variants, require_new_or_resumed
from tuning.execution.enumerated import default_seeds
from tuning.execution.placement import Placement
from tuning.execution.runner import Listener, Runner
from tuning.records.ran import Ran


def run(
    study: Study,
    listener: Listener,
    *,
    home: Path | None = None,
    data_root: Path | None = None,
    placement: Placement | None = None,
    num_samples: int | None = None,
    folds: tuple[int, ...] | None = None,
    seeds: int | None = None,
    time_budget_s: float | None = None,
    resume: bool = False,
    extend: int | None = None,
    verbose: bool = False,
) -> Ran:
    """Bring a search to `num_samples` trials, or train an ablation's variants on `folds` with `seeds` seeds each.

    No trial begins after `time_budget_s`. Raises `ValueError` where the study was begun and neither `resume` nor `extend`
    is asked for.
    """

    def require(runner: Runner) -> None:
        if study.design is None:
            runner.search_size(num_samples, resume=resume, extend=extend)
        else:
            require_new_or_resumed(runner, resume=resume)

    given: dict[str, Any] = {"home": home, "data_root": data_root, "placement": placement, "verbose": verbose}
    with Runner(study, listener, **given, require=require) as runner:
        if study.design is None:
            samples = runner.search_size(num_samples, resume=resume, extend=extend)
            runner.search(samples, time_budget_s=time_budget_s)
        else:
            require_new_or_resumed(runner, resume=resume)
            ablate_variants(runner, folds=folds, seeds=seeds or default_seeds(study), time_budget_s=time_budget_s)
    return runner.ran
