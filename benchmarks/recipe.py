"""What each step of the recipe for `smiles` brings, on people outside the holdout.

    python -m benchmarks.recipe --data-root ../shared/faces/smiles [--steps NAME,NAME] [--folds 0,1] [--seeds 1] [--home DIR]

Five folds by person; a fold's validation people are trained on too, as in a refit, and its last epoch is scored on its test
people. The settings of each step stand in `STEPS`, beside those that `smiles` had before them. Work that
was done lies in the home.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from benchmarks.core.five_folds import NUM_FOLDS, specs, trained
from search_spaces.core.study import load_study
from trainables.core.streams import take_any_text
from tuning.statistics.intervals import accuracy_interval
from tuning.statistics.pairing import Run, judged

BEFORE: dict[str, Any] = {
    **load_study("res_rbg_components_smiles").settings,
    "attention": "none",
    "rbg_depth": 1,
    "masking_rate": 0.05,
}
AVERAGED = {**BEFORE, "image_size": 64, "ema_decay": 0.98}
DEVIATION = {**AVERAGED, "neck": "deviation"}
SHALLOW = {**DEVIATION, "rbg_depth": 0, "epochs": 60}
STRONG = {"max_rotation_deg": 10.0, "max_shift": 0.05, "max_zoom": 0.1, "max_brightness": 0.2}
HALF_AS_STRONG = {"max_rotation_deg": 7.0, "max_shift": 0.04, "max_zoom": 0.07, "max_brightness": 0.15}
EXPRESSION: dict[str, Any] = {
    **AVERAGED,
    "backbone": "expression_net",
    "weights": "../shared/weights/face_expression.safetensors",
    "image_size": 112,
    "num_frames": 8,
    "precision": "float32",
    "masking_rate": 0.0,
    "epochs": 15,
    "batch_by": "clip",
}
BY_SUBJECT = {
    **EXPRESSION,
    **HALF_AS_STRONG,
    "ramp_epochs": 40,  # of 15: changes grow to three eighths of these
    "neck": "deviation",
    "rbg_depth": 0,
    "batch_by": "subject",
}
STEPS: Mapping[str, Mapping[str, Any]] = {
    "before": BEFORE,
    "averaged_64px": AVERAGED,
    "deviation": DEVIATION,
    "depth_0": SHALLOW,
    "depth_0_strong": {**SHALLOW, **STRONG},
    "depth_0_ramp": {**SHALLOW, **STRONG, "ramp_epochs": 40},
    "depth_0_ramp_half": {**SHALLOW, **HALF_AS_STRONG, "ramp_epochs": 40},
    "depth_0_ramp_6_frames": {**SHALLOW, "num_frames": 6, "ramp_epochs": 20, "epochs": 45},
    "deviation_lr_3e-3": {**DEVIATION, "epochs": 60, "lr": 3e-3},
    "frozen": {**EXPRESSION, "neck": "deviation", "frozen_stages": 4, "augmentation": "none", "epochs": 40},
    "fine_tuned": EXPRESSION,
    "fine_tuned_deviation": {**EXPRESSION, "neck": "deviation"},
    "fine_tuned_depth_0": {**EXPRESSION, "neck": "deviation", "rbg_depth": 0},
    "fine_tuned_by_subject": BY_SUBJECT,
    "fine_tuned_dropout": {**BY_SUBJECT, "dropout": 0.3, "gru_hidden": 64},
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Train what is not trained yet; print a line a training, then a row a step."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data-root", type=Path, required=True, help="the clips, as the study reads them")
    parser.add_argument("--steps", default=",".join(STEPS), help="which steps, by name")
    parser.add_argument("--folds", default=",".join(map(str, range(NUM_FOLDS))), help="which folds")
    parser.add_argument("--seed", type=int, default=0, help="the first seed")
    parser.add_argument("--seeds", type=int, default=1, help="trainings of each fold")
    parser.add_argument("--processes", type=int, default=2, help="trainings at a time, with a thread each")
    parser.add_argument("--home", type=Path, help="where crops and trainings are kept (default: nowhere)")
    given = parser.parse_args(arguments)
    names = given.steps.split(",")
    if unknown := [name for name in names if name not in STEPS]:
        parser.error(f"--steps: {', '.join(unknown)}; there are {', '.join(STEPS)}")
    folds, seeds = [int(fold) for fold in given.folds.split(",")], range(given.seed, given.seed + given.seeds)
    with tempfile.TemporaryDirectory(prefix="fertune-recipe-") as temporary:
        about: dict[str, Any] = {"keeps_validation": False, "folds": folds}
        where = (given.data_root, given.home or Path(temporary), seeds)
        runs = trained([one for name in names for one in specs(name, STEPS[name], *where, **about)], given.processes)
        rows = [_row(name, [run for run in runs if run.variant == name]) for name in names]
    print("| step | accuracy, % | 95 % over people | by seed | seconds a training |\n|---|---:|---:|---:|---:|")
    for row in rows:
        seconds = f"{row['train_time_s']:.0f}"
        of_seeds = ", ".join(f"{100 * one:.1f}" for one in row["by_seed"])
        limits = f"{100 * row['low']:.1f} to {100 * row['high']:.1f}"
        print(f"| `{row['step']}` | {100 * row['accuracy']:.1f} | {limits} | {of_seeds} | {seconds} |")
    print(json.dumps(rows))
    return 0


def _row(step: str, runs: Sequence[Run]) -> dict[str, Any]:
    """The accuracy of a step over all its clips, by seed too, and how long one of its trainings takes."""
    tables = []
    for run in runs:
        assert run.predictions is not None
        tables.append(judged(run.predictions).assign(seed=run.seed))
    table, folds = pd.concat(tables), sorted({run.fold for run in runs})
    found = accuracy_interval(table["correct"], table["subject_id"].tolist(), table["seed"].tolist())
    return {
        "step": step,
        "accuracy": found.mean,
        "low": found.low,
        "high": found.high,
        "by_seed": table.groupby("seed")["correct"].mean().tolist(),
        "by_fold": [statistics.mean(run.accuracy for run in runs if run.fold == fold) for fold in folds],
        "num_clips": len(table) // table["seed"].nunique(),
        "num_people": int(table["subject_id"].nunique()),
        "train_time_s": statistics.median(run.train_time_s for run in runs),
    }


if __name__ == "__main__":
    take_any_text()
    raise SystemExit(main())
