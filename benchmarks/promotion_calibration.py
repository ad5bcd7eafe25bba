"""Calibration of the promotion gate: how often it promotes what it may not, and how often what it should.

    python -m benchmarks.promotion_calibration --data-root ../shared/faces/smiles
        --weights ../shared/weights/face_expression.safetensors [--studies 2000] [--seed 0] [--processes 2] [--out rows.csv]

Worlds: `benchmarks/core/gate_worlds.py`. In each study all configurations are equal in truth (`false`): whoever is promoted is
promoted falsely, by whichever of the world's questions. Then one of three challengers is better, by what an oracle has a power
of 50 and of 80 % for, and by 10 points. The oracle knows the standard deviation of the difference in that world, and has the
level, the family and the data of the gate. Without `--weights` the worlds of faces are left out.
With `--out` a second call goes on after the rows that are there.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import track

from benchmarks.core.gate_summary import has_power, print_table, sizes_of, summary, verdict
from benchmarks.core.gate_worlds import (
    APART,
    CHAMPION,
    COPIES,
    FARTHEST,
    NUM_FOLDS,
    RACERS,
    WORLDS,
    FacesStudy,
    ProbitStudy,
    Study,
    World,
    accuracies,
)
from benchmarks.core.rows import read_rows, write_rows
from benchmarks.core.smiling_people import Population, smiling_people
from trainables.core.streams import take_any_text
from tuning.statistics.gate.alpha_investing import next_level, wealth
from tuning.statistics.gate.gain import TRAINING_SHARE, gain, p_value

TEST_OVER_TRAIN = 1 / (NUM_FOLDS - 1)
MOST_SEEDS = 8
AT_ONCE = 50  # studies of a job
GATE = f"{next_level(wealth([], 0))} {TRAINING_SHARE}"  # rows of another one are not gone on with
SPREADS = np.linspace(APART, FARTHEST, 9)
Row = dict[str, Any]
Answers = tuple[np.ndarray, np.ndarray]  # of a challenger and of the champion, `(C, S)` each


def questions(study: Study, found: dict[str, Any]) -> Iterator[tuple[int, Answers, int]]:
    """Whom the gate is asked about in turn: its number, what it and the champion answered, how many folds were run.

    The first one's difference is written into `found`, with a second training wherever it was not chosen.
    """
    story = study.world.story
    if story == "row":
        champion = _trained(study, CHAMPION, 2)
        for challenger in range(1, study.world.num_challengers + 1):
            yield challenger, (_trained(study, challenger, 2), champion), NUM_FOLDS
        return
    for copy in range(COPIES if story == "copies" else 1):
        racers = range(1 + copy * RACERS, 1 + (copy + 1) * RACERS)
        answers = {racer: _trained(study, racer, 1) for racer in (CHAMPION, *racers)}
        for folds in range(2 if story == "peeking" else NUM_FOLDS, NUM_FOLDS + 1):
            ran = study.folds < folds
            winner = max(racers, key=lambda racer: answers[racer][ran, 0].sum())
            for num_seeds in (2, 4, MOST_SEEDS) if story == "more seeds" else (2,):
                for one in (winner, CHAMPION):
                    missing = num_seeds - answers[one].shape[1]
                    if missing > 0:
                        answers[one] = np.concatenate([answers[one], _trained(study, one, missing)], axis=1)
                yield winner, (answers[winner][:, :num_seeds], answers[CHAMPION][:, :num_seeds]), folds
    found["reference"] = float((_trained(study, 1, 2).mean(axis=1) - _trained(study, CHAMPION, 2).mean(axis=1)).mean())


def asked(study: Study, effect: str, size: float) -> Row:
    """One study: all questions until somebody is promoted. A row."""
    found: Row = {"effect": effect, "size": size, "gate": GATE, "promoted": "", "winner": 0}
    found |= {"difference": np.nan, "reference": np.nan}
    family, required = (1 if study.world.story == "row" else RACERS), study.world.required
    levels: list[float] = []
    for winner, (one, other), folds in questions(study, found):
        ran = study.folds < folds
        people = np.unique(study.people[ran], return_inverse=True)[1]
        tested = gain(one[ran], other[ran], people, study.folds[ran], test_over_train=TEST_OVER_TRAIN)
        level = next_level(wealth(levels, 0))
        levels.append(level)
        if len(levels) == 1:
            found |= {"winner": winner, "difference": tested.mean}
        if not found["promoted"] and p_value(tested, required) <= level / family:
            found["promoted"] = winner
            if effect == "false" and study.world.story != "race":
                break
    return found


def _trained(study: Study, configuration: int, num_seeds: int) -> np.ndarray:
    return np.stack([study.trained(configuration) for _ in range(num_seeds)], axis=1)


def gains_of(world: World, effect: str, size: float) -> list[float]:
    """The gains of a study's configurations: equal, worse by what is required, or one challenger better by `size`."""
    equal = [0.0] + [world.required] * world.num_challengers
    if effect != "false":
        equal[1] += size
    return equal


