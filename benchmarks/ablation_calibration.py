"""Calibration of an ablation's intervals, tests and minimum detectable effect, on studies with a known truth.

    python -m benchmarks.ablation_calibration [--studies 80] [--seed 0] [--processes 2] [--out rows.csv]

Each study trains a reference and four variants on folds cut by person (see simulated_studies.py) and asks what
`tune.py` would ask. In half of them nothing differs; in the others the first variant is worse by the minimum
detectable effect, as printed beforehand from the spread of pilots. The truth is the expected difference over training
sets of the folds' size, from thousands of test people. The naive t test takes all folds x seeds as independent.

The product's geometry differs in two ways. Here a fold trains on all the others; there one of these validates, so training
sets are smaller and overlap less (for 5 folds, 3 parts of which two folds share 1 to 2, in place of 4 that share 3), and
the share for training sets is told so (a fold's test part is a third of its train part, not a quarter). And the effect is
printed here from 30 pilots that train what the study will, at about that effect; there mostly from one.
"""

from __future__ import annotations

import argparse
import gc
import json
import multiprocessing
import time
from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy import stats
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import proportion_confint

from benchmarks.core.rows import write_rows
from benchmarks.simulated_studies import NUM_CLASSES, World, draw_subjects, predict
from trainables.core.streams import take_any_text
from tuning.statistics.comparison import minimum_detectable_effect
from tuning.statistics.intervals import nadeau_bengio_interval
from tuning.statistics.variance import sources, subject_estimate, variances_of_one_run

NUM_VARIANTS = 4
NUM_PILOTS = 30
NUM_TRUTHS = 600  # training sets that an expected difference is the mean of
ALPHA = 0.05

WORLDS = {
    "10 folds, 3 seeds": World(num_folds=10),
    "10 folds, 3 seeds, 110 people": World(num_folds=10, num_subjects=110),
    "10 folds, 1 seed": World(num_folds=10, num_seeds=1),
    "10 folds, 2 seeds, accuracy near 0.9": World(num_folds=10, num_seeds=2, signal=1.3),
    "5 folds, 5 seeds": World(num_seeds=5),
    "5 folds, 3 seeds, 30 people": World(num_subjects=30),
    "5 folds, 3 seeds, seeds alone differ": World(own=0, shared=12),
    "5 folds, 3 seeds, people very alike": World(subject=0.1, reaction=0.0),
    "5 folds, 2 seeds, people very different": World(num_seeds=2, subject=1.2, reaction=0.8, clips_each=2),
    "5 folds, 2 seeds, bagged": World(num_seeds=2, learner="bagged"),
    "5 folds, 3 seeds, nearest mean": World(learner="nearest_mean"),
    "5 folds, 3 seeds, nearest neighbour": World(learner="nearest_neighbour"),
    "5 folds, 3 seeds, wide": World(learner="many_random_features"),
    "5 folds, 3 seeds, three features": World(learner="three_features"),
    "5 folds, 3 seeds, one in ten fails": World(learner="at_times_nothing"),
    "5 folds, 1 seed, one in ten fails": World(learner="at_times_nothing", num_seeds=1),
    "3 folds, 2 seeds": World(num_folds=3, num_seeds=2),
    "3 folds, 1 seed, ridge": World(num_folds=3, num_seeds=1, learner="ridge"),
}


def measure_world(name: str, world: World, num_studies: int, seed: int) -> list[dict[str, Any]]:
    """A row for each comparison of each study in `world`, and how it came out."""
    root = [seed, sorted(WORLDS).index(name)]
    smallest, blur, truth = _worse_by_what_is_printed(world, root)
    rows = []
    for number in range(2 * num_studies):
        differs = number >= num_studies
        if differs and blur is None:  # no variant can be that much worse than the reference
            continue
        blurs = (0.0, (blur or 0.0) if differs else 0.0, *[0.0] * (NUM_VARIANTS - 1))
        outcomes = _study(np.random.default_rng([*root, 3, number]), world, blurs)
        for variant, outcome in enumerate(outcomes):
            true = truth if differs and variant == 0 else 0.0
            half = float(stats.t.ppf(1 - ALPHA / 2, outcome["df"])) * outcome["se"]
            rows.append(
                {
                    "world": name,
                    "study": number,
                    "differs": differs,
                    "variant": variant,
                    "truth": true,
                    "minimum_detectable_effect": smallest,
                    "covered": abs(outcome["mean"] - true) <= half,
                    **outcome,
                }
            )
    return rows


