"""The table of metrics: an entry is measured, and what follows from it."""

import io

import numpy as np
import pytest
from rich.console import Console

from search_spaces.core.study import Objective
from tests.support.builders import make_spec, make_trial, train
from trainables.core.training.metrics import METRICS, Metric, measured_at, objectives, scores
from trainables.core.training.predictions import Predictions
from tuning.text.quantities import quantity
from tuning.text.tables import front_table

SURENESS = Metric(
    name="sureness",
    label="sureness",
    unit="%",
    direction="max",
    scale=100,
    decimals=2,
    measured="Mean margin of the answer over the other classes, at the chosen epoch.",
    measure=lambda predictions: np.ptp(
        predictions.logits, axis=1
    ).mean(),  # a number of numpy, which JSON does not know
)


@pytest.fixture
def newcomer(monkeypatch):
    monkeypatch.setitem(METRICS, "sureness", SURENESS)


@pytest.mark.usefixtures("newcomer", "tiny")
def test_one_entry_is_an_objective_that_every_trial_measures_and_people_read(prepared, tmp_path):
    curve, metrics = train(make_spec(prepared, tmp_path / "search-0000", epochs=1))
    assert type(metrics["sureness"]) is float
    assert "sureness" not in curve[0]
    assert Objective(metric="sureness").direction == "max"
    assert quantity("sureness").heading == "sureness, %"
    console = Console(width=100, file=io.StringIO())
    trial = make_trial(metrics={"accuracy": 0.75, "sureness": 0.5})
    console.print(front_table([trial], [Objective(metric="accuracy"), Objective(metric="sureness")], None))
    assert "sureness ↑" in console.file.getvalue()
    assert "50.00 %" in console.file.getvalue()


def test_what_is_measured_from_predictions_follows_the_table(monkeypatch):
    found = Predictions(indices=np.arange(2), labels=np.array([0, 1]), logits=np.array([[2, 0], [4, 0]], np.float32))
    assert {"accuracy", "uar", "f1_macro"} <= scores(found).keys()
    assert {"val_loss": found.loss, "val_accuracy": 0.5, "val_uar": 0.5}.items() <= scores(found, "epoch").items()
    monkeypatch.setitem(METRICS, "sureness", SURENESS)
    assert scores(found)["sureness"] == 3.0


def test_what_may_be_optimised_is_what_every_trial_has_once_with_a_better_end():
    assert not {"best_epoch", "num_absent_classes", *measured_at("epoch"), *measured_at("deployed")} & set(objectives())
    assert {"train_loss", "val_loss", "val_accuracy", "val_uar"} <= set(measured_at("epoch"))  # MLflow's curves
    assert measured_at("deployed") == ("deployed_param_count", "deployed_weights_mb", "deployed_latency_ms")
