"""`run`: a study from its file to a ledger of ended trials, a search or an ablation; begun, resumed or extended."""

from __future__ import annotations

import dataclasses
import functools
from pathlib import Path
from typing import Any

from search_spaces.core.study import Study, as_study
from tuning.ablate import ablate
from tuning.execution.asked import require_fitting
from tuning.execution.devices.placement import Placement
from tuning.execution.runner import Listener, Runner
from tuning.notifying.watched import notified
from tuning.plan import require_disk
from tuning.records.home import home_of
from tuning.records.ran import Ran
from tuning.text.progress import heard


def run(
    study: str | Study,
    *,
    home: str | Path | None = None,
    data_root: str | Path | None = None,
    keep_spelling: bool = False,
    cluster_by: str | None = None,
    new_data: bool = False,
    placement: Placement | None = None,
    num_samples: int | None = None,
    folds: tuple[int, ...] | None = None,
    seeds: int | None = None,
    time_budget_s: float | None = None,
    resume: bool = False,
    extend: int | None = None,
    keep_weights: str | None = None,
    prefer: str | None = None,
    searcher: str | None = None,
    smoke: bool = False,
    baselines: bool = True,
    notify: str | None = None,
    progress: bool | Listener = False,
    verbose: bool = False,
) -> Ran:
    """Bring a search to `num_samples` trials, or train an ablation's variants on `folds` with `seeds` seeds each.

    `study` is the name of a file of `search_spaces/` or an object. Its faces are those under `data_root`, or drawn ones;
    `keep_spelling` and `cluster_by` are those of `prepare`, and remembered with the study. Everything it leaves lies under
    `home`. No trial begins after `time_budget_s`. `resume` goes on with a study that was begun, `extend` adds so many trials
    to a search.
    With `new_data` it goes on with data that have grown or changed since, as a new version of them: its trials on those of
    before stay in its ledger and count no more, and everybody who was there stays on his side of the holdout.
    What needs no search is measured first (docs/decisions/0025), once, unless `baselines` is false here or in the study.
    At a search's end the weights of its trials go that nothing needs; with `keep_weights="all"`, which the study remembers
    until `"needed"` is given, they stay. `prefer` says which member of the front is recommended (`Preference`), and is
    remembered, as is the `searcher` (docs/decisions/0041). `notify` is a command for a shell, run where it ends or stalls.
    `progress` is `True` for bars on this terminal, or a listener.
    Raises `ValueError` where the study was begun and neither `resume` nor `extend` is given, where the disk cannot hold what
    runs at once, and where data, placement or these numbers are of no use.
    """
    loaded = as_study(study, smoke=smoke)
    loaded = dataclasses.replace(loaded, baselines=loaded.baselines and baselines)
    sized: dict[str, Any] = {"num_samples": num_samples, "extend": extend}
    asked = {**sized, "folds": folds, "seeds": seeds}
    require_fitting(loaded, **asked, keep_weights=keep_weights, prefer=prefer, searcher=searcher)
    given: dict[str, Any] = {"home": home, "data_root": data_root, "placement": placement, "verbose": verbose}
    given |= {"keep_spelling": keep_spelling, "cluster_by": cluster_by, "new_data": new_data}
    resume, remembered = resume or new_data, {"keep_weights": keep_weights, "searcher": searcher}
    if loaded.design is not None:
        more: dict[str, Any] = {"folds": folds, "seeds": seeds, "time_budget_s": time_budget_s, "resume": resume}
        return ablate(loaded, **given, **more, **remembered, notify=notify, progress=progress)

    require = functools.partial(_require, **sized, resume=resume, keep_weights=keep_weights)
    with (
        notified(notify, loaded.name, home_of(home), heard(progress)) as listener,
        Runner(loaded, listener, **given, require=require) as runner,
    ):
        size = runner.search_size(**sized, resume=resume)
        runner.search(size, time_budget_s=time_budget_s, prefer=prefer, **remembered)
    return runner.ran


def _require(
    runner: Runner, *, num_samples: int | None, extend: int | None, resume: bool, keep_weights: str | None
) -> None:
    runner.search_size(num_samples, resume=resume, extend=extend)  # raises where the study was begun
    require_disk(runner, num_samples=num_samples, extend=extend, keep_weights=keep_weights)
