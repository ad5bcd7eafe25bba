"""The study that is disturbed: a search of given points, so that a trial is the same one in every round.

A search and not an ablation: a trial of an ablation that failed is trained again by `--resume`, one of a search is not, so
that here nothing hides a trial that was lost. All its points are given (`first_points`): the n-th trial has the n-th point
and the n-th seed whatever was disturbed before it, where a sampler would go by results and by who was first.
"""

from __future__ import annotations

import itertools
from collections.abc import Hashable, Mapping
from pathlib import Path
from typing import Any

from ray import tune

from search_spaces.core.study import Objective, Study
from trainables.core import lookup
from tuning.records.ledger import Trial

EPOCHS = 16  # of about half a second
# How long after a checkpoint the next one may come: several epochs, so that there is progress to lose.
CHECKPOINT_INTERVAL_S = 1.5
SPACE: dict[str, list[Any]] = {"lr": [3e-4, 1e-3, 3e-3, 1e-2], "gru_hidden": [8, 12, 16, 20, 24, 32]}
POINTS = [dict(zip(SPACE, values, strict=True)) for values in itertools.product(*SPACE.values())]


def chaos_study(name: str, *, num_trials: int = len(POINTS), epochs: int = EPOCHS) -> Study:
    """A search of the first `num_trials` points on drawn stills (`draw`), by a network of half a million parameters."""
    return Study(
        name=name,
        trainable="tdrag",
        dataset="fer2013",
        registered_model="chaos",  # one for all rounds: it decides who is held out
        parameters={key: tune.choice(values) for key, values in SPACE.items()},
        first_points=tuple(POINTS[:num_trials]),
        num_samples=num_trials,
        objectives=(Objective(metric="accuracy"), Objective(metric="uar"), Objective(metric="param_count")),
        settings={
            "width": 8,
            "attention": "none",
            "frame_selection": "even",
            "num_frames": 1,
            "image_size": 40,
            "epochs": epochs,
            "batch_size": 16,
            "precision": "float32",
        },
        baselines=False,
    )


def draw(root: Path) -> Path:
    """Stills of drawn people under `root`, which are prepared in a second, as FER2013's faces are cut already; drawn once."""
    if not (root / "fer2013.csv").exists():
        lookup.load("drawing.layouts", "fer2013", "drawn layout").write(
            root, difficulty="easy", num_subjects=12, traps=False
        )
    return root


def configuration(trial: Trial) -> Hashable:
    """Equal for trials of two rounds that are the same work."""
    return (trial.seed, trial.folds, *sorted(trial.parameters.items()))


def measured(trial: Trial) -> Mapping[str, Any]:
    """What an undisturbed trial of the same configuration has in common with this one, to the last bit: no times."""
    curve = [{key: value for key, value in row.items() if not key.endswith("_s")} for row in trial.curve]
    return {"accuracy": trial.metrics.get("accuracy"), "uar": trial.metrics.get("uar"), "curve": curve}
