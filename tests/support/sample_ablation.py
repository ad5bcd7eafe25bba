"""An ablation as a driver would have left it: invented results, no training."""

import dataclasses
import json

import numpy as np

from search_spaces.core.designs import factorial, named
from tests.support.report_pages import HOSTILE
from tests.support.sample_study import FACTS, write_predictions
from tuning.records.ledger import Ledger, Trial

NUM_SUBJECTS = 12
NUM_FOLDS = 3
DESIGN = factorial({"rbg_depth": 0}, {"rbg": {"rbg_depth": 2}, "gate": {"attention": "eca"}})
SMALL = named({"base": {"rbg_depth": 0}, HOSTILE: {"rbg_depth": 2}}, reference="base")
ABILITIES = {"base": 0.5, "rbg": 0.95, "gate": 0.52, "rbg+gate": 0.9}


def write_ablation(home, *, num_folds=NUM_FOLDS, failed=(), design=DESIGN, **facts):
    """An ablation as a driver leaves it, every training with a curve and its predictions."""
    folder = home / "parts"
    published = {"rbg+gate": {"accuracy": 0.981, "published_time_s": 0.744}}
    compared_ = {name: dict(changes) for name, changes in design.variants.items()}
    with Ledger.write(folder) as ledger:
        shared = {**FACTS, "design": design.facts(), "published": published, "compared": compared_}
        ledger.open_study(**{**shared, **facts})
        subjects = list(range(NUM_SUBJECTS))
        folds = [{"train": subjects[fold::3] * 8, "validation": [], "test": subjects[fold::3] * 4} for fold in range(3)]
        (folder / "splits.json").write_text(json.dumps({"fingerprint": "f", "holdout": [], "folds": folds}))
        for number, (seed, fold, name) in enumerate(np.ndindex(2, num_folds, len(design.variants))):
            name = list(design.variants)[name]
            trial = Trial(
                trial_id=f"ablation-{number:04d}",
                phase="ablation",
                parameters=compared_[name],
                seed=seed,
                folds=(fold,),
                variant=name,
            )
            ledger.start(trial)
            ledger.epoch(trial.trial_id, {"epoch": 1, "train_loss": 1.0, "val_loss": 1.0, "val_accuracy": 0.5})
            if name in failed:
                ledger.end(trial.trial_id, "FAILED", error="The loss became NaN")
                continue
            ability = ABILITIES.get(name, 0.5)
            apart = dataclasses.replace(trial, seed=1000 * (number + 1))
            accuracy = write_predictions(folder, apart, ability, num_subjects=NUM_SUBJECTS // NUM_FOLDS, split="test")
            costs = {"train_time_s": 60.0 + fold, "param_count": 11e6, "weights_mb": 44.0, "best_epoch": 1.0}
            ledger.end(trial.trial_id, "FINISHED", {"accuracy": accuracy, "uar": accuracy, **costs})
    return folder
