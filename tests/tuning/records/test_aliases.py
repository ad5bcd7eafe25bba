"""The registry's aliases: two who promote at once, a rollback, large weights through a server that takes its time."""

import http.server
import os
import subprocess
import sys
import threading
import time
from types import SimpleNamespace

import mlflow
import pytest

from tests.conftest import ROOT
from tests.support.mlflow_store import new_store
from tuning.records import mlflow_store, registry
from tuning.records.aliases import ChampionChanged, aliases, guarded, make_champion, swap


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    home = tmp_path_factory.mktemp("store")
    uri = new_store(home)
    client = mlflow.MlflowClient(uri)
    experiment = client.create_experiment("models", artifact_location=str(home / "artifacts"))
    folder = home / "trial"
    folder.mkdir()
    (folder / "model.json").write_text("{}")
    (folder / "model.safetensors").write_bytes(b"weights")
    return SimpleNamespace(uri=uri, client=client, folder=folder, run=client.create_run(experiment).info.run_id)


def register(store, name, tag, **given):
    tags = {"fertune.trial_id": tag}
    return registry.log_and_register(
        tracking_uri=store.uri, run_id=store.run, model_folder=store.folder, name=name, tags=tags, **given
    )


@pytest.mark.slow
def test_of_two_who_promote_at_once_one_wins_and_the_other_leaves_nothing(store):
    register(store, "race", "old")
    won, lost = [], []
    together = threading.Barrier(2)

    def promote(tag):
        together.wait()
        try:
            won.append(register(store, "race", tag, replacing=1))
        except ChampionChanged as error:
            lost.append(str(error))

    threads = [threading.Thread(target=promote, args=(tag,)) for tag in ("a", "b")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert won == [2]
    assert lost == ["Another process changed the champion of race meanwhile: version 1 became version 2."]
    assert aliases(store.client, "race") == {"champion": 2, "previous": 1}
    assert len(store.client.search_model_versions("name = 'race'")) == 2


HOLD = """
import sys
from tuning.records.aliases import guarded
with guarded(sys.argv[1], "task"):
    print("held", flush=True)
    sys.stdin.readline()
"""


def test_another_process_waits_for_its_turn(tmp_path):
    uri = f"sqlite:///{tmp_path / 'mlflow.db'}"
    command = [sys.executable, "-c", HOLD, uri]
    entered = threading.Event()

    def enter():
        with guarded(uri, "task"):
            entered.set()

    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout.readline() == "held\n"
        with guarded(uri, "another task"):
            pass  # each name has a lock of its own
        waiting = threading.Thread(target=enter)
        waiting.start()
        assert not entered.wait(0.3)
        other.communicate("let go\n")
        waiting.join(30)
    assert entered.is_set()


class Server:
    """The aliases of a registry that has no lock; after `meddle_after` writes another client writes too."""

    def __init__(self, meddle_after):
        self.aliases, self.tags, self.left = {"champion": "1"}, {}, meddle_after

    def get_registered_model(self, name):
        return SimpleNamespace(aliases=dict(self.aliases), tags=dict(self.tags))

    def set_registered_model_tag(self, name, key, value):
        self.tags[key] = value

    def set_registered_model_alias(self, name, alias, version):
        self.aliases[alias] = version
        self.left -= 1
        if self.left == 0:
            self.aliases["champion"] = "9"


def test_without_a_lock_the_loser_of_a_race_is_told(store):
    server = Server(meddle_after=2)
    with pytest.raises(ChampionChanged, match=r"champion of task meanwhile: version 2 became version 9"):
        make_champion(server, "task", 2, replacing=1)
    assert server.aliases["champion"] == "9"
    server = Server(meddle_after=1)
    server.aliases["previous"] = "3"
    with pytest.raises(ChampionChanged):
        make_champion(server, "task", 2, replacing=4)
    assert server.aliases == {"champion": "1", "previous": "3"}, "nothing was touched"


@pytest.mark.slow
def test_a_registration_that_lost_after_all_is_taken_back(store, monkeypatch):
    register(store, "late", "old")

    def overtaken(client, name, version, *, replacing):
        raise ChampionChanged("somebody was faster")

    monkeypatch.setattr(registry, "make_champion", overtaken)
    with pytest.raises(ChampionChanged, match="faster"):
        register(store, "late", "new", replacing=1)
    assert [version.version for version in store.client.search_model_versions("name = 'late'")] == [1]


@pytest.mark.slow
def test_a_version_that_was_there_before_is_not_taken_back(store, monkeypatch):
    """It was registered by an attempt that died, and somebody else became champion before the next one."""
    register(store, "kept", "old")
    with monkeypatch.context() as died:
        died.setattr(registry, "make_champion", lambda *_, **__: None)
        register(store, "kept", "new", replacing=1)
    register(store, "kept", "other", replacing=1)
    with pytest.raises(ChampionChanged, match="version 1 became version 3"):
        register(store, "kept", "new", replacing=1)
    versions = {int(found.version) for found in store.client.search_model_versions("name = 'kept'")}
    assert versions == {1, 2, 3}


@pytest.mark.slow
def test_what_an_attempt_left_behind_is_completed_and_not_made_again(store, monkeypatch):
    monkeypatch.setattr(registry, "make_champion", lambda *_, **__: None)  # it died before
    register(store, "again", "a")
    monkeypatch.undo()
    assert register(store, "again", "a") == 1
    assert aliases(store.client, "again") == {"champion": 1}
    assert register(store, "again", "a") == 1
    assert register(store, "again", "b", replacing=1) == 2


def test_the_process_goes_on_with_the_store_that_it_had(store, monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    registry.champions(store.uri)
    assert "MLFLOW_TRACKING_URI" not in os.environ
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    registry.champions(store.uri)
    assert mlflow.get_tracking_uri() == os.environ["MLFLOW_TRACKING_URI"] == "http://127.0.0.1:9"


def test_a_store_that_nobody_serves_is_said_in_one_message(tmp_path):
    expected = "MLflow at http://127.0.0.1:9 does not answer. Start that server, or set MLFLOW_TRACKING_URI"
    with pytest.raises(ConnectionError, match=f"^{expected}"):
        registry.only_champion("http://127.0.0.1:9")
    with pytest.raises(ConnectionError, match=f"^{expected}"):
        registry.fetch_model("models:/demo@champion", "http://127.0.0.1:9", tmp_path)


@pytest.mark.slow
def test_a_rollback_lets_champion_and_previous_change_places(store):
    register(store, "back", "a")
    with pytest.raises(ValueError, match=r"Version 1 of back is its only champion so far: there is no previous one"):
        registry.rollback(store.uri, "back")
    register(store, "back", "b", replacing=1)
    assert registry.rollback(store.uri, "back") == 1
    assert aliases(store.client, "back") == {"champion": 1, "previous": 2}
    assert "fertune.rolled_back" in store.client.get_model_version("back", "2").tags
    assert registry.rollback(store.uri, "back") == 2
    assert aliases(store.client, "back") == {"champion": 2, "previous": 1}
    assert "fertune.rolled_back" not in store.client.get_model_version("back", "2").tags
    assert "fertune.rolled_back" in store.client.get_model_version("back", "1").tags
    assert register(store, "back", "a", replacing=2) == 1
    assert "fertune.rolled_back" not in store.client.get_model_version("back", "1").tags
    with pytest.raises(ValueError, match=r"no registered model 'bak' in .* With a champion there are: .*back"):
        registry.rollback(store.uri, "bak")
    store.client.create_registered_model("empty")
    with pytest.raises(ValueError, match="No version of empty is champion"):
        registry.rollback(store.uri, "empty")


class Dies:
    """A client of the registry whose process dies at its write number `writes`, before it is done."""

    def __init__(self, client, writes):
        self._client, self._left = client, writes

    def __getattr__(self, name):
        if name.startswith(("set_", "delete_")):
            self._left -= 1
            if self._left == 0:
                raise KeyboardInterrupt
        return getattr(self._client, name)


@pytest.mark.slow
@pytest.mark.parametrize("writes", range(1, 7))
def test_a_rollback_that_dies_anywhere_is_completed_by_the_next(store, writes):
    name = f"dies-{writes}"
    register(store, name, "a")
    register(store, name, "b", replacing=1)
    with pytest.raises(KeyboardInterrupt):
        swap(Dies(store.client, writes), name)
    assert swap(store.client, name) == 1
    assert aliases(store.client, name) == {"champion": 1, "previous": 2}
    assert not store.client.get_registered_model(name).tags
    assert "fertune.rolled_back" in store.client.get_model_version(name, "2").tags
    assert swap(store.client, name) == 2, "the next one goes back"


@pytest.mark.slow
def test_a_promotion_after_a_rollback_that_died_is_not_undone_by_it(store):
    register(store, "after", "a")
    register(store, "after", "b", replacing=1)
    with pytest.raises(KeyboardInterrupt):
        swap(Dies(store.client, 3), "after")
    assert aliases(store.client, "after") == {"champion": 1, "previous": 1}
    register(store, "after", "c", replacing=1)
    assert swap(store.client, "after") == 1
    assert aliases(store.client, "after") == {"champion": 1, "previous": 3}


def test_a_rollback_that_somebody_overtakes_says_so():
    server = Server(meddle_after=2)
    server.aliases["previous"] = "3"
    with pytest.raises(ChampionChanged, match="version 3 became version 9"):
        swap(server, "task")


class Slow(http.server.BaseHTTPRequestHandler):
    """A server that hands what it gets on to a slow store before it answers."""

    def do_PUT(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        time.sleep(1.2)
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_):
        pass


def test_a_server_may_take_its_time_over_large_weights(tmp_path, monkeypatch):
    from mlflow.exceptions import MlflowException
    from mlflow.store.artifact.http_artifact_repo import HttpArtifactRepository

    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "1")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Slow)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    weights = tmp_path / "model.safetensors"
    weights.write_bytes(b"0" * 100_000)
    try:
        repository = HttpArtifactRepository(f"http://127.0.0.1:{server.server_port}/artifacts")
        with mlflow_store.patient():
            repository.log_artifact(str(weights))
        assert os.environ["MLFLOW_HTTP_REQUEST_TIMEOUT"] == "1"
        with pytest.raises(MlflowException, match="timeout"):
            repository.log_artifact(str(weights))
    finally:
        server.shutdown()
        server.server_close()


def test_weights_are_logged_and_fetched_with_patience(store, monkeypatch, tmp_path):
    waited = []

    def spy(whole):
        def told(*given, **named):
            waited.append(int(os.environ["MLFLOW_HTTP_REQUEST_TIMEOUT"]))
            return whole(*given, **named)

        return told

    monkeypatch.setattr(mlflow.models.Model, "log", spy(mlflow.models.Model.log))
    monkeypatch.setattr(mlflow.artifacts, "download_artifacts", spy(mlflow.artifacts.download_artifacts))
    register(store, "patient", "a")
    registry.fetch_model("models:/patient@champion", store.uri, tmp_path)
    assert min(waited) >= 600
    assert len(waited) == 2
