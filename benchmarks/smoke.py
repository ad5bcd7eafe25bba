"""Whether every study works the whole way: each once with its smoke settings, in a fresh home.

    python -m benchmarks.smoke [--only NAME ...] [--out rows.csv]

A study of real data runs on drawn faces in the same layout. The figures mean nothing but that it works.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.core.rows import write_rows
from search_spaces.core.study import Study, load_study
from trainables.core import lookup
from trainables.core.streams import take_any_text
from tuning.execution.devices.placement import Placement
from tuning.records.ledger import Ledger
from tuning.run import run


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the studies, print the table and the JSON line; the exit code is 1 where one of them did not work."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    known = lookup.names("search_spaces")
    parser.add_argument("--only", nargs="+", choices=known, default=known, metavar="NAME")
    parser.add_argument("--out", type=Path, help="write the rows to this CSV file")
    given = parser.parse_args(arguments)
    os.environ.pop("MLFLOW_TRACKING_URI", None)  # nothing of this belongs into a person's MLflow
    rows = []
    with tempfile.TemporaryDirectory(prefix="fertune-smoke-") as home:
        for name in given.only:
            rows.append(row := smoke(load_study(name), Path(home)))
            print(_line(row), flush=True)
    if given.out:
        write_rows(given.out, rows)
    failed = [row["study"] for row in rows if row["error"]]
    print(
        json.dumps({"num_studies": len(rows), "failed": failed, "seconds": round(sum(r["seconds"] for r in rows), 1)})
    )
    return int(bool(failed))


def smoke(study: Study, home: Path) -> dict[str, Any]:
    """Run one study with its smoke settings under `home`; its row of the table."""
    started, error = time.perf_counter(), ""
    smoked = study.smoked()
    phase = "search" if study.design is None else "ablation"
    try:
        folds = None if study.design is None else (0,)  # one fold is enough to see that each variant works
        run(smoked, home=home, placement=Placement(max_concurrent=1), folds=folds)
    except Exception as caught:  # every study is tried; the table says what went wrong
        error = f"{type(caught).__name__}: {caught}"
    ledger = Ledger.read(home / smoked.name)
    trials, finished = ledger.of_phase(phase), ledger.finished(phase)
    broken = next((f"{trial.trial_id}: {trial.error or trial.state}" for trial in trials if trial not in finished), "")
    first = study.objectives[0].metric
    return {
        "study": study.name,
        "kind": phase,
        "trials": len(trials),
        "finished": len(finished),
        "best": max((round(trial.metrics[first], 3) for trial in finished), default=""),
        "seconds": round(time.perf_counter() - started, 1),
        "error": error or broken or ("" if trials else "no trial began"),
    }


def _line(row: dict[str, Any]) -> str:
    trials = f"{row['finished']}/{row['trials']}"
    return f"{row['study']:36} {row['kind']:9} {trials:>6} {row['best']!s:>6} {row['seconds']:7.1f} s  {row['error']}"


if __name__ == "__main__":
    take_any_text()
    sys.exit(main())
