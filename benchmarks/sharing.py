"""Whether studies that are submitted to one head at once share it: who holds how many slots, and how long the last one waits.

    python -m benchmarks.sharing [--studies 3] [--trials 4] [--epochs 80] [--cpus 2] [--out rows.csv]

Each study has a home of its own, all have the same trials (`benchmarks/core/chaos/study.py`) and normal priority. A study waits
while it has trials left to start. For every minute in which two or more wait throughout, the most slots that one study held on
average over it; the share is the slots by the studies. The wait of the last: from when the last study was opened to its first
trial, beside the length of the longest trial.
"""

from __future__ import annotations

import argparse
import json
import shlex
import sys
import tempfile
from collections.abc import Mapping, Sequence
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


def most_held(studies: Mapping[str, Spans], opened: Mapping[str, float], step_s: float = 1.0) -> float:
    """The most slots that one study held in a minute in which two or more had trials left to start; 0 without such a minute."""
    begin, most = min(opened.values()), 0.0
    last_start = max(spans[-1][0] for spans in studies.values())
    while begin + MINUTE_S <= last_start:
        end = begin + MINUTE_S
        waiting = [name for name, spans in studies.items() if opened[name] <= begin and spans[-1][0] >= end]
        if len(waiting) >= 2:
            most = max(most, *(held(spans, begin, end) for spans in studies.values()))
        begin += step_s
    return most


def rows_of(studies: Mapping[str, Spans], opened: Mapping[str, float]) -> list[dict[str, Any]]:
    """A row a study, times in seconds since the first was opened."""
    first = min(opened.values())
    return [
        {
            "study": name,
            "opened_s": round(opened[name] - first, 1),
            "first_trial_s": round(spans[0][0] - first, 1),
            "wait_s": round(spans[0][0] - opened[name], 1),
            "ended_s": round(spans[-1][1] - first, 1),
            "longest_trial_s": round(max(end - begin for begin, end in spans), 1),
        }
        for name, spans in studies.items()
    ]


def submit(head: Head, name: str, data: Path, trials: int, epochs: int) -> str:
    """The job of one study, in a home of its own."""
    asked = {"--data": data, "--trials": trials, "--epochs": epochs}
    words = [sys.executable, "-m", titles.DRIVER, name, *(str(word) for pair in asked.items() for word in pair)]
    environment = json.dumps({"env_vars": {"FERTUNE_HOME": str(head.home / name), "OMP_NUM_THREADS": "1"}})
    where = ["--no-wait", "--submission-id", name, "--working-dir", ".", "--runtime-env-json", environment]
    done = head.submit(*where, "--", *words)
    if done.returncode:
        raise RuntimeError(f"{shlex.join(words)} was not submitted: {done.stdout}{done.stderr}")
    return name


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
        names = [submit(head, f"study-{number}", data, given.trials, given.epochs) for number in range(given.studies)]

        def over() -> bool:
            try:
                states = {head.get(f"/api/jobs/{name}")["status"] for name in names}
            except OSError:  # a busy head
                return False
            return not states & {"PENDING", "RUNNING"}

        wait_until(over, 60 * given.minutes, lambda: "The studies have not ended.", every_s=5)
        ledgers = {name: Ledger.read(head.home / name / name) for name in names}
    studies = {name: spans_of(ledger) for name, ledger in ledgers.items()}
    opened = {name: ledger.events[0]["time"] for name, ledger in ledgers.items()}
    rows = rows_of(studies, opened)
    for row in rows:
        print(json.dumps(row))
    if given.out:
        write_rows(given.out, rows)
    last = max(rows, key=lambda row: row["first_trial_s"])
    found = {
        "share": round(given.cpus / given.studies, 2),
        "most_held": round(most_held(studies, opened), 2),
        "wait_of_last_s": last["wait_s"],
        "longest_trial_s": max(row["longest_trial_s"] for row in rows),
        "unfinished": sum(trial.state != "FINISHED" for ledger in ledgers.values() for trial in ledger.trials.values()),
    }
    print(json.dumps(found))
    return int(found["unfinished"] > 0)


if __name__ == "__main__":
    take_any_text()
    sys.exit(main())
