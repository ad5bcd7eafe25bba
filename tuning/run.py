"""`run`: a study from its file to a ledger of ended trials, a search or an ablation; begun, resumed or extended."""

from __future__ import annotations

from pathlib import Path

from search_spaces.core.study import Study, as_study
from tuning.ablate import ablate
from tuning.execution.placement import Placement
from tuning.execution.runner import Listener, Runner
from tuning.records.ran import Ran
from tuning.text.progress import heard


def run(
    study: str | Study,
    *,
    home: str | Path | None = None,
    data_root: str | Path | None = None,
    placement: Placement | None = None,
    num_samples: int | None = None,
    folds: tuple[int, ...] | None = None,
    seeds: int | None = None,
    time_budget_s: float | None = None,
    resume: bool = False,
    extend: int | None = None,
    smoke: bool = False,
    progress: bool | Listener = False,
    verbose: bool = False,
) -> Ran:
    """Bring a search to `num_samples` trials, or train an ablation's variants on `folds` with `seeds` seeds each.

    `study` is the name of a file of `search_spaces/` or an object. Its faces are those under `data_root`, or drawn ones.
    Everything it leaves lies under `home`. No trial begins after `time_budget_s`. `resume` goes on with a study that was
    begun, `extend` adds so many trials to a search. `progress` is `True` for bars on this terminal, or a listener.

    Raises `ValueError` where the study was begun and neither `resume` nor `extend` is asked for, and where its data, its
    placement or these numbers cannot be used.
    """
    loaded = as_study(study, smoke=smoke)
    if loaded.design is not None:
        return ablate(
            loaded,
            home=home,
            data_root=data_root,
            placement=placement,
            folds=folds,
            seeds=seeds,
            time_budget_s=time_budget_s,
            resume=resume,
            progress=progress,
            verbose=verbose,
        )
    listener = heard(progress)
    with Runner(loaded, listener, home=home, data_root=data_root, placement=placement, verbose=verbose) as runner:
        samples = runner.search_size(num_samples, resume=resume, extend=extend)
        runner.search(samples, time_budget_s=time_budget_s)
    return runner.ran
