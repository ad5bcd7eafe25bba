"""A study of scripted trials that is tracked while MLflow's server and its database go away and come back."""

import contextlib
import time
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

from tests.support.builders import make_trial
from tests.support.servers.buckets import BUCKET, bucket
from tests.support.servers.processes import PASSWORD, USER, MlflowServer, Postgres
from tests.support.tracked_study import FACTS, METRICS, row
from tuning.records.ledger import Ledger
from tuning.records.tracking import Tracker

PATIENCE_S = 120.0


@contextlib.contextmanager
def servers(folder: Path) -> Generator[tuple[MlflowServer, Postgres]]:
    """MLflow on PostgreSQL behind basic auth, its artifacts in a bucket; the environment leads there meanwhile."""
    with contextlib.ExitStack() as stack:
        environment = stack.enter_context(bucket())
        database = Postgres()
        stack.callback(database.remove)
        database.start()
        where = {"runs": database.create("runs"), "users": database.create("users")}
        server = MlflowServer(folder, artifacts=f"s3://{BUCKET}/mlflow", environment=environment, **where)
        stack.callback(server.stop)
        server.start()
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        known = {"TRACKING_URI": server.url, "TRACKING_USERNAME": USER, "TRACKING_PASSWORD": PASSWORD}
        for key, value in known.items():
            patch.setenv(f"MLFLOW_{key}", value)
        yield server, database


def tracked_through(server: MlflowServer, database: Postgres, home: Path, *, outage_s: float) -> Tracker:
    """Track a study through three outages of `outage_s`: of the server, in the middle of its work, of its database, of both."""
    numbers = iter(range(100))
    with Ledger.write(home / "smiles") as ledger, Tracker(ledger, server.url, home, patience_s=PATIENCE_S) as tracker:
        ledger.open_study(**FACTS)
        tracker.run_id(_trial(ledger, numbers))
        for gone in ([server], [database], [server, database]):
            for _ in range(2):
                _trial(ledger, numbers)  # which MLflow has begun to hear of
            for one in gone:
                one.stop()
            for _ in range(2):
                _trial(ledger, numbers)
            time.sleep(outage_s)  # the length of the outage is what is asked for
            for one in reversed(gone):
                one.start()
            tracker.run_id(_trial(ledger, numbers))
        ledger.select(["search-0000"], "search-0000")
    return tracker


def _trial(ledger: Ledger, numbers: Iterator[int]) -> str:
    number = next(numbers)
    name = f"search-{number:04d}"
    ledger.start(make_trial(number))
    for epoch in (1, 2, 3):
        ledger.epoch(name, row(epoch))
    predictions = ledger.trial_folder(name) / "predictions.parquet"
    predictions.parent.mkdir(parents=True)
    predictions.write_bytes(name.encode())
    ledger.end(name, "FINISHED", METRICS)
    return name
