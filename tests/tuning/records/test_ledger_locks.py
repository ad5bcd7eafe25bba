"""What a ledger holds on to, and what it lets go of: its lock, the disk, the words of an earlier end."""

import os

import pytest

from tests.support.builders import make_trial
from tuning.records.ledger import Ledger


def test_a_damaged_ledger_is_let_go_of_and_can_be_fixed(tmp_path):
    with Ledger.write(tmp_path) as ledger:
        ledger.start(make_trial())
    whole = ledger.path.read_bytes()
    ledger.path.write_bytes(b"{\n" + whole)
    for _ in range(2):
        with pytest.raises(ValueError, match="damaged in line 1") as caught:
            Ledger.write(tmp_path)
    ledger.path.write_bytes(whole)
    with Ledger.write(tmp_path) as again:
        assert list(again.trials) == ["search-0000"]
    assert caught


def test_all_of_it_is_on_disk_when_it_is_closed(tmp_path, monkeypatch):
    synced = []
    monkeypatch.setattr(os, "fsync", lambda number: synced.append(os.fstat(number).st_size))
    with Ledger.write(tmp_path) as ledger:
        ledger.start(make_trial())
        ledger.epoch("search-0000", {"epoch": 1})
        assert synced == []
    assert synced == [ledger.path.stat().st_size]
    ledger.close()


def test_a_death_is_no_end_and_the_curve_goes_on(tmp_path):
    with Ledger.write(tmp_path) as ledger:
        ledger.start(make_trial())
        for epoch in (1, 2):
            ledger.epoch("search-0000", {"epoch": epoch, "val_loss": 1.0})
        ledger.died("search-0000", "the node was lost", own=False)
        ledger.epoch("search-0000", {"epoch": 2, "val_loss": 0.5})  # from the checkpoint after epoch 1
        ledger.died("search-0000", "the worker crashed", own=True)
    for trial in (ledger.trials["search-0000"], Ledger.read(tmp_path).trials["search-0000"]):
        assert (trial.state, trial.deaths, trial.other_deaths) == ("RUNNING", 1, 1)
        assert [(row["epoch"], row["val_loss"]) for row in trial.curve] == [(1, 1.0), (2, 0.5)]


@pytest.mark.parametrize("state", ["FAILED", "INTERRUPTED"])
def test_a_trial_that_begins_again_says_nothing_of_how_it_ended_before(tmp_path, state):
    with Ledger.write(tmp_path) as ledger:
        ledger.start(make_trial())
        ledger.end("search-0000", state, error="the node went away")
        ledger.start(ledger.trials["search-0000"])
        for trial in (ledger.trials["search-0000"], Ledger.read(tmp_path).trials["search-0000"]):
            assert (trial.state, trial.error, trial.ended_at) == ("RUNNING", "", None)
        ledger.end("search-0000", "FINISHED", {"accuracy": 0.5})
        assert ledger.trials["search-0000"].error == ""
