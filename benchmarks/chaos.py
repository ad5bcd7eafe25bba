"""Whether a study loses nothing, whatever dies: faults at random moments on a cluster and servers of its own.

    python -m benchmarks.chaos [--faults 100] [--seed 0] [--kinds a,b] [--minutes 60] [--home DIR] [--out rows.csv]

A Ray head and a second node (a network namespace with a cable to pull), MLflow's server over PostgreSQL, a disk of megabytes.
A search of 24 given points runs on them undisturbed once; then again and again while what `--kinds` names (default: all of
`benchmarks/core/chaos/faults.py`) is done to it, each five times at least. An operator is played where one is needed: a server,
a node or a head that is gone is begun anew, a driver that is gone with `--resume`.

A fault counts if it hit an unfinished trial; one of MLflow or its database if an event was unwritten. A trial is lost unless
it ends FINISHED with the accuracy, UAR and curve of the undisturbed run, to the last bit. Recovery: from the fault to the next
report of the trial that was silent for longest; of MLflow, until it has what it missed. A study that has not ended when the
time is over is ended, and none of its faults count. Exit code 1: anything was lost, doubled, told differently or left, a
recovery took more than 90 s, or fewer faults counted than were asked for. Interrupted, it goes on with the same `--home`.
Where something may not be done here, `stand_ins` says what was done instead.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import json
import random
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Generator, Sequence
from pathlib import Path
from typing import Any

from benchmarks.core.chaos import disk, network, servers
from benchmarks.core.chaos.cluster import Cluster
from benchmarks.core.chaos.disk import Disk
from benchmarks.core.chaos.faults import KINDS
from benchmarks.core.chaos.network import two_hosts
from benchmarks.core.chaos.rounds import Theatre
from benchmarks.core.chaos.rows import Kept, drawn, shortcomings, still_due, summary
from benchmarks.core.chaos.servers import Tracking, postgresql
from benchmarks.core.chaos.study import POINTS, draw
from benchmarks.core.rows import write_rows
from trainables.core.streams import take_any_text
from tuning.execution.signals import interruptible
from tuning.records.mlflow_client import make_client

ROUNDS = "rounds.jsonl"


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a line for each fault and the JSON line; the exit code is 1 where that has `shortcomings`."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--faults", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--kinds", default=",".join(KINDS), help="of these, by comma (default: all)")
    parser.add_argument(
        "--minutes", type=float, default=60, help="over after so many; no fault comes in the last three"
    )
    parser.add_argument("--trials", type=int, default=len(POINTS), help="of each study (default: %(default)s)")
    parser.add_argument(
        "--home", type=Path, help="where it keeps what it did, and goes on from; default: a temporary folder"
    )
    parser.add_argument("--out", type=Path, help="write the rows to this CSV file")
    given = parser.parse_args(arguments)
    # Whoever begins it in the background of a script has it ignore SIGINT, and so would its drivers, which get one.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    kinds = given.kinds.split(",")
    if unknown := sorted(set(kinds) - KINDS.keys()):
        parser.error(f"unknown: {', '.join(unknown)}; there are {', '.join(KINDS)}")
    with interruptible(), _folder(given.home) as home:
        found = chaos(home, kinds, faults=given.faults, seed=given.seed, minutes=given.minutes, trials=given.trials)
        kept = Kept(home / ROUNDS)
    if given.out and kept.rows:
        write_rows(given.out, [dataclasses.asdict(row) for row in kept.rows])
    wrong = shortcomings(found, given.faults)
    print(json.dumps({**found, "shortcomings": wrong}))
    return int(bool(wrong))


def chaos(home: Path, kinds: Sequence[str], *, faults: int, seed: int, minutes: float, trials: int) -> dict[str, Any]:
    """What `faults` faults of `kinds` come to, those included that `home` keeps of before."""
    kept = Kept(home / ROUNDS)
    plan, began = drawn(kinds, faults, seed), time.monotonic() - kept.seconds
    with _theatre(home, trials, lambda: time.monotonic() - began) as (theatre, stand_ins):
        reference = theatre.undisturbed()
        theatre.tell(f"{theatre.clock():8.1f} s  undisturbed: {len(reference)} trials")
        while (due := still_due(plan, kept.rows)) and theatre.clock() < 60 * minutes:
            started, number = theatre.clock(), kept.num_rounds
            rows, verdict = theatre.play(number, due, reference, random.Random(f"{seed}-{number}"), 60 * minutes)
            kept.add(rows, verdict, theatre.clock() - started)
    return {**summary(kept, kinds), "seed": seed, "seconds": round(theatre.clock()), "stand_ins": stand_ins}


@contextlib.contextmanager
def _folder(given: Path | None) -> Generator[Path]:
    if given is None:
        with tempfile.TemporaryDirectory(prefix="fertune-chaos-") as folder:
            yield Path(folder)
    else:
        given.mkdir(parents=True, exist_ok=True)
        yield given.absolute()


@contextlib.contextmanager
def _theatre(home: Path, trials: int, clock: Callable[[], float]) -> Generator[tuple[Theatre, list[str]]]:
    """Everything up, until the block ends; and what stands in for what may not be done here."""
    programs = postgresql()
    with contextlib.ExitStack() as ending:
        place = Path(tempfile.mkdtemp(prefix="ch", dir="/tmp"))  # short: the path of a socket may have 107 characters
        ending.callback(shutil.rmtree, place, ignore_errors=True)
        small = ending.enter_context(Disk(home / "runs"))
        hosts = ending.enter_context(two_hosts())
        tracking = Tracking(place, programs=programs)
        ending.callback(tracking.stop)
        tracking.start()
        environment = {"FERTUNE_HOME": str(small.home), "MLFLOW_TRACKING_URI": tracking.url, "HOME": str(place)}
        cluster = Cluster(place, hosts, environment)
        ending.callback(cluster.stop)
        cluster.start()
        stand_ins = [
            *([] if hosts.namespace else [network.STAND_IN]),
            *([] if programs else [servers.STAND_IN]),
            *([] if small.is_real else [disk.STAND_IN]),
        ]
        (words := home / "words").mkdir(exist_ok=True)
        yield (
            Theatre(
                cluster=cluster,
                network=hosts,
                tracking=tracking,
                disk=small,
                data=draw(home / "data"),
                words=words,
                trials=trials,
                client=make_client(tracking.url),
                clock=clock,
                tell=lambda line: print(line, flush=True),
            ),
            stand_ins,
        )


if __name__ == "__main__":
    take_any_text()
    sys.exit(main())
