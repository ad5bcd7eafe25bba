"""Calibration of the promotion test: how often it promotes what it may not, on holdouts with a known truth.

    python -m benchmarks.promotion_calibration [--studies 140] [--seed 0] [--processes 2] [--out rows.csv]

The null is what the test must refuse most sharply: a challenger exactly as accurate as the champion (superiority), or
worse by exactly the margin and cheaper (non-inferiority). Answers are drawn from a probit model of people, clips, seeds
and what a person makes of a seed, whose accuracies are known in closed form; in one world they come from real
classifiers, twice the same one, so that seeds alone differ. The naive bound resamples people and takes seeds as fixed.
Whoever is refused is trained with twice the seeds and asked for again: once at what a second look may spend
(`tuning/statistics/alpha_spending.py`), once at the whole level each time, which is what the looks guard against.
"""

from __future__ import annotations

import argparse
import dataclasses
import gc
import json
import multiprocessing
import time
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats
from statsmodels.stats.proportion import proportion_confint

from benchmarks.core.rows import write_rows
from benchmarks.simulated_studies import World, draw_subjects, predict
from trainables.core.streams import take_any_text
from tuning.statistics import alpha_spending
from tuning.statistics.savings import Costs
from tuning.statistics.superiority import MARGIN, Candidate, Verdict, superiority

ALPHA = 0.05


@dataclasses.dataclass(frozen=True, kw_only=True)
class Holdout:
    """Variances on the probit scale, against 1 for what is left: of people and clips (alike for all configurations), of
    what a person makes of a configuration, of seeds, and of what a person makes of a seed."""

    num_subjects: int = 16
    clips_each: int = 4
    num_seeds: int = 2
    num_challengers: int = 1
    accuracy: float = 0.85
    subjects: float = 0.3
    clips: float = 0.3
    taste: float = 0.2
    seeds: float = 0.03
    seed_taste: float = 0.1


HOLDOUTS = {
    "16 people, 2 seeds": Holdout(),
    "10 people, 2 seeds": Holdout(num_subjects=10),
    "20 people, 6 clips each, 2 seeds": Holdout(num_subjects=20, clips_each=6),
    "40 people, 5 seeds": Holdout(num_subjects=40, num_seeds=5),
    "16 people, 3 seeds": Holdout(num_seeds=3),
    "seeds change nothing for all": Holdout(seeds=0.0),
    "seeds change much": Holdout(seeds=0.15),
    "seeds alone differ": Holdout(taste=0.0, seed_taste=0.0, clips=1.0),
    "accuracy 0.6": Holdout(accuracy=0.6),
    "accuracy 0.95": Holdout(accuracy=0.95),
    "accuracy 0.98": Holdout(accuracy=0.98),
    "people very different": Holdout(subjects=2.0, taste=0.5),
    "three challengers": Holdout(num_challengers=3),
    "three challengers, 10 people": Holdout(num_challengers=3, num_subjects=10),
}
CLASSIFIERS = "real classifiers, seeds alone differ"
SHOWN = {
    "promoted": "one look",
    "promoted_by_second": "then twice the seeds",
    "unspent_promoted_by_second": "at 5 % each time",
    "naive_promoted": "naive",
}


