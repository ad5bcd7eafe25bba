"""Between Ray Tune and the ledger: nothing that went wrong is swallowed, and nothing that was done is lost."""

import dataclasses
import errno
from pathlib import Path
from types import SimpleNamespace

import pytest
from ray.tune.search import Searcher

from tests.support.builders import make_trial
from tuning.execution import bookkeeper
from tuning.execution.bookkeeper import Bookkeeper
from tuning.execution.devices.idle_times import unmeasured
from tuning.execution.search.searcher import ListSearcher

DONE = {"done": True, "metrics/accuracy": 0.5}


def checkpoint(desk, number):
    return Path(desk.ledger.folder, "trials", f"search-{number:04d}", "last.pt")


def fill_the_disk(desk, monkeypatch):
    def full(line):
        raise OSError(errno.ENOSPC, "No space left on device", str(desk.ledger.path))

    monkeypatch.setattr(desk.ledger._file, "append", full)


def test_a_checkpoint_goes_when_the_ledger_has_the_metrics(desk):
    desk.books.suggest("a")
    assert checkpoint(desk, 0).exists()
    desk.books.on_trial_complete("a", DONE)
    assert desk.ledger.trials["search-0000"].metrics == {"accuracy": 0.5}
    assert [path.name for path in checkpoint(desk, 0).parent.iterdir()] == ["model.safetensors"]
    desk.books.close()


def test_a_full_disk_at_the_end_of_a_trial_stops_the_study_and_keeps_its_checkpoint(desk, monkeypatch):
    desk.books.suggest("a")
    with monkeypatch.context() as for_a_while:
        fill_the_disk(desk, for_a_while)
        desk.books.on_trial_complete("a", DONE)
        assert desk.books.stopper.stop_all()
        assert desk.books.suggest("b") == Searcher.FINISHED
    with pytest.raises(OSError, match="No space left"):
        desk.books.close()
    assert checkpoint(desk, 0).exists()
    assert {trial.trial_id: trial.state for trial in desk.ledger.trials.values()} == {"search-0000": "INTERRUPTED"}


def test_a_full_disk_at_the_start_of_a_trial_is_the_error_of_the_study(desk, monkeypatch):
    assert not desk.books.stopper.stop_all()
    fill_the_disk(desk, monkeypatch)
    assert desk.books.suggest("a") == Searcher.FINISHED
    with pytest.raises(OSError, match="No space left"):
        desk.books.close()


def job_of(desk):
    """A job that comes first, given to a bookkeeper of the same two trials; what was heard of its end."""
    heard = []
    spec = dataclasses.replace(desk.books._spec(make_trial(0)), trial_id="baselines")
    job = SimpleNamespace(spec=spec, ended=lambda result, error: heard.append((result, error)))
    searcher = ListSearcher([make_trial(0), make_trial(1)])
    return Bookkeeper(desk.ledger, searcher, desk.listener, desk.books._spec, first=job), heard


def test_a_job_comes_first_once_and_is_no_trial(desk):
    books, heard = job_of(desk)
    asked = [books.suggest(name)["spec"]["trial_id"] for name in "abc"]
    assert asked == ["baselines", "search-0000", "search-0001"]
    books.on_trial_result("a", {"died": "no node", "own": False})
    books.on_trial_complete("a", {"done": True, "baselines": []})
    books.on_trial_complete("b", DONE)
    assert heard == [({"done": True, "baselines": []}, False)]
    assert list(desk.ledger.trials) == ["search-0000", "search-0001"]
    assert desk.listener.ended == ["search-0000"]


def test_a_job_that_is_late_is_not_begun(desk):
    books, heard = job_of(desk)
    books._deadline = -1.0
    assert books.suggest("a") == Searcher.FINISHED
    assert heard == []


