"""An ablation whose trainings end at once with invented results: what is asked for, resumed and said, without Ray."""

import math
from types import SimpleNamespace

import numpy as np
import pandas as pd
from ray import tune

from search_spaces.core.designs import sweep
from search_spaces.core.study import Study
from tests.support.builders import prepare_random
from trainables.core.prepared.splits import make_splits
from tuning.execution.runner import Runner
from tuning.records.ledger import Ledger

VARIANTS = ("rbg_depth=0", "rbg_depth=1", "rbg_depth=2")


def prepare_subjects(storage):
    """Twelve people in four folds."""
    return prepare_random(storage, num_subjects=12, num_folds=4)


def study_of(**changes):
    fields = {
        "name": "depths",
        "trainable": "res_rbg",
        "dataset": "drawn_faces",
        "registered_model": "depths",
        "design": sweep("rbg_depth", [0, 1, 2]),
        "settings": {"backbone": "resnet18", "gru_hidden": 8, "epochs": 2},
        "drawing": {"num_subjects": 10, "classes": ("happiness", "surprise")},
    }
    return Study(**(fields | changes))


def tuned_study(**changes):
    """Two variants with three search trials each."""
    design = sweep("rbg_depth", [0, 1], tune_each=3)
    return study_of(**({"design": design, "parameters": {"lr": tune.loguniform(1e-4, 1e-2)}} | changes))


class Driver(Runner):
    """A runner of a study of `prepared` under `home` whose trials end at once.

    `breaks` says which fail; after `interrupt_after` trainings Ctrl-C is pressed, after `late_after` time is over.
    `answers` gives how probably a trial is right about a clip of its fold's test part; its predictions are then kept.
    `deadlines` has the phase and the deadline of every run.
    """

    def __init__(
        self,
        study,
        home,
        prepared,
        *,
        breaks=lambda trial: False,
        interrupt_after=math.inf,
        late_after=math.inf,
        answers=None,
        listener=None,
    ):
        super().__init__(study, listener=listener, home=home)
        self.ledger = Ledger.write(self.folder)
        self.prepared, self.splits_path = prepared, self.folder / "splits.json"
        self.splits = make_splits(prepared, salt="test", holdout_share=0.0)
        self.splits.save(self.splits_path)
        self.tracker = SimpleNamespace(how_to_compare=list)
        self.breaks, self.answers, self.begun = breaks, answers, []
        self.interrupt_after, self.late_after = interrupt_after, late_after
        self.deadlines = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.ledger.close()

    def run(self, phase, proposer, count, *, deadline=None, **facts):
        self.deadlines.append((phase, deadline))
        if count:
            self.ledger.open_study(settings=dict(self.study.settings))
        super().run(phase, proposer, 0, deadline=deadline, **facts)  # what it remembers; nothing runs
        for _ in range(count):
            trial = None if len(self.begun) >= self.late_after else proposer.ask()
            if trial is None:
                return
            trial.trial_id = trial.trial_id or self.ledger.next_id(phase)
            self.ledger.start(trial)
            self.begun.append(trial)
            if len(self.begun) > self.interrupt_after:
                self.ledger.end(trial.trial_id, "INTERRUPTED")
                raise KeyboardInterrupt
            if self.breaks(trial):
                self.ledger.end(trial.trial_id, "FAILED", error="NonFiniteLoss: the loss became NaN.")
            else:
                self.ledger.end(trial.trial_id, "FINISHED", self._results(trial))
            proposer.tell(self.ledger.trials[trial.trial_id])

    def _results(self, trial):
        rng = np.random.default_rng([trial.seed, trial.folds[0], trial.parameters.get("rbg_depth", 0)])
        accuracy = 0.7 + 0.05 * trial.parameters.get("rbg_depth", 0) + rng.normal(0, 0.02)
        accuracy += 0.01 * math.log10(trial.parameters.get("lr", 1e-3) / 1e-3)
        if self.answers and trial.phase == "ablation":
            accuracy = self._predict(trial, rng)
        times = {"train_time_s": 5.0, "wall_time_s": 9.0, "weights_mb": 40.0}
        return {"accuracy": accuracy, "uar": accuracy, "param_count": 11e6, "train_flops": 1e12, **times}

    def _predict(self, trial, rng):
        """Write the answers for the test part; their accuracy."""
        clips = list(self.splits.folds[trial.folds[0]].test)
        labels = self.prepared.labels[clips]
        right = rng.random(len(clips)) < self.answers(trial)
        table = pd.DataFrame(
            {
                "clip_id": [self.prepared.clip_ids[clip] for clip in clips],
                "subject": [self.prepared.subjects[clip] for clip in clips],
                "label": labels,
                "logits": list(np.eye(2)[np.where(right, labels, 1 - labels)]),
            }
        )
        folder = self.folder / "trials" / trial.trial_id
        folder.mkdir(parents=True)
        table.to_parquet(folder / "predictions.parquet")
        return float(right.mean())
