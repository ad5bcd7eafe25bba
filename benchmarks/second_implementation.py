"""The gate's estimator beside four others, on simulated studies whose variance is known.

    python -m benchmarks.second_implementation [--studies 200] [--seed 0] [--processes 2] [--out rows.csv]

In a study two configurations answer clips of 50 people in five folds, with two trainings each in a fold; answers are normal, so
that the variance of every weighted mean of them is known exactly, and nobody is better. Each study is estimated by

- `gain` (`tuning/statistics/gate/gain.py`), without its share for training sets, which are all alike here;
- a mixed model of statsmodels by REML on the clips' mean differences, with a random person, and seeds as `gain` has them: the
  same two components by another estimator. Its bound is normal, as statsmodels has it;
- the same with a random fold beside the person, in place of what `gain` says of seeds;
- the correlated t test of baycomp on the folds' means, which has Nadeau and Bengio's correction;
- the mean over clips with statsmodels' sandwich for clusters of people.

Told are the estimated variance over the true one (± its standard deviation), how often a one-sided bound misses the truth (the
mean of the lower and the upper one) at 5 % and at the gate's first level for three racers (2.5 % over 3), and the median
degrees of freedom.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import multiprocessing
import time
import warnings
from collections.abc import Sequence
from functools import partial
from typing import Any

import baycomp
import numpy as np
import pandas as pd
import statsmodels.api as sm
from rich.console import Console
from rich.progress import track
from scipy import stats
from statsmodels.regression.mixed_linear_model import MixedLM, VCSpec

from benchmarks.core.rows import write_rows
from trainables.core.streams import take_any_text
from tuning.statistics.gate.alpha_investing import next_level, wealth
from tuning.statistics.gate.gain import Gain, gain
from tuning.statistics.variance import Estimate

NUM_PEOPLE, NUM_FOLDS, NUM_SEEDS, CLIPS_EACH = 50, 5, 2, 4
RACERS = 3
LEVELS = (0.05, next_level(wealth([], 0)) / RACERS)
Row = dict[str, Any]


@dataclasses.dataclass(frozen=True, kw_only=True)
class World:
    """Standard deviations, on the scale on which a right answer is 1: of what a `person` and a `clip` make of the difference
    of the two, of what a `seed` does to all people of a fold at once, and of people's own answers to it (`taste`)."""

    name: str
    unequal: bool = False
    person: float = 0.3
    clip: float = 0.4
    seed: float = 0.05
    taste: float = 0.1


WORLDS = (
    World(name="4 clips each"),
    World(name="4 clips each, seeds change nothing", seed=0.0, taste=0.0),
    World(name="4 clips each, people alike", person=0.0, taste=0.0),
    World(name="1 to 40 clips", unequal=True),
    World(name="1 to 40 clips, seeds change nothing", unequal=True, seed=0.0, taste=0.0),
    World(name="1 to 40 clips, people alike", unequal=True, person=0.0, taste=0.0),
)
ALL = "all"


class Study:
    """Answers `(C, S)` of `one` and `other` to clips of `people` `(C,)` in `folds` `(C,)`; the truth is 0."""

    def __init__(self, rng: np.random.Generator, world: World) -> None:
        self.world = world
        counts = np.full(NUM_PEOPLE, CLIPS_EACH)
        if world.unequal:
            counts = np.clip(np.exp(rng.normal(1.2, 0.9, NUM_PEOPLE)).round().astype(int), 1, 40)
        self.people = np.repeat(np.arange(NUM_PEOPLE), counts)
        self.folds = (rng.permutation(NUM_PEOPLE) % NUM_FOLDS)[self.people]
        known = world.person * rng.standard_normal(NUM_PEOPLE)[self.people]
        known = known + world.clip * rng.standard_normal(len(self.people))
        self.one, self.other = known[:, np.newaxis] + self._of_seeds(rng), self._of_seeds(rng)

    def _of_seeds(self, rng: np.random.Generator) -> np.ndarray:
        shocks = self.world.seed * rng.standard_normal((NUM_FOLDS, NUM_SEEDS))[self.folds]
        return shocks + self.world.taste * rng.standard_normal((NUM_PEOPLE, NUM_SEEDS))[self.people]

    @property
    def difference(self) -> np.ndarray:
        """Of each clip `(C,)`, the mean over seeds."""
        return self.one.mean(axis=1) - self.other.mean(axis=1)

    def variance(self, weights: np.ndarray) -> float:
        """The true variance of the mean of the differences by `weights` `(C,)`, whose sum is 1."""
        by_person, by_fold = (float((np.bincount(units, weights) ** 2).sum()) for units in (self.people, self.folds))
        world, both = self.world, 2 / NUM_SEEDS  # two configurations, each by the mean of its seeds
        of_person = world.person**2 + both * world.taste**2
        return of_person * by_person + both * world.seed**2 * by_fold + world.clip**2 * float((weights**2).sum())


