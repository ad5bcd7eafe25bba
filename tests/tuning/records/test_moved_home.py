"""A home that was moved or copied looks for its artifacts where it lies, and leaves the place where it lay alone."""

import contextlib
import shutil
import sqlite3
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.support.mlflow_store import new_store
from tests.support.tracked_study import begin, follow, runs_of
from tuning.records import moved_home
from tuning.records.ledger import Ledger
from tuning.records.mlflow_client import default_uri, make_client
from tuning.records.moved_home import PLACES, follow_home, moved_from, open_store
from tuning.records.owner import Owner
from tuning.records.tracking import Tracker


@pytest.fixture
def home(tmp_path):
    """A home that one study was tracked in."""
    home = tmp_path / "a home"  # a space is %20 in a URI
    home.mkdir()
    follow(home / "smiles", new_store(home), home, begin)
    return home


def paths_in(home) -> list[str]:
    """Every path that the database of `home` keeps."""
    with sqlite3.connect(home / "mlflow.db") as database:
        found = [
            row[0]
            for table, columns in PLACES.items()
            for column in columns
            for row in database.execute(f"SELECT {column} FROM {table} WHERE {column} LIKE '%/%'")
        ]
    return [path for path in found if "mlruns" not in path]  # of MLflow's own experiment, that nobody uses


def contents(home):
    return {path: path.read_bytes() for path in home.rglob("*") if path.is_file()}


def predictions(home, trial="search-0000"):
    """What MLflow has of the predictions of a trial."""
    client = make_client(default_uri(home))
    run = runs_of(client, home / "smiles")[trial]
    return Path(client.download_artifacts(run.info.run_id, "predictions.parquet")).read_bytes()


def test_a_home_that_was_never_moved_is_left_alone(home):
    before = contents(home)
    assert moved_from(home) == []
    assert open_store(home) == default_uri(home)
    assert contents(home) == before
    assert moved_from(home / "nowhere") == []
    assert not (home / "nowhere").exists()


def test_a_moved_home_finds_its_artifacts(home, tmp_path):
    there = home.rename(tmp_path / "moved % ä")
    assert moved_from(there) == [home]
    open_store(there)
    assert moved_from(there) == []
    assert len(paths_in(there)) == 6  # the experiment and its five runs
    assert {path.removeprefix((there / "artifacts").as_uri())[:1] for path in paths_in(there)} == {"", "/"}
    assert predictions(there) == b"rows"
    assert there.rename(home) == home
    assert follow_home(home) == [there]
    assert predictions(home) == b"rows"


def test_a_copy_goes_on_beside_the_original_and_leaves_it_alone(home, tmp_path):
    copy, before = tmp_path / "copy", contents(home)
    shutil.copytree(home, copy)

    def go_on(ledger):
        ledger.start(ledger.trials["search-0001"])
        (copy / "smiles" / "trials" / "search-0001").mkdir(parents=True)
        (copy / "smiles" / "trials" / "search-0001" / "predictions.parquet").write_bytes(b"later")
        ledger.end("search-0001", "FINISHED", {"accuracy": 1.0})

    follow(copy / "smiles", open_store(copy), copy, go_on)
    assert predictions(copy, "search-0001") == b"later"
    assert contents(home) == before


def test_what_mlflow_has_already_is_not_written_again_after_a_move(home, tmp_path):
    there = home.rename(tmp_path / "moved")
    assert follow(there / "smiles", open_store(there), there).unwritten == 0
    with Ledger.write(there / "smiles") as ledger:
        assert Tracker(ledger, default_uri(there), there).unwritten == 0


def test_a_home_reached_by_a_link_was_not_moved(home, tmp_path):
    link = tmp_path / "link"
    link.symlink_to(home)
    assert moved_from(link) == []


def test_another_home_that_tracks_into_this_database_keeps_its_artifacts(home, tmp_path):
    """Its study lies there, beside its artifacts, and not here."""
    other = tmp_path / "other"
    follow(other / "frowns", default_uri(home), other, begin)
    assert moved_from(home) == []
    there = home.rename(tmp_path / "moved")
    assert follow_home(there) == [home]
    assert sum(path.startswith(other.as_uri()) for path in paths_in(there)) == 6


def test_a_server_and_its_artifacts_are_left_alone(home, tmp_path, monkeypatch):
    there = home.rename(tmp_path / "moved")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    assert open_store(there) == "http://127.0.0.1:9"
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    with sqlite3.connect(there / "mlflow.db") as database:
        database.execute("UPDATE experiments SET artifact_location = 'mlflow-artifacts:/1'")
    assert moved_from(there) == []


def test_a_study_that_runs_elsewhere_keeps_the_path_that_it_knows(home, tmp_path, monkeypatch):
    there = home.rename(tmp_path / "moved")
    with Ledger.write(there / "smiles"):
        here, elsewhere = Owner.this(), Owner(pid=1, host="node7")
        monkeypatch.setattr(Owner, "this", lambda: elsewhere)
        with pytest.raises(ValueError, match=r"Study smiles is running in .* and its runs in MLflow name .*a home as"):
            open_store(there)
        monkeypatch.setattr(Owner, "this", lambda: here)
        open_store(there)  # its own driver may
    assert moved_from(there) == []


def test_two_that_open_it_at_once_tell_it_once(home, tmp_path, monkeypatch):
    there = home.rename(tmp_path / "moved")
    first = moved_home._require_idle

    def meanwhile(*given):
        monkeypatch.setattr(moved_home, "_require_idle", first)
        assert follow_home(there) == [home]

    monkeypatch.setattr(moved_home, "_require_idle", meanwhile)
    assert follow_home(there) == []
    assert predictions(there) == b"rows"


def test_a_database_that_cannot_be_written_is_named_and_stays_as_it_is(home, tmp_path, monkeypatch):
    monkeypatch.setattr(moved_home, "PATIENCE_S", 0.05)
    there = home.rename(tmp_path / "moved")
    with contextlib.closing(sqlite3.connect(there / "mlflow.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(ConnectionError, match=r"moved/mlflow\.db cannot be used \(database is locked\)"):
            open_store(there)
    assert moved_from(there) == [home]


@pytest.mark.parametrize("content", [b"", b"no database at all, for sure" * 40])
def test_what_is_no_database_is_left_to_mlflow(tmp_path, content):
    (tmp_path / "mlflow.db").write_bytes(content)
    assert open_store(tmp_path) == default_uri(tmp_path)


def test_every_verb_opens_the_store_of_a_home_that_may_have_moved():
    """`default_uri` names the store; `open_store` sets its paths right as well. Three look alone: `doctor`, what is left of
    the error level, and whoever ends what a killed driver left.
    """
    asking = [path.name for path in (ROOT / "tuning").rglob("*.py") if "default_uri(" in path.read_text("utf-8")]
    assert sorted(asking) == ["catching_up.py", "doctor.py", "mlflow_client.py", "moved_home.py", "told.py"]
