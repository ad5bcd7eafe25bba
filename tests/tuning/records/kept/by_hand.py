"""Trainings of champions that a home keeps, written by hand."""

from pathlib import Path

import pyarrow.parquet as pq

from tuning.records.kept import store
from tuning.records.kept.key import Key

ORIGIN = store.Origin(study="one", trial_id="race-0003", ended_at=1.0, concurrency="2")


def key(**changes) -> Key:
    """A key of made-up parts."""
    parts = {
        "fingerprint": "f" * 64,
        "phase": "race",
        "fold": 0,
        "clips": "c" * 64,
        "seed": 7,
        "num_epochs": None,
        "trainable": "res_rbg",
        "configuration": {"gru_hidden": 8},
        "weights": "",
        "lock": "l" * 64,
        "code": "d" * 64,
        "device": "AMD EPYC",
        "num_workers": 1,
        "cpus_per_worker": 1,
        "idle_times_s": {},
    }
    return Key(**(parts | changes))


def keep(home: Path, predictions: Path, dataset: str = "clip_folder", **changes) -> Path:
    """A kept training with these predictions, under `key(**changes)`; where it lies."""
    training = store.Training(
        origin=ORIGIN,
        champion="models:/smiles/2",
        dataset=dataset,
        metrics={"accuracy": 0.75},
        curve=[{"epoch": 1.0, "val_loss": 0.5}],
        workers=[{"host": "n", "device": "AMD EPYC", "gpus": ""}],
        confusion="{}",
    )
    asked = key(**changes)
    assert store.keep(home, asked, training, predictions, pq.read_table(predictions)["clip_id"].to_pylist())
    return store.path_of(home, asked)