def summary(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Error rates by study, coverage by comparison, power of the variants that are worse by the detectable effect."""
    by_study: dict[tuple[str, int], list[dict[str, Any]]] = {}
    for row in rows:
        by_study.setdefault((row["world"], row["study"]), []).append(row)
    errors, naive = (
        [any(row[key] and row["truth"] == 0 for row in study) for study in by_study.values()]
        for key in ("rejected", "naive_rejected")
    )
    found = [row["rejected"] and row["mean"] < 0 for row in rows if row["truth"] != 0]
    return {
        "num_studies": len(by_study),
        "family_wise_error": float(np.mean(errors)),
        "family_wise_error_high": _bound(errors, 1),
        "coverage": float(np.mean([row["covered"] for row in rows])),
        "nadeau_bengio_coverage": float(np.mean([row["nadeau_bengio_covered"] for row in rows if row["truth"] == 0])),
        "power_at_mde": float(np.mean(found)) if found else None,
        "power_at_mde_low": _bound(found, 0) if found else None,
        "naive_family_wise_error": float(np.mean(naive)),
    }


def _study(rng: np.random.Generator, world: World, blurs: tuple[float, ...]) -> list[dict[str, Any]]:
    """What a study says of each variant against the first."""
    correct, folds = _cross_validated(rng, world, blurs)
    clips = np.full(world.num_subjects, float(NUM_CLASSES * world.clips_each))
    ratio = 1 / (world.num_folds - 1)
    differences = [one - correct[0] for one in correct[1:]]
    subjects = np.arange(world.num_subjects)
    estimates = [subject_estimate(sources(one, clips, subjects, folds), test_over_train=ratio) for one in differences]
    by_fold = [_by_fold(one, folds, clips) for one in differences]  # (K, S) each
    rejected = multipletests([one.p_value() for one in estimates], alpha=ALPHA, method="holm")[0]
    naive = [1.0 if np.ptp(one) == 0 else float(stats.ttest_1samp(one.ravel(), 0).pvalue) for one in by_fold]
    naive_rejected = multipletests(naive, alpha=ALPHA, method="holm")[0]
    outcomes = []
    for index, one in enumerate(estimates):
        other = nadeau_bengio_interval(by_fold[index].mean(axis=1), num_train=1.0, num_test=ratio)
        outcomes.append(
            {
                "mean": one.mean,
                "se": one.se,
                "df": one.df,
                "method": one.method,
                "rejected": bool(rejected[index]),
                "naive_rejected": bool(naive_rejected[index]),
                "nadeau_bengio_covered": bool(other.low <= 0 <= other.high),
            }
        )
    return outcomes


def _cross_validated(
    rng: np.random.Generator, world: World, blurs: tuple[float, ...]
) -> tuple[list[np.ndarray], np.ndarray]:
    """Right answers by person and seed `(I, S)` of each variant, and the fold of each person."""
    views, labels, subjects = draw_subjects(rng, world, world.num_subjects, blurs)
    folds = rng.permutation(world.num_subjects) % world.num_folds
    correct = [np.zeros((world.num_subjects, world.num_seeds)) for _ in blurs]
    for fold in range(world.num_folds):
        tested = folds[subjects] == fold
        for view, counts in zip(views, correct, strict=True):
            for seed in range(world.num_seeds):
                answers = predict(rng, world.learner, view[~tested], labels[~tested], view[tested])
                right = (answers == labels[tested]).astype(float)
                counts[:, seed] += np.bincount(subjects[tested], right, minlength=world.num_subjects)
    return correct, folds


def _by_fold(totals: np.ndarray, folds: np.ndarray, clips: np.ndarray) -> np.ndarray:
    return np.stack([np.bincount(folds, one) for one in totals.T], axis=1) / np.bincount(folds, clips)[:, None]


def _printed_effect(world: World, blur: float, root: list[int]) -> float:
    """The minimum detectable effect as printed before a study, from the spread that pilots with `blur` showed."""
    found = []
    clips = np.full(world.num_subjects, float(NUM_CLASSES * world.clips_each))
    for number in range(NUM_PILOTS):
        correct, folds = _cross_validated(np.random.default_rng([*root, number]), world, (0.0, blur))
        found.append(sources(correct[1] - correct[0], clips, np.arange(world.num_subjects), folds))
    of_folds, of_seed = variances_of_one_run(found)
    return minimum_detectable_effect(
        world.num_folds,
        world.num_seeds,
        (of_folds + of_seed) ** 0.5,
        num_train=world.num_subjects * (1 - 1 / world.num_folds),
        num_test=world.num_subjects / world.num_folds,
        num_comparisons=NUM_VARIANTS,
        num_subjects=world.num_subjects,
        seed_share=of_seed / (of_folds + of_seed),
    )


def _worse_by_what_is_printed(world: World, root: list[int]) -> tuple[float, float | None, float]:
    """The minimum detectable effect, the blur that makes a variant worse by it, and the true difference at that blur.

    The pilots train what the study will: the effect printed for the blur of the last round gives the blur of the next.
    No blur where no variant can be that much worse than the reference.
    """
    grid = np.array([0.0, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.7, 0.9])
    losses = np.maximum.accumulate(_losses(world, tuple(grid), NUM_TRUTHS // 3, [*root, 2, 0]))
    blur = 0.0
    for number in range(3):
        printed = _printed_effect(world, blur, [*root, 1, number])
        if printed > losses[-1]:
            return printed, None, 0.0
        blur = float(np.interp(printed, losses, grid))
    return printed, blur, -float(_losses(world, (0.0, blur), NUM_TRUTHS * 2, [*root, 2, 1])[1])


def _losses(world: World, blurs: tuple[float, ...], num_sets: int, root: list[int]) -> np.ndarray:
    """How much accuracy each of `blurs` costs in expectation, over `num_sets` training sets of a fold's size."""
    num_train = world.num_subjects - world.num_subjects // world.num_folds
    lost = np.zeros(len(blurs))
    for number in range(num_sets):
        rng = np.random.default_rng([*root, number])
        views, labels, subjects = draw_subjects(rng, world, num_train + 100, blurs)
        seen = subjects < num_train
        right = [
            float((predict(rng, world.learner, view[seen], labels[seen], view[~seen]) == labels[~seen]).mean())
            for view in views
        ]
        lost += (right[0] - np.array(right)) / num_sets
    return lost


def _bound(outcomes: Sequence[bool], side: int) -> float:
    """The one-sided 95 % bound (Clopper and Pearson) of a rate: the lower for `side` 0, the upper for 1."""
    return float(proportion_confint(sum(outcomes), len(outcomes), alpha=0.1, method="beta")[side])


def main() -> None:
    parser = argparse.ArgumentParser(description="Calibration of an ablation's statistics.")
    parser.add_argument("--studies", type=int, default=80, help="without and with a difference each, in each world")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--out", help="raw rows as CSV")
    arguments = parser.parse_args()
    began = time.perf_counter()
    jobs = [(name, world, arguments.studies, arguments.seed) for name, world in WORLDS.items()]
    # statsmodels collects garbage at each adjustment of p-values; what is frozen is not looked through again.
    with multiprocessing.Pool(arguments.processes, initializer=gc.freeze) as pool:
        found = dict(zip(WORLDS, pool.starmap(measure_world, jobs, chunksize=1), strict=True))
    rows = [row for one in found.values() for row in one]
    print(f"{'':42}{'error':>8}{'coverage':>10}{'N.-B.':>8}{'effect':>8}{'power':>8}{'naive error':>13}")
    for name, one in [*found.items(), ("all", rows)]:
        of = summary(one)
        power = "" if of["power_at_mde"] is None else f"{100 * of['power_at_mde']:.1f}"
        effect = "" if name == "all" else f"{100 * one[0]['minimum_detectable_effect']:.1f}"
        print(
            f"{name:42}{100 * of['family_wise_error']:8.1f}{100 * of['coverage']:10.1f}"
            f"{100 * of['nadeau_bengio_coverage']:8.1f}{effect:>8}{power:>8}{100 * of['naive_family_wise_error']:13.1f}"
        )
    if arguments.out:
        write_rows(arguments.out, rows)
    print(json.dumps({**summary(rows), "seed": arguments.seed, "seconds": round(time.perf_counter() - began, 1)}))


if __name__ == "__main__":
    take_any_text()
    main()
