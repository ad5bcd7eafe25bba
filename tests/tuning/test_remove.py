"""A study goes with all that is its own; a model that is registered, and whoever else there is, stays whole."""

import mlflow
import pytest

from tests.support.hand_runner import NAME, write_home
from tests.support.tracked_study import begin, follow
from tuning.predict import predict
from tuning.records.home import known_studies
from tuning.records.ledger import Ledger
from tuning.records.mlflow_client import default_uri
from tuning.records.registry import download
from tuning.remove import plan_removal, remove


@pytest.fixture(autouse=True)
def _own_store(monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)


@pytest.fixture
def home(tmp_path):
    """A home with study `smiles`, confirmed, and study `frowns`."""
    write_home(tmp_path, promoted=False)
    follow(tmp_path / "frowns", default_uri(tmp_path), tmp_path, begin)
    return tmp_path


def test_a_study_goes_for_good_and_its_neighbour_stays(home):
    client = mlflow.MlflowClient(default_uri(home))
    neighbour = client.get_experiment_by_name("fertune/frowns").experiment_id
    others = {run.info.run_id for run in client.search_runs([neighbour])}
    planned = plan_removal(NAME, home=home)
    assert [part.what for part in planned.parts] == [NAME, "8 runs in MLflow"]
    assert planned.num_bytes > 1000
    assert known_studies(home) == ["frowns", NAME]  # a plan changes nothing
    assert remove(NAME, home=home) == planned
    assert known_studies(home) == ["frowns"]
    assert not list(home.glob(f"*{NAME}*"))
    assert client.get_experiment_by_name(f"fertune/{NAME}") is None
    assert {run.info.run_id for run in client.search_runs([neighbour])} == others
    assert {path.name for path in (home / "artifacts").iterdir()} <= others
    assert list((home / "prepared").iterdir())  # shared
    follow(home / NAME, default_uri(home), home, begin)  # the name is free again
    assert known_studies(home) == ["frowns", NAME]


def test_an_unknown_study_and_a_place_outside_are_refused(home):
    for name in ("smile", f"../{home.name}/{NAME}", ""):
        with pytest.raises(ValueError, match="no study begun under"):
            remove(name, home=home)
    assert known_studies(home) == ["frowns", NAME]


def test_a_study_that_runs_is_refused(home):
    with Ledger.write(home / NAME):
        for verb in (plan_removal, remove):
            with pytest.raises(
                ValueError, match=rf"Study {NAME} is running: process \d+ .*End it with `stop {NAME}` first"
            ):
                verb(NAME, home=home)
    remove(NAME, home=home)


def test_mlflow_that_is_away_is_asked_first(home, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    with pytest.raises(ConnectionError, match=r"MLflow at http://127\.0\.0\.1:9 does not answer"):
        remove(NAME, home=home)
    assert known_studies(home) == ["frowns", NAME]


def test_a_study_whose_first_run_failed_before_it_began_goes_too(home):
    Ledger.write(home / "empty").close()
    assert [part.what for part in remove("empty", home=home).parts] == ["empty"]
    assert not (home / "empty").exists()


@pytest.mark.slow
def test_what_a_registered_model_needs_stays(tmp_path):
    write_home(tmp_path)
    uri = default_uri(tmp_path)
    with pytest.raises(ValueError, match=rf"Study {NAME} is behind {NAME} version 1 \(champion\).*use --force"):
        remove(NAME, home=tmp_path)
    assert known_studies(tmp_path) == [NAME]
    gone = remove(NAME, home=tmp_path, force=True)
    assert (gone.models, gone.parts[1].what) == ((f"{NAME} version 1 (champion)",), "10 runs in MLflow")
    assert known_studies(tmp_path) == []
    client = mlflow.MlflowClient(uri)
    (kept,) = client.search_runs([client.get_experiment_by_name(f"fertune/{NAME}").experiment_id])
    assert kept.data.tags["fertune.trial_id"] == "refit-0000"
    assert (download(f"models:/{NAME}@champion", uri, tmp_path / "copy") / "MLmodel").is_file()
    (row,) = predict([tmp_path / "nowhere"], home=tmp_path)
    assert "nowhere" in row.error  # the model answers
    moved = tmp_path.rename(tmp_path.with_name("moved"))  # and follows its home, whose study is gone
    assert len(list(predict([moved / "nowhere"], home=moved))) == 1