def gain_of(study: Study) -> Gain:
    found = gain(study.one, study.other, study.people, study.folds, test_over_train=1 / (NUM_FOLDS - 1))
    return dataclasses.replace(found, training=0.0)


def by_gain(study: Study) -> Estimate:
    return gain_of(study).estimate()


def by_people(study: Study) -> Estimate:
    """The mean over clips, with the variance that REML's components for people give it, and seeds as `gain` has them."""
    num_clips, difference = len(study.people), study.difference
    fitted = _fitted(MixedLM(difference, np.ones((num_clips, 1)), groups=study.people))
    by_person = float((np.bincount(study.people) ** 2.0).sum())
    of_person = float(np.asarray(fitted.cov_re)[0, 0])
    variance = of_person * by_person / num_clips**2 + float(fitted.scale) / num_clips
    of_seeds = max(sum(gain_of(study).of_seeds), 0.0)
    return Estimate(mean=float(difference.mean()), se=(variance + of_seeds) ** 0.5, df=np.inf, method="")


def by_people_and_folds(study: Study) -> Estimate:
    """The mean over clips, with the variance that REML's components for people, folds and clips give it."""
    num_clips, difference = len(study.people), study.difference
    order = np.argsort(study.folds, kind="stable")
    ones, belongs = np.ones((num_clips, 1)), []
    for fold in range(NUM_FOLDS):
        people = study.people[study.folds == fold]
        belongs.append((people[:, np.newaxis] == np.unique(people)).astype(float))
    persons = VCSpec(["person"], [[list(range(one.shape[1])) for one in belongs]], [belongs])
    model = MixedLM(difference[order], ones, groups=study.folds[order], exog_re=ones, exog_vc=persons)
    fitted = _fitted(model)
    of_fold, of_person = float(np.asarray(fitted.cov_re)[0, 0]), float(fitted.vcomp[0])
    by_person, by_fold = (float((np.bincount(units) ** 2.0).sum()) for units in (study.people, study.folds))
    variance = (of_fold * by_fold + of_person * by_person) / num_clips**2 + float(fitted.scale) / num_clips
    return Estimate(mean=float(difference.mean()), se=variance**0.5, df=np.inf, method="")


