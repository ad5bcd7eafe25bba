"""How far `train_time_s` depends on what else a machine does.

    python -m benchmarks.time_noise [--seed 0] [--pairs 14] [--threads 1] [--out rows.csv]

A small network (8 frames) and one that costs some 15 % more (10 frames) are trained in turn, first beside nothing, then in
pairs: each once beside nothing and once beside one to three processes that this script starts and ends, which count or train.
Their load, the order and the seeds are drawn. `by_clock_...` is the same from the median step on the wall. Start it on an idle
machine. Some 9 minutes on 2 cores; with `--out` a second call goes on after the rows that are there.
"""

from __future__ import annotations

import argparse
import contextlib
import csv
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.core.gpu_bench import Bench, Network, make_training
from benchmarks.core.rows import write_rows
from trainables.core.streams import take_any_text
from trainables.core.training.timing.reference import idle_time_s
from trainables.core.training.workers import Group

NEAR = 0.1  # what two times of one configuration may differ by
NUM_IDLE = 3  # trainings of each configuration beside nothing, first of all
LONGEST_S = 300  # that a competing process lives, should nobody end it
PARAMETERS = {
    "backbone": "resnet18",
    "rbg_depth": 1,
    "gru_hidden": 32,
    "image_size": 40,
    "batch_size": 4,
    "epochs": 1000,
}
FRAMES = {"small": 8, "large": 10}
_COUNTS = "while time.monotonic() < end: sum(range(10000))"
_TRAINS = """
import torch
torch.set_num_threads(1)
net, frames = torch.nn.Conv2d(64, 64, 3, padding=1), torch.rand(16, 64, 48, 48)
while time.monotonic() < end: net(frames).mean().backward()
"""
LOADS = {"counts": _COUNTS, "trains": _TRAINS}
Row = dict[str, Any]


def plan(num_pairs: int, seed: int) -> list[Row]:
    """The trainings in order: `pair` (-1 first, beside nothing), `configuration`, `load` (`""` for none), `processes`."""
    found: list[Row] = []
    for number in range(NUM_IDLE):
        found += [{"pair": -1, "number": number, "configuration": name, "load": "", "processes": 0} for name in FRAMES]
    for pair in range(num_pairs):
        rng = np.random.default_rng([seed, pair])
        load = {"load": str(rng.choice(list(LOADS))), "processes": int(rng.integers(1, 4))}
        both = [{"load": "", "processes": 0}, load]
        four: list[Row] = [{"pair": pair, "number": 0, "configuration": name, **how} for name in FRAMES for how in both]
        found += [four[place] for place in rng.permutation(4)]
    return found


@contextlib.contextmanager
def beside(load: str, processes: int) -> Generator[None]:
    """`processes` of `load` run within it, and are ended behind it."""
    begin = f"import time\nend = time.monotonic() + {LONGEST_S}\n"
    started = [subprocess.Popen([sys.executable, "-c", begin + LOADS[load]]) for _ in range(processes)]
    try:
        if started:
            time.sleep(3.0 if load == "trains" else 0.5)  # until they are at work
        yield
    finally:
        for process in started:
            process.kill()
            process.wait()


def measure(job: Row, *, idle_s: float, num_steps: int, seed: int, folder: str) -> Row:
    """The row of `job`: `seconds` of a training of `num_steps` steps, its `spread`, and `by_clock`."""
    network = Network(
        parameters={**PARAMETERS, "num_frames": FRAMES[job["configuration"]]},
        steps=num_steps,
        num_clips=16,
        frames_stored=12,
    )
    training = make_training(Bench(device="cpu", folder=folder, seed=seed), network)
    training.reference.idle_s = idle_s
    walls: list[float] = []
    took = training.reference.step_took
    training.reference.step_took = lambda seconds: (walls.append(seconds), took(seconds))[1]
    with beside(job["load"], job["processes"]):
        training.train_epoch()
    found, share = training.train_time, num_steps / (training.steps_per_epoch * training.config.epochs)
    return job | {
        "seconds": found.seconds * share,
        "spread": (found.spread_s or 0.0) * share,
        "by_clock": statistics.median(walls) * num_steps,
        "blocks": len(training.references),
        "idle_reference_s": idle_s,
    }


