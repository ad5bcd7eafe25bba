"""Runs of an ablation whose truth is known, without a training."""

import dataclasses

import numpy as np
import pandas as pd

from tuning.statistics.pairing import Run

NUM_PEOPLE = 40
CLIPS = 3


def simulated(skills, *, num_folds=5, num_seeds=2, seed=0):
    """Runs of variants with the given skills: each person is tested in one fold, every clip is right with that chance."""
    rng = np.random.default_rng(seed)
    difficulty = rng.normal(0, 0.1, (NUM_PEOPLE, 1))
    runs = []
    for variant, skill in skills.items():
        for number in range(num_seeds):
            right = rng.random((NUM_PEOPLE, CLIPS)) < skill + difficulty
            for fold in range(num_folds):
                people = np.arange(fold, NUM_PEOPLE, num_folds)
                runs.append(one_run(variant, fold, number, people, right[people]))
    return runs


def one_run(variant, fold, seed, people, right):
    labels = np.tile(np.arange(CLIPS), len(people))
    table = pd.DataFrame(
        {
            "clip_id": [f"{person}-{clip}" for person in people for clip in range(CLIPS)],
            "subject": np.repeat([f"P{person:02}" for person in people], CLIPS),
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
        num_train=CLIPS * (NUM_PEOPLE - len(people)),
        num_test=CLIPS * len(people),
        predictions=table,
    )


def without_predictions(runs):
    return [dataclasses.replace(run, predictions=None) for run in runs]
