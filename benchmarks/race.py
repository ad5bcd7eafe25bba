"""What a race is worth: simulated searches of 12 configurations whose true accuracies are known.

    python -m benchmarks.race [--studies 200] [--seed 0] [--processes 2] [--out rows.csv]

A search has 62 people outside the holdout in five folds, as `smiles` has; four clips each. Answers follow the probit model of
`benchmarks.promotion_calibration`: people, clips, seeds, what a person makes of a configuration and of a seed. True
accuracies are normal around 80 % with a `spread` of 2, 4 or 8 points, independent of training time and parameters.
Each study is decided twice, by the preference `accuracy`. Before: the search recommends, three members of the exact front
are trained with two seeds each and tested on the holdout, and the recommended one is promoted, whatever these say. With the
race: those that the preference is likely to take, four at most, run the folds by the statistics that `confirm` uses, and the
winner is tested with two seeds. Regret is what the promoted one lacks to the best of the 12. Trainings count the search, and
the refit.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import track
from scipy import stats

from benchmarks.core.rows import read_rows, write_rows
from trainables.core.streams import take_any_text
from tuning.confirm import LIKELY, TOP
from tuning.statistics import race, selection
from tuning.statistics.front_probability import Noise, influences
from tuning.statistics.intervals import SEED_SD
from tuning.statistics.pareto import Direction
from tuning.statistics.race import Answers

SPREADS = (2, 4, 8)  # of true accuracies, in points
NUM_CONFIGURATIONS = 12
NUM_PEOPLE, NUM_FOLDS, CLIPS_EACH = 62, 5, 4
MEAN_ACCURACY = 0.8
NEAR = 0.02  # of the best searched: as good as found
# Variances on the probit scale, against 1 for what is left of a clip's answer.
PEOPLE, CLIPS, TASTE, SEEDS, SEED_TASTE = 0.3, 0.3, 0.2, 0.03, 0.1
CONFIRMED_BEFORE, SEEDS_BEFORE, SEEDS_OF_WINNER, REFITS = 3, 2, 2, 1
DIRECTIONS: tuple[Direction, ...] = ("max", "min", "min")  # of accuracy, training time and parameters
TIME_SPREAD = 0.05  # of a training time, as a share of it


class Configurations:
    """The configurations of one search: what they have of themselves, whoever trains them."""

    def __init__(self, rng: np.random.Generator, spread: float) -> None:
        self._rng = rng
        self.accuracy = np.clip(MEAN_ACCURACY + spread / 100 * rng.standard_normal(NUM_CONFIGURATIONS), 0.05, 0.99)
        self.params = 10 ** rng.uniform(5, 7, NUM_CONFIGURATIONS)
        self.times_s = self.params**0.5 / 10 * 10 ** rng.normal(0, 0.2, NUM_CONFIGURATIONS)
        people = PEOPLE**0.5 * rng.standard_normal((NUM_PEOPLE, 1))
        clips = CLIPS**0.5 * rng.standard_normal((NUM_PEOPLE, CLIPS_EACH))
        taste = TASTE**0.5 * rng.standard_normal((NUM_CONFIGURATIONS, NUM_PEOPLE, 1))
        level = stats.norm.ppf(self.accuracy) * (1 + PEOPLE + CLIPS + TASTE + SEEDS + SEED_TASTE) ** 0.5
        self._known = level[:, np.newaxis, np.newaxis] + people + clips + taste

    def trained(self, row: int, tested: np.ndarray) -> np.ndarray:
        """The right answers `(I,)` of the people `tested` `(I,)`, of `CLIPS_EACH`, by one training with a new seed."""
        draw = self._rng.standard_normal
        seed = SEEDS**0.5 * draw() + SEED_TASTE**0.5 * draw((len(tested), 1))
        return (self._known[row, tested] + seed + draw((len(tested), CLIPS_EACH)) > 0).sum(axis=1).astype(float)


def decide(spread: float, study: int, seed: int) -> dict[str, Any]:
    """One search, decided before and with the race: a row."""
    found = Configurations(np.random.default_rng([seed, spread, study]), spread)
    validation = np.flatnonzero(np.arange(NUM_PEOPLE) % NUM_FOLDS == 1)  # of the one fold that is searched
    searched = np.stack([found.trained(row, validation) for row in range(NUM_CONFIGURATIONS)])  # (K, I)
    chosen = choose(searched, found, seed)
    assert chosen.recommended is not None
    likely = [row for row in np.argsort(-chosen.chosen_in) if chosen.chosen_in[row] >= LIKELY]
    members = list(dict.fromkeys([chosen.recommended, *map(int, likely)]))[:TOP]
    winner, trained, left = run_race(found, members)
    best = float(found.accuracy.max())
    confirmed = min(len(chosen.front), CONFIRMED_BEFORE)
    before = max(chosen.front, key=lambda row: searched[row].sum())
    return {
        "seed": seed,
        "spread": spread,
        "study": study,
        "regret_before": best - float(found.accuracy[before]),
        "regret": best - float(found.accuracy[winner]),
        "trainings_before": NUM_CONFIGURATIONS + confirmed * SEEDS_BEFORE + REFITS,
        "trainings": NUM_CONFIGURATIONS + trained + SEEDS_OF_WINNER + REFITS,
        "racers": len(members),
        "left_early": left,
    }


def choose(searched: np.ndarray, found: Configurations, seed: int) -> selection.Choice:
    """The choice of a search by `accuracy`, from the right answers `(K, I)` of its trials."""
    num_people = searched.shape[1]
    shares = searched / CLIPS_EACH
    without = (shares.sum(axis=1, keepdims=True) - shares) / (num_people - 1)
    noise = Noise(own=np.full(len(searched), SEED_SD), by_people=influences(without))
    return selection.choose(
        np.stack([shares.mean(axis=1), found.times_s, found.params], axis=1),
        DIRECTIONS,
        num_objectives=3,
        noises=[noise, Noise(own=TIME_SPREAD * found.times_s), None],
        rule=selection.Rule(kind="accuracy", num_clips=num_people * CLIPS_EACH),
        seed=seed,
    )


def run_race(found: Configurations, members: Sequence[int]) -> tuple[int, int, int]:
    """The winner among `members`, how many trainings it took, and how many left early."""
    fold_of = np.arange(NUM_PEOPLE) % NUM_FOLDS
    rows: dict[int, list[np.ndarray]] = {row: [] for row in members}
    living, trained = list(members), 0
    for fold in range(NUM_FOLDS):
        for row in living:
            rows[row].append(found.trained(row, np.flatnonzero(fold_of == fold)))
            trained += 1
        if fold + 1 < NUM_FOLDS:
            worse = race.clearly_worse({str(row): _answers(rows[row], fold_of) for row in living})
            living = [row for row in living if str(row) not in worse]
    winner = max(living, key=lambda row: sum(part.sum() for part in rows[row]))
    return winner, trained, len(members) - len(living)


def summary(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The keys that a script reads; regrets are compared as means over all studies, and by spread; `None` where none was."""
    spreads = sorted({int(row["spread"]) for row in rows})

    def mean(key: str, spread: int | None = None) -> float:
        return float(np.mean([float(row[key]) for row in rows if spread in (None, int(row["spread"]))]))

    def ratio(spread: int | None = None) -> float | None:
        before = mean("regret_before", spread)
        return round(mean("regret", spread) / before, 3) if before else None

    def within(key: str, spread: int) -> float:
        return float(np.mean([float(row[key]) <= NEAR for row in rows if int(row["spread"]) == spread]))

    return {
        "num_studies": len(rows),
        "regret_ratio": ratio(),
        "regret_ratio_by_spread": {str(one): ratio(one) for one in spreads},
        "within_2_points": {str(one): round(within("regret", one), 3) for one in spreads},
        "within_2_points_before": {str(one): round(within("regret_before", one), 3) for one in spreads},
        "trainings_ratio": round(mean("trainings") / mean("trainings_before"), 3),
    }


