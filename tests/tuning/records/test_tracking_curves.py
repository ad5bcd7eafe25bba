"""A curve is in MLflow while its trial still runs: nothing waits for the event after it."""

import pytest

from tests.support.builders import make_trial
from tuning.records.ledger import Ledger
from tuning.records.mlflow_client import default_uri, make_client
from tuning.records.tracking import Tracker


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """One store for the module: making one takes MLflow seconds."""
    return tmp_path_factory.mktemp("home")


@pytest.mark.parametrize("at_once", [True, False])
def test_the_last_rows_of_a_curve_are_written_and_none_is_lost(home, at_once):
    uri, folder = default_uri(home), home / f"smiles {at_once}"
    with Ledger.write(folder) as ledger:
        ledger.start(make_trial())
        with Tracker(ledger, uri, home) as tracker:
            for epoch in (1, 2, 3):
                ledger.epoch("search-0000", {"epoch": epoch, "val_loss": 1 / epoch})
                if not at_once:
                    tracker.run_id("search-0000")
            run_id = tracker.run_id("search-0000")
            history = make_client(uri).get_metric_history(run_id, "val_loss")
            assert [(point.step, point.value) for point in history] == [(1, 1.0), (2, 0.5), (3, 1 / 3)]
