"""One run of Ray Tune: its searcher is the bookkeeper, and each of its slots takes one trial after the other."""

from __future__ import annotations

import time
from pathlib import Path

from ray import tune

from trainables.core.phases import Phase
from trainables.core.ray.slot import SLOT_CPUS, Slot, SlotPlan
from tuning.execution.bookkeeper import Bookkeeper
from tuning.execution.devices.placement import Placement


def make_tuner(
    study: str,
    phase: Phase,
    bookkeeper: Bookkeeper,
    *,
    storage: Path,
    num_trials: int,
    num_slots: int,
    placement: Placement,
    gpus_per_worker: float,
    verbose: bool,
) -> tune.Tuner:
    """A Tune run of `num_trials` trials of `phase` in `num_slots` slots, whose own results lie under `storage`."""
    plan = SlotPlan(
        run_name=f"{study}-{phase}",
        storage=str(storage),
        workers=placement.workers,
        cpus_per_worker=placement.cpus_per_worker,
        gpus_per_worker=gpus_per_worker,
    )
    return tune.Tuner(
        tune.with_resources(tune.with_parameters(Slot, plan=plan), {"cpu": SLOT_CPUS}),
        tune_config=tune.TuneConfig(
            search_alg=bookkeeper,
            num_samples=num_trials,
            max_concurrent_trials=num_slots,
            reuse_actors=True,
            trial_name_creator=lambda trial: f"{study}-{trial.config['spec']['trial_id']}",
            trial_dirname_creator=lambda trial: trial.config["spec"]["trial_id"],
        ),
        run_config=tune.RunConfig(
            name=f"tune-{time.strftime('%Y%m%d-%H%M%S')}-{phase}",
            storage_path=str(storage),
            verbose=1 if verbose else 0,
            stop=bookkeeper.stopper,
            failure_config=tune.FailureConfig(max_failures=0),
        ),
    )
