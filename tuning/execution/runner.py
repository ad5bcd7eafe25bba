"""Running a study: from its file to a ledger of ended trials, through Ray Tune."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from search_spaces.core.study import Study, as_study
from trainables.core import files
from trainables.core.phases import Phase
from trainables.core.prepared.stored import Prepared
from trainables.core.training.trial import TrialSpec
from tuning.execution.asked import require_new
from tuning.execution.baselines import BEFORE_TRIALS, Baselines, baselines_due
from tuning.execution.bookkeeper import Bookkeeper, Listener
from tuning.execution.devices.idle_times import trial_idle_times
from tuning.execution.devices.memory import trial_memory
from tuning.execution.devices.placement import Fit, Placement, of_study, slots_of
from tuning.execution.phase.machines import Machines
from tuning.execution.phase.places import Fits, gone
from tuning.execution.phase.tune_run import TuneRun
from tuning.execution.readiness import require_ready, require_unchanged
from tuning.execution.search.named import search_of
from tuning.execution.search.searcher import HaltedFirst, InTurn, ListSearcher, Searcher
from tuning.execution.session import Session
from tuning.execution.signals import interruptible
from tuning.execution.storage.shared import node_data
from tuning.execution.study_data import cut, data_of
from tuning.records.front.choice import choose
from tuning.records.home import git_commit, home_of, known_studies, not_begun, version
from tuning.records.ledger import Ledger, Trial
from tuning.records.left_over import free
from tuning.records.moved_home import open_store
from tuning.records.ran import Ran
from tuning.records.selection import comparable
from tuning.records.tracking import Tracker
from tuning.records.trial import as_written, identity


class Runner:
    """An open study, given by name or as an object.

    Its ledger is locked, its data prepared, MLflow followed; Ray is started when first needed. What can be known to be in
    the way is found out first, `require` (of the runner with its ledger alone) included. `trains` is false where nothing
    is to run; with `new_data` a study that was begun goes on with data that differ, as a new version of it.
    """

    def __init__(
        self,
        study: str | Study,
        listener: Listener,
        *,
        data_root: str | Path | None = None,
        keep_spelling: bool = False,
        cluster_by: str | None = None,
        new_data: bool = False,
        home: str | Path | None = None,
        placement: Placement | None = None,
        verbose: bool = False,
        begun: bool = False,
        trains: bool = True,
        require: Callable[[Runner], object] = lambda runner: None,
        checkpoint_interval_s: float = 10.0,
    ) -> None:
        self.study, self.home = as_study(study), home_of(home)
        self.folder = self.home / self.study.name
        self.listener, self.verbose, self._noted = listener, verbose, False
        self.placement, self.checkpoint_interval_s = placement or Placement(), checkpoint_interval_s
        self.data_root = None if data_root is None else Path(data_root).expanduser()
        self._trains, self._require, self._new_data = trains, require, new_data
        self._data_facts: dict[str, Any] = {"keep_spelling": keep_spelling}
        self.cluster_by = cluster_by or ""
        self._resources = contextlib.ExitStack()
        self._told: dict[str, Any] = {}  # to the worker of every trial
        self.notes: list[str] = []
        if (begun or new_data) and self.study.name not in known_studies(self.home):
            raise not_begun(self.home, self.study.name)

    def __enter__(self) -> Runner:
        with contextlib.ExitStack() as opening:
            self.ledger = opening.enter_context(Ledger.write(self.folder))
            self.ledger.tell = self.noted
            self.placement = of_study(self.placement, self.study.name, self.ledger.study)
            self._require(self)
            uri = open_store(self.home)
            require_ready(self.study, self.ledger, uri, self.placement, tell=self.noted, trains=self._trains)
            self.prepared = self._prepare()
            self.splits_path = self.folder / files.SPLITS
            self.splits = cut(self.study, self.prepared, self.splits_path, home=self.home, new_data=self._new_data)
            self._note_new_data()
            self.tracker = opening.enter_context(Tracker(self.ledger, uri, self.home))
            seen = (self.folder, self.prepared.folder)
            self._machines = opening.enter_context(Machines(*seen, self.noted, self.verbose))
            self._resources = opening.pop_all()
        return self

    def __exit__(self, kind: type[BaseException] | None, *raised: Any) -> None:
        if kind is not None or self.tracker.error:
            self.tracker.patience_s = 0.5  # MLflow gets the rest from the ledger next time
        self._resources.__exit__(kind, *raised)
        if missing := self.tracker.what_is_missing():
            self.noted(missing)

    def noted(self, message: str) -> None:
        """Tell the listener what a person should know, and keep it for whoever asks afterwards."""
        self.notes.append(message)
        self.listener.noted(message)

    @property
    def ran(self) -> Ran:
        """The study as it is now; once it is closed, MLflow has all that it took."""
        compare = tuple(self.tracker.how_to_compare())
        return Ran(study=self.study, home=self.home, ledger=self.ledger, compare=compare, notes=tuple(self.notes))

    def search_size(self, num_samples: int | None, *, resume: bool, extend: int | None) -> int:
        """How many search trials the study is to have in all.

        Raises `ValueError` where the study was begun and neither `resume` nor `extend` is asked for.
        """
        if not resume and not extend:
            require_new(self.ledger, self.home)
        return self.ledger.search_size(self.study.num_samples, num_samples, extend)

    def search(self, num_samples: int, *, time_budget_s: float | None = None, **remembered: str | None) -> None:
        """Bring the study to `num_samples` search trials: half-run ones first, then new ones; select the front.

        Then the weights that nothing needs go, unless `keep_weights` is `all`. That, `prefer` (`Preference`) and the `searcher`
        are what may be `remembered` with the study, where they are given.
        """
        halted = [trial for trial in self.ledger.of_phase("search") if trial.halted]
        search = search_of(self.study, self.ledger, num_samples, remembered.pop("searcher", None), self.noted)
        deadline = None if time_budget_s is None else time.monotonic() + time_budget_s
        facts: dict[str, Any] = {"num_samples": num_samples, "searcher": search.name}
        facts |= {key: one for key, one in remembered.items() if one}
        trials, count = HaltedFirst(halted, search.searcher), search.num_new + len(halted)
        self.run("search", trials, count, deadline=deadline, **facts)
        if search.searcher.exhausted:
            self.noted(search.all_tried(len(self.ledger.of_phase("search"))))
        self.select()
        self.free()

    def free(self) -> None:
        """Delete what a search that has ended left and nothing needs; say how much that was."""
        if freed := free(self.ledger):
            self.noted(freed)

    def select(self) -> None:
        """Write what is chosen among the finished search trials to the ledger (docs/decisions/0028)."""
        trials = comparable(self.study, self.ledger, self.ledger.finished("search"), self.noted)
        if trials:
            folds = [self.splits.view("search", fold).validation for fold in self.study.search_folds]
            found = choose(self.study, self.ledger, trials, len(set().union(*folds)))
            self.ledger.select(**found.facts())
            if found.unmet:
                self.noted(found.unmet)

    def run_listed(self, phase: Phase, trials: list[Trial], *, deadline: float | None = None, **facts: Any) -> None:
        """Run trials that are known beforehand, as `run` does; those that finished already are not run again."""
        before = sorted(self.ledger.of_phase(phase), key=lambda trial: trial.state == "FINISHED")
        known = {identity(self.study, trial): trial for trial in before}
        todo = [known.get(identity(self.study, trial)) or as_written(self.study, trial) for trial in trials]
        todo = [trial for trial in todo if trial.state != "FINISHED"]
        self.run(phase, ListSearcher(todo), len(todo), deadline=deadline, **facts)

    def run(
        self, phase: Phase, searcher: Searcher, count: int, /, *, deadline: float | None = None, **facts: Any
    ) -> None:
        """Run up to `count` trials of `searcher` through Ray Tune; returns when all have ended.

        No trial begins after `deadline` (of `time.monotonic`). `facts` are remembered of the study, also where no trial is
        left to run: its variants, objectives and quoted figures are what the file says now.
        """
        require_unchanged(self.study, self.ledger)
        facts |= self.study.facts()
        if count == 0:
            if self.ledger.study:
                self.ledger.open_study(**facts)
            return
        session = self.session()
        fit = slots_of(self.placement, session, count, self.noted)
        self.placement, slots, gpus = fit.bound(self.placement), fit.slots, fit.gpus_per_worker
        where = (self.placement, session, slots, gpus, self.ledger.study.get("memory_gaps", {}))
        self._told, measured = trial_memory(self.study, phase, *where, tell=self.noted)
        self._told |= node_data(session) | (idle := trial_idle_times(self.home, self.ledger, self.noted))
        placed: dict[str, Any] = {"concurrency": slots, "device_kind": fit.device_kind}
        self.ledger.open_study(**self._facts(), **placed, **facts, **measured, **idle)
        self._note_driver()
        (self.folder / files.RAY).mkdir(exist_ok=True)
        of_ray: dict[str, Any] = {"num_cpus": session.num_cpus, "num_gpus": session.num_gpus}
        objectives = [objective.metric for objective in self.study.objectives]
        self.listener.phase_began(phase, count, objectives=objectives, **of_ray, dashboard_url=session.dashboard_url)
        if (first := self._baselines(phase)) and slots == 1:
            self.noted(BEFORE_TRIALS)
        bookkeeper = Bookkeeper(self.ledger, searcher, self.listener, self.spec, deadline, first, self._gone)
        with contextlib.closing(bookkeeper):
            try:
                with interruptible():
                    self._tuner(phase, bookkeeper, count + bool(first), fit).fit()
            finally:
                self.listener.phase_ended()

    def _tuner(self, phase: Phase, bookkeeper: Bookkeeper, count: int, fit: Fit) -> Fits:
        storage = self.folder / files.RAY
        return TuneRun(self._machines, phase, bookkeeper, fit, self.placement, storage=storage, verbose=self.verbose)

    def _baselines(self, phase: Phase) -> Baselines | None:
        any_trial = self.spec(Trial(phase=phase, parameters={}, seed=0, folds=()))
        return baselines_due(self.study, self.ledger, phase, len(self.splits.folds), any_trial, self.noted)

    def run_in_turn(
        self,
        phase: Phase,
        searchers: Mapping[str, Searcher],
        *,
        begun: Sequence[Trial],
        num_new: int,
        deadline: float | None = None,
        **facts: Any,
    ) -> None:
        """Run `num_new` trials of `searchers`, asked in turn, after those of `begun` that are half run, as `run` does."""
        halted = [trial for trial in begun if trial.halted]
        self.run(phase, HaltedFirst(halted, InTurn(searchers)), num_new + len(halted), deadline=deadline, **facts)

    def spec(self, trial: Trial) -> TrialSpec:
        """What the worker of `trial` is told."""
        return TrialSpec(
            trial_id=trial.trial_id,
            study=self.study.name,
            phase=trial.phase,
            trainable=trial.trainable or self.study.trainable,
            parameters=dict(trial.parameters) if trial.trainable else {**self.study.settings, **trial.parameters},
            prepared=str(self.prepared.folder),
            splits=str(self.splits_path),
            folds=trial.folds,
            seed=trial.seed,
            folder=str(self.ledger.trial_folder(trial.trial_id)),
            num_epochs=trial.num_epochs,
            checkpoint_interval_s=self.checkpoint_interval_s,
            epochs_told=trial.epochs_told,
            **self._told,
        )

    def _gone(self) -> str:
        """What of the study somebody removed while it ran, in a sentence."""
        needed = {self.splits_path: "the people of each fold", self.prepared.folder: "the prepared clips"}
        return gone(self.study.name, needed | {self.folder / files.RAY: "what Ray keeps of the study"})

    def _note_driver(self) -> None:
        """Write, once for each driver that runs trials, which fertune it is."""
        if not self._noted:
            self.ledger.note("driver", version=version(), git_commit=git_commit())
            self._noted = True

    def _facts(self) -> dict[str, Any]:
        """What the ledger remembers of the study as it is now."""
        return {
            "trainable": self.study.trainable,
            "dataset": self.study.dataset,
            "dataset_fingerprint": self.prepared.fingerprint,
            "space": self.study.space(),
            "settings": dict(self.study.settings),
            "leaky": self.splits.leaky,
            "drawn": self.prepared.drawn,
            "smoke": self.study.is_smoke,
            "whole_batch": True,
            "classes": list(self.prepared.classes),
            "version": version(),
            "git_commit": git_commit(),
            "data_root": str(self.data_root.absolute()) if self.data_root else "",
            **self._data_facts,
        }

    def session(self) -> Session:
        """The connection to Ray, made when first needed."""
        return self._machines.session()

    def _prepare(self) -> Prepared:
        if self.data_root is None and (stored := self.ledger.study.get("data_root")):
            self.data_root = Path(stored)
        asked: dict[str, Any] = {**self._data_facts, "cluster_by": self.cluster_by, "new_data": self._new_data}
        found = data_of(self.study, self.ledger.study, self.data_root, self.home, self.listener, **asked)
        self._data_facts = found.facts
        if found.note:
            self.noted(found.note)
        return found.prepared

    def _note_new_data(self) -> None:
        """From here on the ledger's tables are those of the present data."""
        before = self.ledger.study.get("dataset_fingerprint")
        if before not in (None, self.prepared.fingerprint):
            self.ledger.open_study(**self._facts())
            self.noted(
                f"{self.study.name} goes on with version {self.ledger.data_version} of its data: trials on those of before "
                "stay in its ledger and count no more."
            )
        elif self._new_data:
            self.noted(f"{self.study.name} has these data already: there is nothing new in them.")
