"""Whether studies that are submitted to one head at once share it: who holds how many slots, and how long the last one waits.

    python -m benchmarks.sharing [--studies 3] [--trials 4] [--epochs 80] [--cpus 2] [--out rows.csv]

Each study has a home of its own, all have the same trials (`benchmarks/core/chaos/study.py`) and normal priority. A study waits
while it has trials left to start. For every minute in which two or more wait throughout: how many slots one study held on
average over it, and its share, which is the slots by the studies that are there in that minute; `most_over` is the most that
one held more than that. The wait of the last: from when it was submitted to its first trial, beside the length of the longest
trial. Exit code 1: a trial or a study did not come to its end, one held more than its share and one slot, or the last waited
for longer than a trial takes.
"""

from __future__ import annotations

import argparse
import json
import math
import shlex
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.core.chaos import titles
from benchmarks.core.chaos.study import draw
from benchmarks.core.rows import write_rows
from tests.support.ray_head import Head, ray_head, wait_until
from trainables.core.streams import take_any_text
from tuning.records.ledger import Ledger

MINUTE_S = 60.0
Spans = list[tuple[float, float]]  # of trials, from when to when, in order of their starts
Held = tuple[dict[str, float], int]  # slots by study in a minute, and the number of studies that are there


def spans_of(ledger: Ledger) -> Spans:
    """When each trial of a study ran, in seconds since 1970."""
    times: dict[str, list[float]] = {}
    for event in ledger.events:
        if event["event"] in ("started", "ended") and "trial_id" in event:
            times.setdefault(event["trial_id"], []).append(event["time"])
    return sorted((min(both), max(both)) for both in times.values())


def held(spans: Spans, begin: float, end: float) -> float:
    """Slots that trials held on average between two moments."""
    return sum(max(0.0, min(end, last) - max(begin, first)) for first, last in spans) / (end - begin)


def last_start(spans: Spans) -> float:
    """When a study had no trial left to start; never where it began none."""
    return spans[-1][0] if spans else math.inf


def contested(studies: Mapping[str, Spans], opened: Mapping[str, float], step_s: float = 1.0) -> Iterator[Held]:
    """Every minute in which two or more had trials left to start throughout: slots by study, and how many were there."""
    starts = {name: last_start(spans) for name, spans in studies.items()}
    ends = [end for spans in studies.values() for _, end in spans]
    begin = min(opened.values())
    while ends and begin + MINUTE_S <= min(max(starts.values()), max(ends)):
        end = begin + MINUTE_S
        if sum(opened[name] <= begin and starts[name] >= end for name in studies) >= 2:
            over = [name for name, spans in studies.items() if spans and max(last for _, last in spans) <= begin]
            there = [name for name in studies.keys() - over if opened[name] < end]
            yield {name: held(spans, begin, end) for name, spans in studies.items()}, len(there)
        begin += step_s


def most_held(studies: Mapping[str, Spans], opened: Mapping[str, float]) -> float:
    """The most slots that one study held in such a minute; 0 without one."""
    return max((max(slots.values()) for slots, _ in contested(studies, opened)), default=0.0)


def most_over(studies: Mapping[str, Spans], opened: Mapping[str, float], num_slots: int) -> float:
    """The most slots beyond its share that one study held in such a minute; 0 without one, or where none held more."""
    over = (max(slots.values()) - num_slots / there for slots, there in contested(studies, opened))
    return max(0.0, *over, 0.0)


def rows_of(studies: Mapping[str, Spans], opened: Mapping[str, float]) -> list[dict[str, Any]]:
    """A row a study, times in seconds since the first was submitted; `None` what a study without a trial has not."""
    first = min(opened.values())
    return [
        {
            "study": name,
            "opened_s": round(opened[name] - first, 1),
            "first_trial_s": round(spans[0][0] - first, 1) if spans else None,
            "wait_s": round(spans[0][0] - opened[name], 1) if spans else None,
            "ended_s": round(max(end for _, end in spans) - first, 1) if spans else None,
            "longest_trial_s": round(max(end - begin for begin, end in spans), 1) if spans else None,
        }
        for name, spans in studies.items()
    ]


