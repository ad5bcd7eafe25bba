"""A study of few events, written to a ledger and followed by MLflow."""

from tests.support.builders import make_trial
from tuning.records.ledger import Ledger
from tuning.records.projection.events import CURVES
from tuning.records.tracking import Tracker

NOBODY = "http://127.0.0.1:9"


FACTS = {"dataset_fingerprint": "f1n9e4", "git_commit": "c0ffee", "version": "0.2.0", "concurrency": 2}


WORKERS = [{"host": "node1", "device": "AMD EPYC", "gpus": ""}, {"host": "node2", "device": "NVIDIA H200", "gpus": "3"}]


BASELINES = [
    {"name": "majority", "accuracy": 0.25, "uar": 0.25},
    {"name": "plain_network", "accuracy": None, "error": "ValueError: no clip"},
]


METRICS = {"accuracy": 0.75, "train_time_s": 12.5, "param_count": 1e6}


def begin(ledger):
    """Three search trials: one finished, one failed, one stopped early; a front, a confirmation."""
    ledger.open_study(**FACTS)
    ledger.note("baselines", phase="search", folds=[0], rows=BASELINES)
    for number in range(3):
        ledger.start(make_trial(number))
        for epoch in (1, 2):
            ledger.epoch(f"search-{number:04d}", row(epoch))
    predictions = ledger.folder / "trials" / "search-0000" / "predictions.parquet"
    predictions.parent.mkdir(parents=True, exist_ok=True)
    predictions.write_bytes(b"rows")
    ledger.end("search-0000", "FINISHED", METRICS, workers=WORKERS)
    ledger.end("search-0001", "FAILED", error="NonFiniteLoss: the loss became nan")
    ledger.end("search-0002", "KILLED")
    ledger.select(["search-0000"], "search-0000")
    ledger.start(make_trial(0, trial_id="confirm-0000", phase="confirm", of="search-0000", variant="order_blind"))
    ledger.end("confirm-0000", "FINISHED", METRICS)


def row(epoch):
    return {"epoch": epoch, **{key: epoch + position / 10 for position, key in enumerate(CURVES)}, "train_accuracy": 1}


def follow(folder, uri, home, write=lambda ledger: None, **settings):
    """What `write` writes to the ledger is tracked; returns the closed tracker."""
    with Ledger.write(folder) as ledger, Tracker(ledger, uri, home, **settings) as tracker:
        write(ledger)
    return tracker


def runs_of(client, folder):
    """Every run of the study's experiment by its trial, each trial exactly once."""
    experiment = client.get_experiment_by_name(f"fertune/{folder.name}")
    found = client.search_runs([experiment.experiment_id])
    runs = {run.data.tags["fertune.trial_id"]: run for run in found}
    assert len(runs) == len(found)
    return runs