def run(
    job: tuple[World, str, float, Sequence[int]],
    seed: int,
    population: Population | None,
    curve: Mapping[str, Sequence[float]],
) -> list[Row]:
    """The studies of a job: a row each."""
    world, effect, size, numbers = job
    rows = []
    for number in numbers:
        rng = np.random.default_rng([seed, sum(world.name.encode()), len(world.name), number, sum(effect.encode())])
        gains = gains_of(world, effect, size)
        if world.learner:
            assert population is not None
            study: Study = FacesStudy(rng, world, gains, population, _spreads(curve[world.learner], gains))
        else:
            study = ProbitStudy(rng, world, gains)
        rows.append({"seed": seed, "world": world.name, "study": number, **asked(study, effect, size)})
    return rows


def _spreads(curve: Sequence[float], gains: Sequence[float]) -> list[float]:
    """How far apart class means are to give `gains` over the accuracy at `APART`; the farthest where that is too little."""
    return [float(np.interp(curve[0] + one, curve, SPREADS)) for one in gains]


def _jobs(
    rows: Sequence[Row], worlds: Sequence[World], num_studies: int, effects: Callable[[World], Mapping[str, float]]
) -> list[tuple[World, str, float, Sequence[int]]]:
    done = {(row["world"], row["effect"], int(row["study"])) for row in rows}
    jobs = []
    for begin in range(0, num_studies, AT_ONCE):
        for world in worlds:
            for effect, size in effects(world).items():
                numbers = range(begin, min(begin + AT_ONCE, num_studies))
                missing = [number for number in numbers if (world.name, effect, number) not in done]
                jobs += [(world, effect, size, missing)] if missing else []
    return jobs


def main() -> None:
    parser = argparse.ArgumentParser(
        description="How often the promotion gate promotes what it may not, and what it should."
    )
    parser.add_argument("--data-root", type=Path, help="the clips of study `smiles`")
    parser.add_argument("--weights", type=Path, help="weights of `expression_net`; without them, no worlds of faces")
    parser.add_argument("--home", type=Path, help="where the prepared clips are kept (default: nowhere)")
    parser.add_argument("--studies", type=int, default=2000, help="of each world and effect")
    parser.add_argument("--worlds", help="names, separated by semicolons (default: all)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--out", help="raw rows as CSV; studies that it holds already are not run again")
    given = parser.parse_args()
    began = time.perf_counter()
    wanted = [world for world in WORLDS if given.worlds is None or world.name in given.worlds.split(";")]
    population, curve = None, {}
    if given.weights and given.data_root:
        with tempfile.TemporaryDirectory(prefix="fertune-calibration-") as temporary:
            population = smiling_people(given.data_root, given.weights, given.home or Path(temporary))
        for learner in {world.learner for world in wanted if world.learner}:
            rng = np.random.default_rng([given.seed, len(learner)])
            curve[learner] = accuracies(rng, learner, population, list(SPREADS), num_people=50, trainings=60).tolist()
    else:
        wanted = [world for world in wanted if not world.learner]
    rows: list[Row] = [*read_rows(given.out)] if given.out else []
    known, rows = rows, [row for row in rows if (int(row["seed"]), row["gate"]) == (given.seed, GATE)]
    others = [row for row in known if (int(row["seed"]), row["gate"]) != (given.seed, GATE)]
    work = partial(run, seed=given.seed, population=population, curve=curve)
    with multiprocessing.Pool(given.processes) as pool:

        def complete(effects: Callable[[World], Mapping[str, float]], what: str) -> None:
            jobs = _jobs(rows, wanted, given.studies, effects)
            bar = track(pool.imap(work, jobs), total=len(jobs), description=what, console=Console(stderr=True))
            for count, found in enumerate(bar):
                rows.extend(found)
                if given.out and count % 20 == 19:
                    write_rows(given.out, [*others, *rows])

        complete(lambda _: {"false": 0.0}, "equal ones")
        null = {
            world.name: [row for row in rows if (row["world"], row["effect"]) == (world.name, "false")]
            for world in wanted
        }
        complete(lambda world: sizes_of(null[world.name], world) if has_power(world) else {}, "better ones")
    if given.out:
        write_rows(given.out, [*others, *rows])
    found = summary(rows)
    print_table(found)
    told = verdict(found) | {"seed": given.seed, "seconds": round(time.perf_counter() - began, 1)}
    print(json.dumps(told | {"worlds": found}))


if __name__ == "__main__":
    take_any_text()
    main()
