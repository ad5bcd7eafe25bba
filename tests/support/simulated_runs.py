"""Runs of an ablation whose truth is known, without a training."""

import dataclasses

import numpy as np
import pandas as pd

from tuning.statistics.pairing import Run

NUM_SUBJECTS = 40
CLIPS = 3


def simulated(skills, *, num_folds=5, num_seeds=2, seed=0):
    """Runs of variants with the given skills: each person is tested in one fold, every clip is right with that chance."""
    rng = np.random.default_rng(seed)
    difficulty = rng.normal(0, 0.1, (NUM_SUBJECTS, 1))
    runs = []
    for variant, skill in skills.items():
        for number in range(num_seeds):
            right = rng.random((NUM_SUBJECTS, CLIPS)) < skill + difficulty
            for fold in range(num_folds):
                subjects = np.arange(fold, NUM_SUBJECTS, num_folds)
                runs.append(one_run(variant, fold, number, subjects, right[subjects]))
    return runs


def one_run(variant, fold, seed, subjects, right):
    labels = np.tile(np.arange(CLIPS), len(subjects))
    table = pd.DataFrame(
        {
            "clip_id": [f"{subject}-{clip}" for subject in subjects for clip in range(CLIPS)],
            "subject": np.repeat([f"P{subject:02}" for subject in subjects], CLIPS),
            "label": labels,
            "predicted": np.where(right.ravel(), labels, CLIPS),
        }
    )
    return Run(
        variant=variant,
        fold=fold,
        seed=seed,
        accuracy=float(right.mean()),
        uar=float(right.mean()),
        train_time_s=10.0 + fold + seed,
        param_count=1000,
        num_train=CLIPS * (NUM_SUBJECTS - len(subjects)),
        num_test=CLIPS * len(subjects),
        predictions=table,
    )


def without_predictions(runs):
    return [dataclasses.replace(run, predictions=None) for run in runs]
