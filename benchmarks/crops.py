"""Whether crops that follow the head serve a network as well as one box a clip, on heads that hardly move.

    python -m benchmarks.crops --data-root ../shared/faces/smiles [--seed 0] [--seeds 1] [--home DIR] [--out rows.csv]

Time: every fifth clip is cropped in both ways, by turns. Accuracy: one configuration (`search-0001` of RESULTS.md) is trained
on five folds of the people outside the holdout of the study `smiles`, on crops of both kinds; what is the same person, fold
and seed is compared. Work that was done lies in the home.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, get_args

from benchmarks.core.five_folds import specs, trained
from benchmarks.core.rows import write_rows
from benchmarks.recipe import BEFORE
from trainables.core.faces.finders import finder_for
from trainables.core.faces.ways import Cropping
from trainables.core.prepared.cache import CROP_SIZE
from trainables.core.streams import take_any_text
from trainables.data.core.video import read_video
from tuning.statistics.comparison import Comparison, compare

PARAMETERS = {**BEFORE, "gru_hidden": 256}  # search-0001 of `smiles` before its recipe
NUM_ROUNDS = 3


def main(arguments: Sequence[str] | None = None) -> int:
    """Train what is not trained yet, print a line a training and the difference."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data-root", type=Path, required=True, help="the clips, as the study reads them")
    parser.add_argument("--seed", type=int, default=0, help="the first seed")
    parser.add_argument("--seeds", type=int, default=1, help="trainings of each fold")
    parser.add_argument("--processes", type=int, default=2, help="trainings at a time, with a thread each")
    parser.add_argument("--home", type=Path, help="where crops and trainings are kept (default: nowhere)")
    parser.add_argument("--out", type=Path, help="write the rows to this CSV file")
    given = parser.parse_args(arguments)
    seeds = range(given.seed, given.seed + given.seeds)
    times = _times(given.data_root)
    ratio = times["path"] / times["fixed_box"]
    print(
        ", ".join(f"{way}: {time:.2f} ms a frame kept" for way, time in times.items()) + f"; ratio {ratio:.2f}",
        flush=True,
    )
    with tempfile.TemporaryDirectory(prefix="fertune-crops-") as temporary:
        home = given.home or Path(temporary)
        asked = [
            spec
            for way in get_args(Cropping)
            for spec in specs(way, PARAMETERS, given.data_root, home, seeds, cropping=way)
        ]
        runs = trained(asked, given.processes)
        compared = compare(runs, "fixed_box")
    if given.out:
        write_rows(
            given.out, [{key: getattr(run, key) for key in ("variant", "fold", "seed", "accuracy")} for run in runs]
        )
    _report(compared, ratio)
    return 0


def _report(compared: Comparison, ratio: float) -> None:
    """The accuracies and their difference, and a line for a script."""
    for variant in compared.variants:
        print(f"{variant.variant}: {_points(variant.accuracy)} of {compared.num_clips} clips")
    difference = next(variant.difference for variant in compared.variants if variant.variant == "path")
    assert difference is not None
    bootstrap = f"; by bootstrap over people {_points(difference.bootstrap)}" if difference.bootstrap else ""
    print(f"path less fixed_box: {_points(difference.interval)}{bootstrap}; {compared.num_people} people")
    interval = difference.interval
    line = {"ratio": ratio, "difference": interval.mean, "low": interval.low, "high": interval.high}
    print(json.dumps(line | {"num_people": compared.num_people}))


def _times(root: Path) -> dict[Cropping, float]:
    """Milliseconds a kept frame, reading included, of each way; the median of rounds."""
    paths = sorted(root.glob("*/*.mp4"))[::5]
    rounds: dict[Cropping, list[float]] = {way: [] for way in get_args(Cropping)}
    for _ in range(NUM_ROUNDS):
        for way in rounds:
            finder = finder_for("find", way)
            begun = time.perf_counter()
            num_frames = sum(len(finder.crop_clip(read_video(path), CROP_SIZE).frames) for path in paths)
            rounds[way].append(1000 * (time.perf_counter() - begun) / num_frames)
    return {way: statistics.median(found) for way, found in rounds.items()}


def _points(found: Any) -> str:
    return f"{100 * found.mean:+.1f} ({100 * found.low:+.1f} to {100 * found.high:+.1f}) points"


if __name__ == "__main__":
    take_any_text()
    raise SystemExit(main())