def test_a_note_of_a_trial_is_kept_and_told(desk):
    desk.books.suggest("a")
    desk.books.on_trial_result("a", {"epoch": 1, "note": "The checkpoint cannot be read."})
    assert desk.listener.notes == ["search-0000: The checkpoint cannot be read."]
    assert [event["words"] for event in desk.ledger.events if event["event"] == "noted"] == [
        "The checkpoint cannot be read."
    ]
    assert [row["epoch"] for row in desk.ledger.trials["search-0000"].curve] == [1]


def test_that_the_idle_time_of_a_device_is_not_known_is_told_once(desk):
    for _ in range(2):
        desk.books.suggest("a")
        desk.books.on_trial_result("a", {"epoch": 1, "unmeasured": "AMD EPYC, 1 threads"})
    assert desk.listener.notes == [unmeasured("AMD EPYC, 1 threads")]
    assert [event["kind"] for event in desk.ledger.events if event["event"] == "unmeasured"] == ["AMD EPYC, 1 threads"]


def test_a_trial_whose_end_is_written_stays_finished_whatever_fails_after(desk, monkeypatch):
    desk.books.suggest("a")

    def fails():
        raise OSError(errno.EIO, "Input/output error")

    with monkeypatch.context() as for_a_while:
        for_a_while.setattr(desk.ledger._file, "sync", fails)
        desk.books.on_trial_complete("a", DONE)
    with pytest.raises(OSError, match="Input/output error"):
        desk.books.close()
    assert desk.ledger.trials["search-0000"].state == "FINISHED"


def test_metrics_that_come_after_an_error_of_another_trial_are_kept(desk):
    desk.books.suggest("a")
    desk.books.suggest("b")
    desk.listener.on_epoch = lambda trial: [].pop()
    desk.books.on_trial_result("a", {"epoch": 1})
    desk.books.on_trial_complete("b", DONE)
    with pytest.raises(IndexError):
        desk.books.close()
    states = {trial.trial_id: trial.state for trial in desk.ledger.trials.values()}
    assert states == {"search-0000": "INTERRUPTED", "search-0001": "FINISHED"}


@pytest.mark.parametrize(
    ("end", "state"),
    [
        ({"result": DONE}, "FINISHED"),
        ({"result": {"done": True, "failed": "NonFiniteLoss"}}, "FAILED"),
        ({"result": {"done": True, "stopped": True}}, "INTERRUPTED"),
    ],
)
def test_whoever_asked_for_a_trial_is_told_how_it_ended_and_so_is_the_listener(desk, end, state):
    told = []
    desk.books._searcher.tell = lambda trial: told.append((trial.trial_id, trial.state))
    desk.books.suggest("a")
    desk.books.on_trial_complete("a", **end)
    desk.books.close()
    assert told == [("search-0000", state)]
    assert desk.listener.ended == ["search-0000"]
    assert checkpoint(desk, 0).exists() == (state != "FINISHED")


def test_nothing_is_begun_after_the_deadline(desk, monkeypatch):
    now = SimpleNamespace(time=1000.0)
    monkeypatch.setattr(bookkeeper, "time", SimpleNamespace(monotonic=lambda: now.time))
    desk.books._deadline = 1060.0
    assert desk.books.suggest("a") != Searcher.FINISHED
    now.time = 1061.0
    assert desk.books.suggest("b") is None
    desk.books.on_trial_complete("a", DONE)
    assert desk.books.suggest("c") == Searcher.FINISHED
    desk.books.close()
    assert [trial.state for trial in desk.ledger.trials.values()] == ["FINISHED"], "what was begun has its time"


def test_a_proposal_that_is_not_worked_out_yet_is_waited_for_only_where_nothing_runs(desk):
    """Tune asks again in a moment, and does so at once where something runs."""
    searcher = desk.books._searcher
    desk.books._searcher = SimpleNamespace(ask=searcher.ask, tell=searcher.tell, ready=False)
    assert desk.books.suggest("a")["spec"]["trial_id"] == "search-0000"
    assert desk.books.suggest("b") is None
    assert not desk.books.over
    desk.books._searcher = searcher
    assert desk.books.suggest("b")["spec"]["trial_id"] == "search-0001"
    desk.books.close()