def _answers(parts: Sequence[np.ndarray], fold_of: np.ndarray) -> Answers:
    people = np.concatenate([np.flatnonzero(fold_of == fold) for fold in range(len(parts))])
    clips = np.full(len(people), float(CLIPS_EACH))
    return Answers(right=np.concatenate(parts), clips=clips, people=people, folds=fold_of[people])


def _decided(job: tuple[int, int, int]) -> dict[str, Any]:
    return decide(*job)


def main() -> None:
    parser = argparse.ArgumentParser(description="Regret of what is promoted, before and with a race.")
    parser.add_argument("--studies", type=int, default=200, help="of each spread")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--out", help="raw rows as CSV; studies that it holds already are not run again")
    arguments = parser.parse_args()
    began = time.perf_counter()
    rows: list[Mapping[str, Any]] = [*read_rows(arguments.out)] if arguments.out else []
    rows = [row for row in rows if int(row["seed"]) == arguments.seed and int(row["study"]) < arguments.studies]
    done = {(int(row["spread"]), int(row["study"])) for row in rows}
    jobs = [
        (spread, study, arguments.seed)
        for study in range(arguments.studies)
        for spread in SPREADS
        if (spread, study) not in done
    ]
    with multiprocessing.Pool(arguments.processes) as pool:
        for row in track(
            pool.imap(_decided, jobs), total=len(jobs), description="studies", console=Console(stderr=True)
        ):
            rows.append(row)
            if arguments.out and len(rows) % 30 == 0:
                write_rows(arguments.out, rows)
    if arguments.out:
        write_rows(arguments.out, rows)
    found = summary(rows)
    print(f"{'spread, points':>15}{'regret before':>15}{'with a race':>13}{'within 2 points':>17}{'before':>8}")
    for spread in SPREADS:
        of = [row for row in rows if int(row["spread"]) == spread]
        regrets = [100 * float(np.mean([float(row[key]) for row in of])) for key in ("regret_before", "regret")]
        shares = [100 * found[key][str(spread)] for key in ("within_2_points", "within_2_points_before")]
        print(f"{spread:>15}{regrets[0]:>15.2f}{regrets[1]:>13.2f}{shares[0]:>15.0f} %{shares[1]:>6.0f} %")
    print(json.dumps({**found, "seed": arguments.seed, "seconds": round(time.perf_counter() - began, 1)}))


if __name__ == "__main__":
    take_any_text()
    main()
