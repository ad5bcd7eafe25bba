"""What a GPU does with fertune: whether its numbers are right, and how fast it trains. No Ray, no MLflow, no Optuna.

    python -m benchmarks.gpu [--frames FILE] [--device cuda] [--only NAME ...] [--seed N] [--out rows.csv]
    python -m benchmarks.gpu --pack FILE --prepared FOLDER   # before, where the prepared faces are: 40 MiB at most

It needs torch, torchvision, numpy, opencv, safetensors and filelock, and takes less than 8 minutes. Each check and
measure runs under a time limit in a process that is replaced when one fails, so that no failure stops the others.
`--device cpu` tries all that a CPU can, at toy size: its figures mean that the script works, and nothing else.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from benchmarks.core.gpu_bench import Bench, Finding, Part, root
from benchmarks.core.gpu_frames import PACKED_SIZE, pack
from benchmarks.core.gpu_parts import PARTS
from benchmarks.core.gpu_worker import Worker
from benchmarks.core.rows import write_rows
from trainables.core.streams import take_any_text
from trainables.core.training.workers import device_name
from trainables.data.core.dataset import DataError

BUDGET_S = 460.0  # of all parts together; what is left then does not run
TOY_PATIENCE = 4  # times the limits, on a CPU that may have other work


@dataclasses.dataclass(frozen=True, kw_only=True)
class Outcome:
    """How a part ended: `passed`, `failed`, `measured` or `not run`; its words; its finding where it made one."""

    name: str
    state: str
    words: str
    seconds: float = 0.0
    finding: Finding | None = None


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the parts, print the table and the JSON line; the exit code is 1 where a check or a measure failed."""
    given = _options(arguments)
    try:
        if given.pack:
            if may_be_committed(given.pack):
                raise ValueError(
                    f"{given.pack} lies in this checkout and git does not ignore it, but faces of people must not be "
                    f"committed. Allowed: a file outside {root()}, or one that git ignores, such as runs/gpu.npz."
                )
            count = pack(given.prepared, given.pack, seed=given.seed)
            size = given.pack.stat().st_size / 2**20
            print(
                f"{given.pack}: {count} clips of {PACKED_SIZE} px, {size:.1f} MiB. Faces of people: commit it nowhere."
            )
            return 0
        if given.device == "cuda" and not torch.cuda.is_available():
            raise ValueError("torch sees no GPU here. `--device cpu` tries the script at toy size.")
        if given.frames and not given.frames.is_file():
            raise ValueError(f"There is no file {given.frames}; `--pack` writes one.")
    except (DataError, ValueError) as error:
        print(error, file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory(prefix="fertune-gpu-") as folder:
        frames = str(given.frames.resolve()) if given.frames else ""
        bench = Bench(device=given.device, folder=folder, seed=given.seed, frames=frames, toy=given.device == "cpu")
        parts = {name: PARTS[name] for name in PARTS if name in given.only}
        outcomes = run(bench, parts, patience=TOY_PATIENCE if bench.toy else 1.0)
    if given.out:
        write_rows(given.out, rows(outcomes))
    print(table(outcomes))
    print(json.dumps(summary(bench, outcomes)))
    return int(any(outcome.state == "failed" for outcome in outcomes))


def may_be_committed(file: Path) -> bool:
    """Whether `file` lies in this checkout and git does not ignore it. Without git or a checkout nothing is committed."""
    asked = ["git", "-C", str(root()), "check-ignore", "--quiet", str(file.resolve())]
    try:
        answered = subprocess.run(asked, capture_output=True)
    except FileNotFoundError:
        return False
    return answered.returncode == 1  # 0: ignored; 128: not in a checkout


def run(bench: Bench, parts: Mapping[str, Part], budget_s: float = BUDGET_S, patience: float = 1.0) -> list[Outcome]:
    """How each of `parts` ended, told as it ends; all limits are taken `patience` times."""
    worker, outcomes, began = Worker(bench), [], time.monotonic()
    try:
        for name, part in parts.items():
            left = patience * budget_s - (time.monotonic() - began)
            outcomes.append(outcome := _run(worker, bench, name, part, min(patience * part.limit_s, left)))
            print(f"{outcome.state:8} {name:18} {outcome.seconds:6.1f} s  {outcome.words}", flush=True)
    finally:
        worker.close()
    return outcomes


def _run(worker: Worker, bench: Bench, name: str, part: Part, limit_s: float) -> Outcome:
    if part.needs_gpu and bench.where.type != "cuda":
        return Outcome(name=name, state="not run", words="not on this device")
    if limit_s <= 0:
        return Outcome(name=name, state="not run", words="no time was left")
    finding, seconds = worker.run(part, limit_s)
    if isinstance(finding, str):
        return Outcome(name=name, state="failed", words=finding, seconds=seconds)
    state = {True: "passed", False: "failed", None: "measured"}[finding.passed]
    return Outcome(name=name, state=state, words=finding.words, seconds=seconds, finding=finding)


def summary(bench: Bench, outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """The JSON line. What was not measured is null.

    `share_of_on_device_rate` is the smaller one of the networks' (the others stand in `shares_of_on_device_rate`), and
    `share_of_peak` that of the last and largest network: its clips per second in the trainer as it is x its counted
    operations per clip, over the operations per second of one large matrix product on the same device.
    """
    figures: dict[str, Any] = {}
    for outcome in outcomes:
        figures |= dict(outcome.finding.figures) if outcome.finding else {}
    on_device = figures.get("shares_of_on_device_rate")
    of_peak = shares_of_peak(figures)
    checks = [outcome for outcome in outcomes if PARTS[outcome.name].is_check]
    failed = [outcome.name for outcome in outcomes if outcome.state == "failed"]
    return {
        "device": device_name(bench.where),
        "checks_passed": sum(outcome.state == "passed" for outcome in checks),
        "checks_failed": sum(outcome.state == "failed" for outcome in checks),
        "share_of_on_device_rate": min(on_device.values()) if on_device else None,
        "share_of_peak": list(of_peak.values())[-1] if of_peak else None,
        "shares_of_peak": of_peak or None,
        "failed": failed,
        "not_run": [outcome.name for outcome in outcomes if outcome.state == "not run"],
        "toy": bench.toy,
        "torch": torch.__version__,
        "seconds": round(sum(outcome.seconds for outcome in outcomes), 1),
        **figures,
    }


def shares_of_peak(figures: Mapping[str, Any]) -> dict[str, float]:
    """By network, how much of the device's peak its training uses; empty where a part of it was not measured."""
    peak, rates, flop = (figures.get(key) for key in ("peak_flop_per_s", "clips_per_s", "flop_per_clip"))
    return {name: flop[name] * rate / peak for name, rate in rates.items()} if peak and rates and flop else {}


def rows(outcomes: Sequence[Outcome]) -> list[dict[str, Any]]:
    """The raw rows: one for each part, and one for each value that it measured."""
    found = []
    for outcome in outcomes:
        about = {"part": outcome.name, "state": outcome.state, "seconds": round(outcome.seconds, 2)}
        found.append({**about, "network": "", "variant": "", "value": "", "unit": "", "words": outcome.words})
        for one in outcome.finding.rows if outcome.finding else ():
            found.append({**about, **one, "words": ""})
    return found


def table(outcomes: Sequence[Outcome]) -> str:
    """The values that were measured, one a line."""
    lines = [f"{'part':18} {'network':14} {'variant':44} {'value':>12} unit"]
    for one in rows(outcomes):
        if one["variant"]:
            lines.append(f"{one['part']:18} {one['network']:14} {one['variant']:44} {one['value']:12.5g} {one['unit']}")
    return "\n".join(["", *lines, ""])


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda", help="cpu: at toy size, to try the script")
    parser.add_argument("--only", nargs="+", choices=list(PARTS), default=list(PARTS), metavar="NAME")
    parser.add_argument(
        "--frames", type=Path, metavar="FILE", help="prepared frames that --pack wrote; drawn ones without"
    )
    parser.add_argument(
        "--pack", type=Path, metavar="FILE", help="write prepared frames to this file, such as runs/gpu.npz"
    )
    parser.add_argument("--prepared", type=Path, metavar="FOLDER", help="the prepared data that --pack reads")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, metavar="FILE", help="write the rows to this CSV file")
    given = parser.parse_args(arguments)
    if bool(given.pack) != bool(given.prepared):
        parser.error("--pack and --prepared go together")
    return given


if __name__ == "__main__":
    take_any_text()
    sys.exit(main())
