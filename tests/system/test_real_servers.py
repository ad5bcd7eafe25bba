"""MLflow on PostgreSQL, behind a password, with its artifacts in a bucket: it goes away and comes back, and nothing is lost."""

from pathlib import Path

import mlflow
import pytest

from tests.support.servers.buckets import keys
from tests.support.servers.outage import servers, tracked_through
from tests.support.tracked_study import METRICS, row, runs_of
from tuning.records.ledger import Ledger
from tuning.records.mlflow_client import make_client
from tuning.records.projection.events import CURVES


@pytest.mark.timeout(600)
def test_a_study_is_tracked_whole_and_once_through_outages_of_the_server_and_its_database(tmp_path):
    with servers(tmp_path) as (server, database):
        tracker = tracked_through(server, database, tmp_path, outage_s=3)
        assert (tracker.unwritten, tracker.error) == (0, "")
        ledger, client = Ledger.read(tmp_path / "smiles"), make_client(server.url)
        runs = runs_of(client, ledger.folder)  # each once
        assert runs.keys() == {"study", *ledger.trials}
        assert {run.info.status for run in runs.values()} == {"FINISHED"}
        assert len(ledger.trials) == 16
        for trial_id in ledger.trials:
            run = runs[trial_id]
            assert {key: run.data.metrics[key] for key in METRICS} == METRICS
            for key in (*CURVES, *METRICS):
                points = client.get_metric_history(run.info.run_id, key)
                steps = [(epoch, row(epoch)[key]) for epoch in (1, 2, 3)] if key in CURVES else [(0, METRICS[key])]
                assert [(point.step, point.value) for point in points] == steps
            copy = mlflow.artifacts.download_artifacts(
                f"{run.info.artifact_uri}/predictions.parquet", dst_path=str(tmp_path)
            )
            assert Path(copy).read_text() == trial_id
        assert len(keys()) == len(ledger.trials)