def summary(rows: Sequence[Row]) -> Row:
    """The shares over the pairs that are whole."""
    by_pair: dict[int, list[Row]] = {}
    for row in rows:
        by_pair.setdefault(row["pair"], []).append(row)
    first = by_pair.pop(-1)
    whole = [pair for pair in by_pair.values() if len(pair) == 4]
    found: Row = {"num_pairs": len(whole)}
    for key, prefix in (("seconds", ""), ("by_clock", "by_clock_")):
        idle = {name: statistics.median(row[key] for row in first if row["configuration"] == name) for name in FRAMES}
        near, ordered = [], []
        for pair in whole:
            times = {(row["configuration"], bool(row["load"])): row[key] for row in pair}
            for name in FRAMES:
                one, other = times[name, False], times[name, True]
                near.append(_near(one, other) and _near(one, idle[name]) and _near(other, idle[name]))
            ordered += [times["small", busy] < times["large", not busy] for busy in (False, True)]
            ordered.append(times["small", True] < times["large", True])
        found[f"{prefix}within_10_percent"] = float(np.mean(near)) if near else None
        found[f"{prefix}ordered_right"] = float(np.mean(ordered)) if ordered else None
        found[f"{prefix}ratio"] = idle["large"] / idle["small"]
    return found


def _near(one: float, other: float) -> bool:
    return abs(one / other - 1) <= NEAR


def measured_before(path: str | None) -> list[Row]:
    """The rows of an earlier call."""
    if not path or not Path(path).exists():
        return []
    numbers = {
        "pair": int,
        "number": int,
        "processes": int,
        "blocks": int,
        "num_steps": int,
        "seed": int,
        "threads": int,
    }
    with open(path, newline="", encoding="utf-8") as file:
        words = ("configuration", "load")
        return [
            {key: value if key in words else numbers.get(key, float)(value) for key, value in row.items()}
            for row in csv.DictReader(file)
        ]


def main(given: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="How far train_time_s depends on what else a machine does.")
    parser.add_argument("--pairs", type=int, default=14)
    parser.add_argument("--steps", type=int, default=24, help="of each training")
    parser.add_argument("--threads", type=int, default=1, help="that each training computes in")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", help="raw rows as CSV; those that are there are not measured again")
    arguments = parser.parse_args(given)
    torch.set_num_threads(arguments.threads)
    began = time.perf_counter()
    about = {"num_steps": arguments.steps, "seed": arguments.seed, "threads": arguments.threads}
    rows = measured_before(arguments.out)
    if rows and any({key: row[key] for key in about} != about for row in rows):
        parser.error(f"{arguments.out} holds rows of another --steps, --seed or --threads; name another file.")
    idle_s = rows[0]["idle_reference_s"] if rows else idle_time_s(Group())[0]
    with tempfile.TemporaryDirectory() as folder:
        for job in plan(arguments.pairs, arguments.seed):
            if any(row.items() >= job.items() for row in rows):
                continue
            more = {"idle_s": idle_s, "num_steps": arguments.steps, "seed": arguments.seed, "folder": folder}
            rows.append(measure(job, **more) | about)
            row, beside_what = rows[-1], f"{job['processes']} x {job['load']}" if job["load"] else "nothing"
            print(f"{job['pair']:3} {job['configuration']:6} beside {beside_what:11} {row['seconds']:7.2f} s", end=" ")
            print(f"+- {row['spread']:.2f}, {row['by_clock']:7.2f} s by the clock", flush=True)
            if arguments.out:
                write_rows(arguments.out, rows)
    print(json.dumps({**summary(rows), **about, "seconds": round(time.perf_counter() - began, 1)}))


if __name__ == "__main__":
    take_any_text()
    main()
