"""One phase of a study as a run of Ray Tune: its searcher is the bookkeeper, and its trials wait for the study's slots."""

from __future__ import annotations

import time
from pathlib import Path

from ray import tune

from trainables.core.phases import Phase
from trainables.core.ray.slots import SlotPlan
from trainables.core.ray.trial_actor import ACTOR_CPUS, TrialActor
from tuning.execution.bookkeeper import Bookkeeper
from tuning.execution.devices.placement import Fit, Placement
from tuning.execution.phase.machines import Machines
from tuning.execution.phase.places import STOPS

MOST_RUNS = 5  # of Tune for one phase, each after all machines of Ray were gone


class TuneRun:
    """The trials of `phase` that `bookkeeper` hands out, as many at once and each on what `fit` and `placement` say.

    Tune's own results lie under `storage`. Where all machines of Ray are gone, it is begun anew, and the trials go on.
    """

    def __init__(
        self,
        machines: Machines,
        phase: Phase,
        bookkeeper: Bookkeeper,
        fit: Fit,
        placement: Placement,
        *,
        storage: Path,
        verbose: bool,
    ) -> None:
        self._machines, self._phase, self._bookkeeper = machines, phase, bookkeeper
        self._fit, self._placement = fit, placement
        self._storage, self._verbose = str(storage), verbose
        self._plan = SlotPlan(
            run_name=machines.study,
            storage=self._storage,
            workers=placement.workers,
            cpus_per_worker=placement.cpus_per_worker,
            gpus_per_worker=fit.gpus_per_worker,
            accelerator_type=fit.accelerator_type,
        )

    def fit(self) -> None:
        """Return when the bookkeeper has nothing more to be done, or has met an error."""
        for number in range(MOST_RUNS):
            slots = self._machines.slots(self._fit, self._placement)
            slots.want(self._fit.slots, self._plan)
            self._bookkeeper.places = slots
            try:
                self._tuner(slots.queue, number).fit()
            finally:
                slots.want(0)
            if self._bookkeeper.over or self._bookkeeper.error or not slots.lost:
                return
            self._bookkeeper.hand_out_again()
            self._machines.begin_anew()
        raise ConnectionError(f"Ray lost all its machines {MOST_RUNS} times in one phase. {STOPS}")

    def _tuner(self, queue: object, number: int) -> tune.Tuner:
        study = self._machines.study
        return tune.Tuner(
            tune.with_resources(tune.with_parameters(TrialActor, queue=queue), {"cpu": ACTOR_CPUS}),
            tune_config=tune.TuneConfig(
                search_alg=self._bookkeeper,
                num_samples=-1,
                max_concurrent_trials=self._fit.slots,
                reuse_actors=True,
                trial_name_creator=lambda trial: f"{study}-{trial.config['spec']['trial_id']}",
                trial_dirname_creator=lambda trial: f"{trial.config['spec']['trial_id']}-{trial.trial_id}",
            ),
            run_config=tune.RunConfig(
                name=f"tune-{time.strftime('%Y%m%d-%H%M%S')}-{self._phase}-{number}",
                storage_path=self._storage,
                verbose=1 if self._verbose else 0,
                stop=self._bookkeeper.stopper,
                failure_config=tune.FailureConfig(max_failures=0),
            ),
        )