def measure_holdout(name: str, num_studies: int, seed: int) -> list[dict[str, Any]]:
    """A row for each study of the holdout called `name`: was anybody promoted, at the first look or after a second?"""
    rows = []
    for condition, required in (("superiority", 0.0), ("non-inferiority", -MARGIN)):
        if name == CLASSIFIERS and required:
            continue
        for number in range(num_studies):
            rng = np.random.default_rng([seed, [*HOLDOUTS, CLASSIFIERS].index(name), int(required < 0), number])
            if name == CLASSIFIERS:
                more, clips = _of_classifiers(rng), 4
            else:
                more, clips = _of_probits(rng, HOLDOUTS[name], required), HOLDOUTS[name].clips_each
            correct = more[..., : more.shape[-1] // 2]
            verdicts = _look(correct, required, look=1)
            again = _look(more, required, look=2)
            naive = [_naive_p(one, correct[0], required) for one in correct[1:]]
            promoted = any(verdict.promoted for verdict in verdicts)
            rows.append(
                {
                    "holdout": name,
                    "condition": condition,
                    "study": number,
                    "promoted": promoted,
                    "promoted_by_second": promoted or any(verdict.promoted for verdict in again),
                    "unspent_promoted": _at_whole_level(verdicts),
                    "unspent_promoted_by_second": _at_whole_level(verdicts) or _at_whole_level(again),
                    "naive_promoted": min(naive) <= ALPHA / len(naive),
                    "difference": verdicts[0].difference,
                    "low": verdicts[0].low,
                    "truth": required,
                    "num_clips": correct.shape[1] * clips,
                }
            )
    return rows


def _look(correct: np.ndarray, required: float, *, look: int) -> list[Verdict]:
    """The verdicts on the challengers in `correct` `(M, I, C, S)`, whose first is the champion, at `look`."""
    # A challenger of half the champion's parameters may lose the margin, one of as many may not.
    counts = [100.0] + [50.0 if required else 100.0] * (len(correct) - 1)
    champion, *challengers = [
        Candidate(name=str(index), predictions=_table(one), costs=Costs(param_count=counts[index]), look=look)
        for index, one in enumerate(correct)
    ]
    return superiority(challengers, champion, alpha=ALPHA)


def _at_whole_level(verdicts: Sequence[Verdict]) -> bool:
    """Whether anybody were promoted if this look could spend all of alpha."""
    return any(verdict.p_adjusted * alpha_spending.share_of_alpha(verdict.look) <= ALPHA for verdict in verdicts)


def summary(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The rates of false promotion over all `rows`, two of them with their 95 % upper bound (one-sided)."""
    found: dict[str, Any] = {"num_studies": len(rows), "alpha": ALPHA}
    for key, name in (("promoted", "false_promotion_rate"), ("promoted_by_second", "by_second_look_rate")):
        hits = [row[key] for row in rows]
        found[name] = float(np.mean(hits))
        found[f"{name}_high"] = float(proportion_confint(sum(hits), len(rows), alpha=0.1, method="beta")[1])
    for key, name in (
        ("unspent_promoted", "unspent_false_promotion_rate"),
        ("unspent_promoted_by_second", "unspent_by_second_look_rate"),
        ("naive_promoted", "naive_false_promotion_rate"),
    ):
        found[name] = float(np.mean([row[key] for row in rows]))
    return found


def _of_probits(rng: np.random.Generator, holdout: Holdout, difference: float) -> np.ndarray:
    """Right answers `(M, I, C, 2 S)` of the champion and its challengers, whose true accuracies differ by `difference`."""
    subjects, clips, seeds = holdout.num_subjects, holdout.clips_each, 2 * holdout.num_seeds
    variance = 1 + holdout.subjects + holdout.clips + holdout.taste + holdout.seeds + holdout.seed_taste

    def noise(variance: float, *shape: int) -> np.ndarray:
        return variance**0.5 * rng.standard_normal(shape)

    shared = noise(holdout.subjects, subjects, 1, 1) + noise(holdout.clips, subjects, clips, 1)
    correct = []
    for index in range(1 + holdout.num_challengers):
        accuracy = holdout.accuracy + (difference if index else 0.0)
        level = stats.norm.ppf(accuracy) * variance**0.5
        own = noise(holdout.taste, subjects, 1, 1) + noise(holdout.seeds, 1, 1, seeds)
        own = own + noise(holdout.seed_taste, subjects, 1, seeds)
        correct.append(level + shared + own + rng.standard_normal((subjects, clips, seeds)) > 0)
    return np.stack(correct).astype(float)


def _of_classifiers(rng: np.random.Generator) -> np.ndarray:
    """The same for one classifier against itself: two seeds each and two more, trained on 40 people, judged on 16."""
    world = World(num_subjects=56, signal=0.8)
    views, labels, subjects = draw_subjects(rng, world, world.num_subjects, (0.0,))
    seen = subjects < 40
    right = [
        (predict(rng, "random_features", views[0][seen], labels[seen], views[0][~seen]) == labels[~seen])
        for _ in range(8)
    ]
    return np.stack(right).reshape(2, 4, 16, 4).transpose(0, 2, 3, 1).astype(float)


def _table(correct: np.ndarray) -> pd.DataFrame:
    """Right answers `(I, C, S)` as the predictions that a confirmation writes."""
    subjects, clips, seeds = (index.ravel() for index in np.indices(correct.shape))
    return pd.DataFrame(
        {
            "clip_id": subjects * correct.shape[1] + clips,
            "subject": subjects,
            "seed": seeds,
            "label": 1,
            "predicted": correct.ravel().astype(int),
        }
    )


def _naive_p(one: np.ndarray, other: np.ndarray, required: float) -> float:
    by_subject = (one - other).mean(axis=(1, 2)) - required
    if np.ptp(by_subject) == 0:
        return float(by_subject[0] <= 0)
    return float(stats.ttest_1samp(by_subject, 0, alternative="greater").pvalue)


def main() -> None:
    parser = argparse.ArgumentParser(description="How often the promotion test promotes what it may not.")
    parser.add_argument("--studies", type=int, default=140, help="of each condition on each holdout")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--out", help="raw rows as CSV")
    arguments = parser.parse_args()
    began = time.perf_counter()
    names = [*HOLDOUTS, CLASSIFIERS]
    jobs = [(name, arguments.studies, arguments.seed) for name in names]
    # statsmodels collects garbage at each adjustment of p-values; what is frozen is not looked through again.
    with multiprocessing.Pool(arguments.processes, initializer=gc.freeze) as pool:
        found = dict(zip(names, pool.starmap(measure_holdout, jobs, chunksize=1), strict=True))
    rows = [row for one in found.values() for row in one]
    print(f"{'false promotions, %':38}" + "".join(f"{heading:>24}" for heading in SHOWN.values()))
    print(" " * 38 + f"{'superiority':>13}{'non-inf.':>11}" * len(SHOWN))
    for name, one in [*found.items(), ("all", rows)]:
        cells = []
        for key in SHOWN:
            for condition, width in (("superiority", 13), ("non-inferiority", 11)):
                hits = [row[key] for row in one if row["condition"] == condition]
                cells.append(f"{f'{100 * np.mean(hits):.1f}' if hits else '':>{width}}")
        print(f"{name:38}{''.join(cells)}")
    if arguments.out:
        write_rows(arguments.out, rows)
    print(json.dumps({**summary(rows), "seed": arguments.seed, "seconds": round(time.perf_counter() - began, 1)}))


if __name__ == "__main__":
    take_any_text()
    main()
