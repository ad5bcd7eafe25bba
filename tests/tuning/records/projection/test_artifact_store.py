"""Artifacts in a bucket: what is written there, read from there, deleted there, and what is said where it cannot be."""

import sys
from pathlib import Path

import mlflow
import pytest

from tests.support.mlflow_store import new_store
from tests.support.servers.buckets import BUCKET, bucket, keys
from tests.support.tracked_study import begin, follow, runs_of
from trainables.core.serving.classifier import Classifier
from tuning.records import disposal
from tuning.records.mlflow_client import make_client
from tuning.records.projection.artifact_store import location_of, require_bucket
from tuning.records.registry import fetch_model, log_and_register


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """A home whose artifacts lie in a bucket: its address and folder."""
    home = tmp_path_factory.mktemp("home")
    with bucket(), pytest.MonkeyPatch.context() as patch:
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        patch.setenv("FERTUNE_ARTIFACTS", f"s3://{BUCKET}/group/")
        yield new_store(home), home


def test_a_study_of_the_home_has_its_artifacts_in_the_bucket(store, tmp_path):
    uri, home = store
    tracker = follow(home / "smiles", uri, home, begin)
    assert (tracker.unwritten, tracker.error) == (0, "")
    run = runs_of(make_client(uri), home / "smiles")["search-0000"]
    assert run.info.artifact_uri == f"s3://{BUCKET}/group/{run.info.run_id}/artifacts"
    copy = mlflow.artifacts.download_artifacts(f"{run.info.artifact_uri}/predictions.parquet", dst_path=str(tmp_path))
    assert Path(copy).read_bytes() == b"rows"
    assert not (home / "artifacts").exists()


@pytest.mark.slow
def test_a_model_is_registered_there_fetched_and_deleted_with_its_study(store, prepared, tiny, tmp_path):
    from tests.support.builders import make_spec, train

    uri, home = store
    train(make_spec(prepared, tmp_path / "refit-0000", phase="refit", epochs=1))
    follow(home / "kept", uri, home, begin)
    run_id = runs_of(make_client(uri), home / "kept")["search-0000"].info.run_id
    given = {"tracking_uri": uri, "run_id": run_id, "name": "smiles", "tags": {}}
    assert log_and_register(model_folder=tmp_path / "refit-0000", **given) == 1
    folder, logged = fetch_model("models:/smiles@champion", uri, tmp_path)
    assert logged == run_id
    assert Classifier.load(folder, device="cpu").classes
    assert any(key.endswith("model.safetensors") for key in keys())
    make_client(uri).delete_registered_model("smiles")
    disposal.delete(uri, disposal.tracked(uri, "kept"))
    assert [key for key in keys() if run_id in key or "models/" in key] == []


def test_a_bucket_that_is_gone_is_told_by_whoever_reads(store, monkeypatch, tmp_path):
    uri, home = store
    tracker = follow(home / "told", uri, home, begin)
    assert not tracker.error
    monkeypatch.setenv("MLFLOW_S3_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    with pytest.raises(ConnectionError, match=r"^The bucket of MLflow's artifacts refuses or cannot be reached: "):
        disposal.delete(uri, disposal.tracked(uri, "told"))


def test_a_bucket_is_asked_for_before_anything_is_spent(store, monkeypatch):
    uri, _ = store
    require_bucket(uri)
    require_bucket("http://127.0.0.1:9")  # that server keeps the artifacts
    monkeypatch.setenv("FERTUNE_ARTIFACTS", "s3://nobody-has-this")
    with pytest.raises(
        ConnectionError, match=r"^The bucket of \$FERTUNE_ARTIFACTS \(s3://nobody-has-this\) cannot be reached"
    ):
        require_bucket(uri)
    monkeypatch.setenv("MLFLOW_S3_ENDPOINT_URL", "http://127.0.0.1:9")
    with pytest.raises(ConnectionError, match=r"cannot be reached at http://127\.0\.0\.1:9: Could not connect"):
        require_bucket(uri)
    monkeypatch.setitem(sys.modules, "boto3", None)
    with pytest.raises(ValueError, match=r"boto3, which MLflow reaches it with, is missing here: `make setup`"):
        require_bucket(uri)


@pytest.mark.parametrize("named", ["faces", "s3://", "gs://faces", "/mnt/faces"])
def test_what_is_no_bucket_is_refused(named, monkeypatch, tmp_path):
    monkeypatch.setenv("FERTUNE_ARTIFACTS", named)
    for ask in (require_bucket, lambda uri: location_of(uri, tmp_path)):
        with pytest.raises(ValueError, match=r"allowed is s3://BUCKET or s3://BUCKET/PREFIX\.$"):
            ask(f"sqlite:///{tmp_path}/mlflow.db")


def test_without_the_variable_they_lie_beside_the_store(monkeypatch, tmp_path):
    monkeypatch.delenv("FERTUNE_ARTIFACTS", raising=False)
    require_bucket(f"sqlite:///{tmp_path}/mlflow.db")
    assert location_of(f"sqlite:///{tmp_path}/mlflow.db", tmp_path) == (tmp_path / "artifacts").as_uri()
    assert location_of("http://127.0.0.1:9", tmp_path) is None
