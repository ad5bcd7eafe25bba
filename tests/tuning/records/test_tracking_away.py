"""MLflow that is away, silent, or locked with a password: no study waits for it, and no secret is told."""

import json
import socket

import pytest

from tests.support.builders import make_trial
from tests.support.tracked_study import NOBODY, begin, follow
from tuning.records.ledger import Ledger
from tuning.records.mlflow_client import default_uri, shown_uri, without_password
from tuning.records.tracking import Tracker


@pytest.mark.timeout(60)
def test_a_server_that_takes_calls_and_never_answers_holds_nothing_up(home, folder, monkeypatch):
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "3600")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        tracker = follow(folder, address, home, begin, patience_s=0.5)
        assert tracker.unwritten > 0
    assert not (folder / "tracked.json").exists()


def test_waiting_for_a_run_ends_with_the_reason(home, folder):
    with Ledger.write(folder) as ledger, Tracker(ledger, NOBODY, home, patience_s=0.5) as tracker:
        ledger.start(make_trial(0))
        with pytest.raises(TimeoutError, match=r"MLflow at http://127\.0\.0\.1:9 does not answer\.$"):
            tracker.run_id("search-0000")


@pytest.mark.slow  # MLflow makes a database
def test_what_mlflow_did_not_take_is_told_in_a_message(home, folder):
    tracker = follow(folder, NOBODY, home, begin, patience_s=0.5)
    events = len(Ledger.read(folder).events)
    assert tracker.what_is_missing() == (
        f"MLflow at {NOBODY} does not answer: the ledger keeps {events} events for the next command on this study."
    )
    assert follow(folder, default_uri(home), home, begin).what_is_missing() == ""


def test_a_password_stays_out_of_files_and_messages(home, folder):
    secret = "http://ada:s3cr%40t@127.0.0.1:9"
    assert shown_uri(secret) == NOBODY
    tracker = follow(folder, secret, home, begin, patience_s=0.5)
    assert tracker.error
    with (
        Ledger.write(folder) as ledger,
        Tracker(ledger, secret, home, patience_s=0.5) as tracker,
        pytest.raises(TimeoutError) as caught,
    ):
        tracker.run_id("search-0000")
    printed_lines = [tracker.error, str(caught.value)]
    printed_lines += [path.read_text() for path in folder.iterdir() if path.is_file()]
    for printed_line in printed_lines:
        assert "s3cr" not in printed_line
    assert without_password("at ada:s3cr%40t@host, or s3cr@t", secret) == "at ada:***@host, or ***"


def test_a_mark_names_no_password(home, folder):
    """A store that is reached with a password leaves a mark that the next driver still recognises."""
    secret = "postgresql://ada:s3cret@db.example/mlflow"
    with Ledger.write(folder) as ledger:
        begin(ledger)
        tracker = Tracker(ledger, secret, home)
        mark = {"uri": shown_uri(secret), "ledger": ledger.uid, "position": 3}
        (folder / "tracked.json").write_text(json.dumps(mark))
        assert tracker.unwritten == len(ledger.events)
        assert Tracker(ledger, secret, home).unwritten == len(ledger.events) - 3
        assert Tracker(ledger, secret.replace("s3cret", "other"), home).unwritten == len(ledger.events) - 3
        assert Tracker(ledger, NOBODY, home).unwritten == len(ledger.events)


def test_the_store_is_the_one_of_the_environment_or_a_file_under_home(tmp_path, monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    assert default_uri(tmp_path) == f"sqlite:///{tmp_path}/mlflow.db"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://10.0.0.1:5000")
    assert default_uri(tmp_path) == "http://10.0.0.1:5000"
