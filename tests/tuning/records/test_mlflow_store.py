"""A store in a home of any name, and a registry elsewhere: whose failure it is."""

import shlex

import mlflow
import pytest

from tests.support.mlflow_store import new_store
from tests.support.tracked_study import NOBODY, begin, follow
from tuning.records import registry, tags
from tuning.records.aliases import CHAMPION
from tuning.records.mlflow_client import default_uri
from tuning.records.mlflow_store import pointed_at, require_answers
from tuning.records.views import how_to_compare


@pytest.fixture(autouse=True)
def _of_nobody(monkeypatch):
    for name in ("MLFLOW_TRACKING_URI", "MLFLOW_REGISTRY_URI"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.slow
def test_a_home_of_any_name_is_made_where_nothing_was_begun(tmp_path):
    assert registry.champions(default_uri(tmp_path / "a?b" / "runs")) == []
    assert [path.name for path in tmp_path.iterdir()] == ["a?b"]


@pytest.mark.slow
def test_a_home_of_any_name_holds_all_that_mlflow_keeps(tmp_path):
    home = tmp_path / "a?b=c %20d#é:e%zz"
    home.mkdir()
    new_store(home)
    uri = default_uri(home)
    tracker = follow(home / "smiles", uri, home, begin)
    assert (tracker.unwritten, tracker.error) == (0, "")
    folder = home / "smiles" / "trials" / "search-0000"
    (folder / "model.json").write_text("{}")
    (folder / "model.safetensors").write_bytes(b"weights")
    run_id = tracker.run_id("search-0000")
    given = {"tracking_uri": uri, "run_id": run_id, "model_folder": folder, "name": "odd", "tags": {}}
    assert registry.log_and_register(**given) == 1
    copied, of = registry.fetch_model(registry.only_champion(uri), uri, tmp_path / "copy")
    assert ((copied / "model.safetensors").read_bytes(), of) == (b"weights", run_id)
    assert {path.name for path in tmp_path.iterdir()} == {home.name, "copy"}
    command = next(line for line in tracker.how_to_compare() if "mlflow ui" in line)
    assert shlex.split(command)[2:4] == ["--backend-store-uri", uri]


def test_a_champion_of_before_tells_the_workers_that_had_a_batch_each(tmp_path):
    uri = new_store(tmp_path)
    client = mlflow.MlflowClient(uri)
    run_id = client.create_run(client.create_experiment("one"), tags={tags.WORKERS: "one, other"}).info.run_id
    client.create_registered_model("demo")
    for number, stated in enumerate([{}, {tags.WHOLE_BATCH: "true"}]):
        version = client.create_model_version("demo", source=str(tmp_path), run_id=run_id, tags=stated).version
        client.set_registered_model_alias("demo", CHAMPION, version)
        told = registry.present_champion(uri, "demo")
        assert told == (number + 1, stated or {tags.WORKERS: "one, other"})
    client.create_registered_model("lost")
    version = client.create_model_version("lost", source=str(tmp_path), run_id="0" * 32).version
    client.set_registered_model_alias("lost", CHAMPION, version)
    assert registry.present_champion(uri, "lost") == (1, {})


def test_a_registry_that_is_away_is_not_blamed_on_the_store_of_runs(tmp_path, monkeypatch):
    uri = new_store(tmp_path)
    monkeypatch.setenv("MLFLOW_REGISTRY_URI", NOBODY)
    expected = f"^The registry of MLflow at {NOBODY} does not answer. Start that server, or set MLFLOW_REGISTRY_URI to"
    asks = [
        lambda: registry.champions(uri),
        lambda: registry.present_champion(uri, "demo"),
        lambda: registry.rollback(uri, "demo"),
        lambda: registry.download("models:/demo@champion", uri, tmp_path / "copy"),
        lambda: require_answers(uri),
    ]
    for ask in asks:
        with pytest.raises(ConnectionError, match=expected):
            ask()


def test_a_store_of_runs_that_is_away_is_not_blamed_on_the_registry(tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_REGISTRY_URI", new_store(tmp_path))
    assert registry.champions(NOBODY) == []
    with pytest.raises(ValueError, match=f"No model has been promoted in sqlite:///{tmp_path}/mlflow.db;"):
        registry.only_champion(NOBODY)
    with pytest.raises(ConnectionError, match=f"^MLflow at {NOBODY} does not answer. .* set MLFLOW_TRACKING_URI to"):
        require_answers(NOBODY)


def test_what_is_no_address_is_refused_and_leaves_the_environment_as_it_was(monkeypatch):
    monkeypatch.setenv("MLFLOW_REGISTRY_URI", "localhost:5000")
    monkeypatch.delenv("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", raising=False)
    with (
        pytest.raises(ValueError, match=r"^MLFLOW_REGISTRY_URI is 'localhost:5000'"),
        pointed_at("sqlite:////h/mlflow.db"),
    ):
        pass


def test_a_program_is_named_where_the_reader_stands(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    command = next(line for line in how_to_compare("sqlite:////h/mlflow.db", "7", []) if " ui " in line)
    assert shlex.split(command)[0].endswith("/bin/mlflow")
