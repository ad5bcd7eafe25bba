"""How a study's runs end in MLflow, whatever ended it: nothing stays RUNNING that nobody runs."""

import contextlib
import json

import pytest

from tests.support.builders import make_trial
from tests.support.tracked_study import FACTS, METRICS, NOBODY, begin, follow, runs_of
from tuning.execution.signals import Interrupted
from tuning.records.home_check import home_looks
from tuning.records.ledger import Ledger
from tuning.records.projection.catching_up import catch_up, left_open
from tuning.records.projection.mark import Mark
from tuning.records.projection.projection import Projection
from tuning.records.tracking import Tracker
from tuning.status import status


@pytest.fixture(autouse=True)
def own_store(monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)


def killed(folder, uri, home, write):
    """What a driver leaves that was killed once MLFlow had all of it: no close of anything."""
    with Ledger.write(folder) as ledger:
        write(ledger)
        projection = Projection(ledger, uri, home)
        projection.write()
        return projection


def half_run(ledger):
    ledger.open_study(**FACTS)
    for number in range(2):
        ledger.start(make_trial(number))
    ledger.end("search-0000", "FINISHED", METRICS)


def states(client, folder):
    return {name: run.info.status for name, run in runs_of(client, folder).items()}


@pytest.mark.slow
def test_only_a_confirmation_ran_and_the_study_is_through(folder, uri, home, client):
    def write(ledger):
        ledger.open_study(**FACTS)
        ledger.start(make_trial(0, trial_id="confirm-0000", phase="confirm", of="search-0000"))
        ledger.end("confirm-0000", "FINISHED", METRICS)

    follow(folder, uri, home, write)
    assert states(client, folder) == {"study": "FINISHED", "confirm-0000": "FINISHED"}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("error", "status", "said"),
    [
        (OSError(28, "No space left on device"), "FAILED", "[Errno 28] No space left on device"),
        (Interrupted("stopped by SIGTERM"), "KILLED", None),
    ],
)
def test_what_ended_the_driver_is_told_though_it_waits_for_nothing(home, uri, client, error, status, said):
    folder = home / f"ended by {type(error).__name__}"
    with (
        contextlib.suppress(OSError, Interrupted),
        Ledger.write(folder) as ledger,
        Tracker(ledger, uri, home) as tracker,
    ):
        half_run(ledger)
        tracker.run_id("search-0001")
        tracker.patience_s = 0.0
        raise error
    assert states(client, folder) == {"study": status, "search-0000": "FINISHED", "search-0001": "KILLED"}
    assert runs_of(client, folder)["study"].data.tags.get("fertune.error") == said
    assert not Mark.read(folder).is_open
    follow(folder, uri, home, lambda ledger: ledger.start(make_trial(1)))
    assert "fertune.error" not in runs_of(client, folder)["study"].data.tags


@pytest.mark.slow
def test_a_study_that_has_got_over_its_error_is_finished_though_nothing_was_left_to_train(folder, uri, home, client):
    with contextlib.suppress(OSError), Ledger.write(folder) as ledger, Tracker(ledger, uri, home) as tracker:
        ledger.open_study(**FACTS)
        ledger.start(make_trial(0))
        ledger.end("search-0000", "FINISHED", METRICS)
        tracker.run_id("search-0000")
        raise OSError(2, "the prepared clips were removed")
    assert states(client, folder) == {"study": "FAILED", "search-0000": "FINISHED"}
    follow(folder, uri, home, lambda ledger: ledger.select(["search-0000"], "search-0000"))
    assert states(client, folder) == {"study": "FINISHED", "search-0000": "FINISHED"}
    assert "fertune.error" not in runs_of(client, folder)["study"].data.tags


@pytest.mark.slow
def test_an_error_before_the_first_trial_leaves_no_run_open(folder, uri, home, client):
    with contextlib.suppress(OSError), Ledger.write(folder) as ledger, Tracker(ledger, uri, home) as tracker:
        ledger.open_study(**FACTS)
        while tracker.unwritten:
            pass
        tracker.patience_s = 0.0
        raise OSError(28, "No space left on device")
    assert states(client, folder) == {"study": "FAILED"}


LOOKS = {
    "status": lambda home, name: status(name, home=home),
    "doctor": lambda home, _: home_looks(home)["runs in mlflow"](),
}


