"""MLflow as a projection of a ledger that goes on: the same runs, each event once, whatever was lost between."""

import json
import math
import threading

import pytest

from tests.support.builders import make_trial
from tests.support.tracked_study import FACTS, METRICS, NOBODY, begin, follow, row, runs_of
from tuning.records.ledger import Ledger
from tuning.records.projection.runs import Runs


@pytest.mark.slow
@pytest.mark.parametrize("lost", ["nothing", "the mark", "half the mark", "another ledger's mark"])
def test_a_resumed_study_goes_on_in_the_same_runs(home, uri, client, lost):
    folder = home / f"resumed after losing {lost}"
    follow(folder, uri, home, begin)
    before = runs_of(client, folder)
    mark = folder / "tracked.json"
    stored = json.loads(mark.read_text())
    if lost == "the mark":
        mark.unlink()
    elif lost == "half the mark":
        mark.write_text(mark.read_text()[:9])
    elif lost == "another ledger's mark":
        mark.write_text(json.dumps({**stored, "ledger": "other", "position": 3}))

    def go_on(ledger):
        ledger.start(ledger.trials["search-0001"])
        ledger.epoch("search-0001", row(2))
        ledger.epoch("search-0001", row(3))
        ledger.end("search-0001", "FINISHED", METRICS)
        ledger.start(make_trial(3))
        ledger.end("search-0003", "FINISHED", {"accuracy": math.nan})
        ledger.select(["search-0001"], "search-0001")

    assert follow(folder, uri, home, go_on).unwritten == 0
    after = runs_of(client, folder)
    assert set(after) == {*before, "search-0003"}
    assert {name: run.info.run_id for name, run in after.items() if name in before} == {
        name: run.info.run_id for name, run in before.items()
    }
    again = after["search-0001"]
    assert again.info.status == "FINISHED"
    assert "fertune.error" not in again.data.tags
    assert [name for name, run in after.items() if run.data.tags.get("fertune.pareto") == "true"] == ["search-0001"]
    steps = [point.step for point in client.get_metric_history(again.info.run_id, "val_loss")]
    assert sorted(set(steps)) == [1, 2, 3]
    once = client.get_metric_history(after["search-0002"].info.run_id, "val_loss")
    assert [point.step for point in once] == [1, 2]  # written again, and no point twice
    assert after["search-0000"].info.status == "FINISHED"


@pytest.mark.slow
def test_nothing_new_writes_nothing(home, uri, client, folder):
    follow(folder, uri, home, begin)
    before = {name: run.info.end_time for name, run in runs_of(client, folder).items()}
    tracker = follow(folder, uri, home)
    assert (tracker.unwritten, tracker.error) == (0, "")
    assert {name: run.info.end_time for name, run in runs_of(client, folder).items()} == before


@pytest.mark.slow
def test_a_run_that_the_store_lost_is_written_again(home, uri, client, folder):
    follow(folder, uri, home, begin)
    client.delete_run(runs_of(client, folder)["search-0000"].info.run_id)
    tracker = follow(folder, uri, home, lambda ledger: ledger.note("promoted", name="x", version=1))
    assert (tracker.unwritten, tracker.error) == (0, "")
    found = runs_of(client, folder)["search-0000"]
    assert found.data.metrics["accuracy"] == METRICS["accuracy"]
    assert found.data.tags["fertune.pareto"] == "true"


@pytest.mark.slow
def test_a_study_begun_anew_under_its_name_does_not_write_into_the_old_runs(home, uri, client, folder):
    follow(folder, uri, home, begin)
    old = {run_id: run.info.run_id for run_id, run in runs_of(client, folder).items()}
    (folder / "ledger.jsonl").unlink()

    def anew(ledger):
        ledger.open_study(**FACTS)
        ledger.start(make_trial(0, parameters={"rbg_depth": 3, "lr": 0.5}))  # MLflow allows no change of parameters
        ledger.end("search-0000", "FINISHED", METRICS)

    tracker = follow(folder, uri, home, anew)
    assert (tracker.unwritten, tracker.error) == (0, "")
    experiment = client.get_experiment_by_name(f"fertune/{folder.name}")
    runs = client.search_runs([experiment.experiment_id])
    new = {run.data.tags["fertune.trial_id"]: run for run in runs if run.info.run_id not in old.values()}
    assert set(new) == {"study", "search-0000"}
    assert new["search-0000"].data.params == {"rbg_depth": "3", "lr": "0.5"}
    assert client.get_run(old["search-0000"]).data.params == {"rbg_depth": "0", "lr": "0.001"}


def test_mlflow_may_be_away_and_gets_everything_later(home, uri, client, folder):
    tracker = follow(folder, NOBODY, home, begin, patience_s=0.5)
    with Ledger.write(folder) as ledger:
        assert tracker.unwritten == len(ledger.events)
    assert tracker.error == "does not answer"
    tracker = follow(folder, uri, home)
    assert (tracker.unwritten, tracker.error) == (0, "")
    assert set(runs_of(client, folder)) == {"study", "search-0000", "search-0001", "search-0002", "confirm-0000"}


def test_an_error_without_words_stops_nothing(home, uri, client, folder, monkeypatch):
    once = threading.Event()
    real = Runs.find

    def silent_at_first(self, *where):
        if not once.is_set():
            once.set()
            raise RuntimeError
        real(self, *where)

    monkeypatch.setattr(Runs, "find", silent_at_first)
    tracker = follow(folder, uri, home, begin)
    assert once.is_set()
    assert (tracker.unwritten, tracker.error) == (0, "")