def summary(
    studies: Mapping[str, Spans], opened: Mapping[str, float], num_slots: int, unfinished: int
) -> dict[str, Any]:
    """The keys that a script reads; `unfinished` are trials, and `is_shared` is whether all is as it should be."""
    rows = rows_of(studies, opened)
    begun = [row for row in rows if row["wait_s"] is not None]
    last = max(begun, key=lambda row: row["first_trial_s"], default={"wait_s": math.inf})
    longest = max((row["longest_trial_s"] for row in begun), default=0.0)
    found = {
        "share": round(num_slots / len(studies), 2),
        "most_held": round(most_held(studies, opened), 2),
        "most_over": round(most_over(studies, opened, num_slots), 2),
        "wait_of_last_s": last["wait_s"] if begun else None,
        "longest_trial_s": longest,
        "without_a_trial": len(rows) - len(begun),
        "unfinished": unfinished,
        "within_share": most_over(studies, opened, num_slots) <= 1,
        "last_in_time": len(begun) == len(rows) and last["wait_s"] <= longest,
    }
    return found | {"is_shared": found["within_share"] and found["last_in_time"] and not unfinished}


def submit(head: Head, name: str, data: Path, trials: int, epochs: int) -> None:
    """The job of one study, in a home of its own."""
    asked = {"--data": data, "--trials": trials, "--epochs": epochs}
    words = [sys.executable, "-m", titles.DRIVER, name, *(str(word) for pair in asked.items() for word in pair)]
    environment = json.dumps({"env_vars": {"FERTUNE_HOME": str(head.home / name), "OMP_NUM_THREADS": "1"}})
    where = ["--no-wait", "--submission-id", name, "--working-dir", ".", "--runtime-env-json", environment]
    done = head.submit(*where, "--", *words)
    if done.returncode:
        raise RuntimeError(f"{shlex.join(words)} was not submitted: {done.stdout}{done.stderr}")


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a JSON line a study, then one of all."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--studies", type=int, default=3)
    parser.add_argument("--trials", type=int, default=4, help="of each study, 24 at most")
    parser.add_argument("--epochs", type=int, default=80, help="of each trial; of a third of a second or more")
    parser.add_argument("--cpus", type=int, default=2, help="slots of the head")
    parser.add_argument("--minutes", type=float, default=30, help="give up after so many")
    parser.add_argument("--out", type=Path, help="write the rows to this CSV file")
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="fertune-sharing-") as folder, ray_head(f"--num-cpus={given.cpus}") as head:
        data = draw(Path(folder))
        opened: dict[str, float] = {}
        for name in (f"study-{number}" for number in range(given.studies)):
            opened[name] = time.time()
            submit(head, name, data, given.trials, given.epochs)

        def over() -> bool:
            try:
                states = {head.get(f"/api/jobs/{name}")["status"] for name in opened}
            except OSError:  # a busy head
                return False
            return not states & {"PENDING", "RUNNING"}

        wait_until(over, 60 * given.minutes, lambda: "The studies have not ended.", every_s=5)
        ledgers = {name: Ledger.read(head.home / name / name) for name in opened}
    studies = {name: spans_of(ledger) for name, ledger in ledgers.items()}
    rows = rows_of(studies, opened)
    for row in rows:
        print(json.dumps(row))
    if given.out:
        write_rows(given.out, rows)
    unfinished = sum(trial.state != "FINISHED" for ledger in ledgers.values() for trial in ledger.trials.values())
    found = summary(studies, opened, given.cpus, unfinished)
    print(json.dumps(found))
    return int(not found["is_shared"])


if __name__ == "__main__":
    take_any_text()
    sys.exit(main())