@pytest.mark.slow
@pytest.mark.parametrize("look", LOOKS)
def test_whoever_looks_after_a_killed_driver_ends_its_runs(uri, home, client, look):
    folder = home / f"killed before {look}"
    killed(folder, uri, home, half_run)
    assert states(client, folder) == {"study": "RUNNING", "search-0000": "FINISHED", "search-0001": "RUNNING"}
    with Ledger.write(folder):
        assert left_open(home, [folder.name]) == [], "somebody goes on with it"
    assert left_open(home, [folder.name]) == [folder.name]
    LOOKS[look](home, folder.name)
    assert states(client, folder) == {"study": "KILLED", "search-0000": "FINISHED", "search-0001": "KILLED"}
    assert left_open(home, [folder.name]) == []


@pytest.mark.slow
@pytest.mark.parametrize("lost", ["the last events", "the mark", "an earlier version's mark"])
def test_what_a_killed_driver_could_not_write_is_written_by_whoever_looks(home, uri, client, lost):
    folder = home / f"killed without {lost}"
    killed(folder, uri, home, half_run)
    mark = folder / "tracked.json"
    with Ledger.write(folder) as ledger:
        ledger.end("search-0001", "FINISHED", METRICS)
    if lost == "the mark":
        mark.unlink()
    elif lost == "an earlier version's mark":
        stored = json.loads(mark.read_text())
        mark.write_text(json.dumps({key: stored[key] for key in ("uri", "ledger", "position")}))
    assert catch_up(home, [folder.name], patience_s=60) == [folder.name]
    assert states(client, folder) == {"study": "FINISHED", "search-0000": "FINISHED", "search-0001": "FINISHED"}
    assert runs_of(client, folder)["search-0001"].data.metrics["accuracy"] == METRICS["accuracy"]
    assert left_open(home, [folder.name]) == []


@pytest.mark.slow
def test_the_next_command_ends_what_a_killed_driver_left(folder, uri, home, client):
    """Also one that begins no trial, and a trial that it does not go on with."""
    killed(folder, uri, home, half_run)
    follow(folder, uri, home)
    assert states(client, folder) == {"study": "KILLED", "search-0000": "FINISHED", "search-0001": "KILLED"}


def test_a_store_that_is_away_stops_nobody_who_looks(folder, home, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", NOBODY)
    follow(folder, NOBODY, home, half_run, patience_s=0.2)
    (folder / "tracked.json").unlink(missing_ok=True)
    (folder / "tracked.lock").touch()  # somebody was at work
    assert left_open(home, [folder.name]) == [folder.name]
    assert catch_up(home, [folder.name]) == []
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "garbage:5000")
    assert catch_up(home, [folder.name]) == []


@pytest.mark.slow
def test_a_run_that_a_late_answer_made_twice_is_there_once(folder, uri, home, client):
    follow(folder, uri, home, begin)
    runs = runs_of(client, folder)
    kept = runs["search-0000"]
    client.create_run(kept.info.experiment_id, tags=kept.data.tags)
    follow(folder, uri, home, lambda ledger: ledger.note("promoted", name="x", version=1, of="search-0000"))
    assert {name: run.info.run_id for name, run in runs_of(client, folder).items()} == {
        name: run.info.run_id for name, run in runs.items()
    }


@pytest.mark.slow
def test_deaths_are_told_with_those_of_its_own(folder, uri, home, client):
    def write(ledger):
        for number in range(3):
            ledger.start(make_trial(number))
        ledger.died("search-0000", "the worker crashed", own=True)
        ledger.died("search-0000", "its node was lost", own=False)
        ledger.died("search-0001", "its node was lost", own=False)

    follow(folder, uri, home, write)
    found = {name: run.data.tags.get("fertune.deaths") for name, run in runs_of(client, folder).items()}
    assert found == {
        "study": None,
        "search-0000": "2, 1 of its own",
        "search-0001": "1, none of its own",
        "search-0002": None,
    }


@pytest.mark.slow
def test_a_long_ledger_is_written_in_parts(folder, uri, home, client, monkeypatch):
    """So that what was written once is not written again after an interruption."""
    monkeypatch.setattr("tuning.records.projection.projection.AT_ONCE", 4)
    with Ledger.write(folder) as ledger:
        begin(ledger)
        projection = Projection(ledger, uri, home)
        assert projection.write()
        assert (projection.position, Mark.read(folder).position) == (4, 4)
        while projection.is_behind:
            projection.write()
    found = runs_of(client, folder)
    assert set(found) == {"study", "search-0000", "search-0001", "search-0002", "confirm-0000"}
    steps = client.get_metric_history(found["search-0002"].info.run_id, "val_loss")
    assert [point.step for point in steps] == [1, 2]