def _fitted(model: MixedLM) -> Any:
    """By Powell's method: statsmodels' default (BFGS) said of 4 in 6 fits that we looked at that it had not converged."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # where a component is 0
        return model.fit(reml=True, method="powell")


def by_correlated_t_test(study: Study) -> Estimate:
    means = np.bincount(study.folds, study.difference) / np.bincount(study.folds)
    mean, variance, df = baycomp.CorrelatedTTest.compute_statistics(np.zeros(NUM_FOLDS), means)
    return Estimate(mean=float(mean), se=float(variance) ** 0.5, df=float(df), method="")


def by_sandwich(study: Study) -> Estimate:
    fitted = sm.OLS(study.difference, np.ones(len(study.people))).fit(
        cov_type="cluster", cov_kwds={"groups": study.people}, use_t=True
    )
    return Estimate(
        mean=float(fitted.params[0]), se=float(fitted.bse[0]), df=float(len(np.unique(study.people)) - 1), method=""
    )


ESTIMATORS = {
    "`gain`": by_gain,
    "REML of people": by_people,
    "REML of people and folds": by_people_and_folds,
    "correlated t test": by_correlated_t_test,
    "sandwich over people": by_sandwich,
}


def weights_of(estimator: str, study: Study) -> np.ndarray:
    """What a clip weighs in the mean `(C,)`: as any other one, or as any other of its fold."""
    if estimator == "correlated t test":
        return 1 / (NUM_FOLDS * np.bincount(study.folds))[study.folds]
    return np.full(len(study.people), 1 / len(study.people))


def estimated(number: int, seed: int) -> list[Row]:
    """Study `number` of each world by each estimator: a row each."""
    rows = []
    for place, world in enumerate(WORLDS):
        study = Study(np.random.default_rng([seed, place, number]), world)
        for name, estimator in ESTIMATORS.items():
            found = estimator(study)
            row: Row = {"seed": seed, "world": world.name, "study": number, "estimator": name, "df": found.df}
            row["variance"], row["true"] = found.se**2, study.variance(weights_of(name, study))
            for level in LEVELS:
                below = stats.t.sf(abs(found.mean) / found.se, found.df) < level  # one of the two bounds
                row[missed(level)] = int(below) / 2
            rows.append(row)
    return rows


def summary(rows: Sequence[Row]) -> dict[str, dict[str, dict[str, float | None]]]:
    """By world, and over `ALL`, by estimator; `df` is `None` for a normal bound."""
    table = pd.DataFrame(rows)
    table["ratio"] = table["variance"] / table["true"]
    found: dict[str, dict[str, dict[str, float | None]]] = {}
    for world in (*(world.name for world in WORLDS), ALL):
        for name in ESTIMATORS:
            mine = table[(table["estimator"] == name) & ((table["world"] == world) | (world == ALL))]
            df = float(mine["df"].median())
            found.setdefault(world, {})[name] = {
                "ratio": float(mine["ratio"].mean()),
                "ratio_sd": float(mine["ratio"].std()),
                "df": df if np.isfinite(df) else None,
                **{missed(level): float(mine[missed(level)].mean()) for level in LEVELS},
            }
    return found


def missed(level: float) -> str:
    """The column that says how often a bound at `level` misses the truth."""
    return f"missed_{level:.2g}"


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="The gate's estimator beside four others.")
    parser.add_argument("--studies", type=int, default=200, help="of each world")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--out", help="raw rows as CSV")
    given = parser.parse_args(arguments)
    began, rows = time.perf_counter(), []
    with multiprocessing.Pool(given.processes) as pool:
        work = pool.imap(partial(estimated, seed=given.seed), range(given.studies))
        for found in track(work, total=given.studies, description="studies", console=Console(stderr=True)):
            rows += found
    if given.out:
        write_rows(given.out, rows)
    told = summary(rows)
    _print(told)
    facts = {"num_studies": given.studies, "seed": given.seed, "seconds": round(time.perf_counter() - began, 1)}
    print(json.dumps(facts | {"worlds": told}))


def _print(found: dict[str, dict[str, dict[str, float | None]]]) -> None:
    print(f"| world | {' | '.join(ESTIMATORS)} |\n|---|{'---|' * len(ESTIMATORS)}")
    for world, by_estimator in found.items():
        cells = []
        for one in by_estimator.values():
            rates = "; ".join(f"{100 * (one[missed(level)] or 0.0):.1f}" for level in LEVELS)
            df = "normal" if one["df"] is None else f"{one['df']:.0f}"
            cells.append(f"{one['ratio']:.2f} ± {one['ratio_sd']:.2f}; {rates}; {df}")
        print(f"| {world} | {' | '.join(cells)} |")


if __name__ == "__main__":
    take_any_text()
    main()
