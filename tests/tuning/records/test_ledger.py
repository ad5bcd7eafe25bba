"""The ledger: what was written is read back, whoever died, and one process writes."""

import dataclasses
import json
import math
import os
import resource
import signal
import subprocess
import sys
import threading

import pytest

from tests.conftest import ROOT
from tests.support.builders import make_trial
from tuning.records.ledger import Ledger, StudyBusy, objective_values

ROW = {"epoch": 1, "train_loss": 0.7, "val_loss": 0.6}


def fill(folder):
    """A study with a finished, a failed and a running trial, its front and a promotion."""
    with Ledger.write(folder) as ledger:
        ledger.open_study(trainable="tiny", classes=["happy", "sad"], device="cpu")
        for number in range(3):
            ledger.start(make_trial(number))
        ledger.epoch("search-0000", ROW)
        ledger.epoch("search-0000", {**ROW, "epoch": 2})
        ledger.end("search-0000", "FINISHED", {"accuracy": 0.5, "train_time_s": math.nan})
        ledger.end("search-0001", "FAILED", error="NonFiniteLoss: the loss\nbecame nan – Größe")
        ledger.start(make_trial(0, trial_id="confirm-0000", phase="confirm", of="search-0000", variant="blind"))
        ledger.start(make_trial(0, trial_id="refit-0000", phase="refit", of="search-0000", num_epochs=3))
        ledger.select(["search-0000"], "search-0000")
        ledger.note("promoted", name="smiles", version=1, of="search-0000")
    return ledger


def test_a_ledger_is_read_back_as_it_was_written(tmp_path):
    written = fill(tmp_path)
    read = Ledger.read(tmp_path)
    assert repr(read.trials) == repr(written.trials)  # by their words: one value is NaN
    assert (read.study, read.selection) == (written.study, written.selection)
    assert read.selection == {"front": ["search-0000"], "recommended": "search-0000"}
    first = read.trials["search-0000"]
    assert (first.state, first.folds, first.curve) == ("FINISHED", (0,), [ROW, {**ROW, "epoch": 2}])
    assert first.ended_at >= first.started_at > 0
    assert objective_values(first, ["accuracy", "uar"])[0] == 0.5
    assert all(map(math.isnan, objective_values(first, ["train_time_s", "uar"])))
    assert read.trials["search-0001"].error.endswith("became nan – Größe")
    assert read.trials["search-0002"].state == "RUNNING"
    assert (read.trials["confirm-0000"].variant, read.trials["refit-0000"].num_epochs) == ("blind", 3)
    assert read.events[-1] | {"time": 0} == {
        "event": "promoted",
        "time": 0,
        "name": "smiles",
        "version": 1,
        "of": "search-0000",
    }
    assert [event["event"] for event in read.events] == [event["event"] for event in written.events]


def test_a_study_that_was_not_begun_is_empty(tmp_path):
    ledger = Ledger.read(tmp_path / "nothing")
    assert (ledger.events, ledger.trials, ledger.uid) == ([], {}, "")
    assert not (tmp_path / "nothing").exists()


def test_writing_goes_on_where_it_ended(tmp_path):
    fill(tmp_path)
    before = (tmp_path / "ledger.jsonl").read_bytes()
    with Ledger.write(tmp_path) as ledger:
        ledger.open_study(trainable="tiny", classes=["happy", "sad"], device="cpu")  # nothing new: no line
        ledger.select(["search-0000"], "search-0000")
        assert (tmp_path / "ledger.jsonl").read_bytes() == before
        assert ledger.next_id("search") == "search-0003"
        assert ledger.next_id("confirm") == "confirm-0001"
        ledger.open_study(device="gpu")
        ledger.close()
        ledger.close()
    after = (tmp_path / "ledger.jsonl").read_bytes()
    assert after.startswith(before)
    assert after.count(b"\n") == before.count(b"\n") + 1
    assert Ledger.read(tmp_path).study == {"trainable": "tiny", "classes": ["happy", "sad"], "device": "gpu"}


def test_what_is_not_open_for_writing_cannot_be_written(tmp_path):
    ledger = fill(tmp_path)
    for closed in (ledger, Ledger.read(tmp_path)):
        with pytest.raises(RuntimeError, match="reading only"):
            closed.epoch("search-0000", ROW)


def test_a_torn_last_line_is_left_out_and_cut_by_the_next_writer(tmp_path):
    fill(tmp_path)
    path = tmp_path / "ledger.jsonl"
    whole = path.read_bytes()
    path.write_bytes(whole + '{"event": "ended", "trial_id": "search-0002", "error": "Grö'.encode()[:-1])
    assert Ledger.read(tmp_path).trials["search-0002"].state == "RUNNING"
    assert path.read_bytes() != whole  # a reader changes nothing
    with Ledger.write(tmp_path) as ledger:
        assert path.read_bytes() == whole
        ledger.end("search-0002", "FINISHED", {"accuracy": 1.0})
    assert Ledger.read(tmp_path).trials["search-0002"].state == "FINISHED"


@pytest.mark.parametrize(
    "line",
    [
        b'{"event": "ended", "trial_id": "sea',
        b'{"event": "epoch", "trial_id": "search-0099", "epoch": 1}',
        b'{"trial_id": "search-0000"}',
        b'{"event": "started", "trial_id": "search-0009"}',
        b"[1, 2]",
        b"17",
        b"",
        b"\xff\xfe\x00",
    ],
)
def test_a_damaged_line_is_told_with_its_number(tmp_path, line):
    fill(tmp_path)
    path = tmp_path / "ledger.jsonl"
    lines = path.read_bytes().split(b"\n")
    path.write_bytes(b"\n".join([*lines[:3], line, *lines[3:]]))
    damaged = path.read_bytes()
    with pytest.raises(ValueError, match=r"ledger\.jsonl is damaged in line 4: .*Restore it from a copy\."):
        Ledger.read(tmp_path)
    for _ in range(2):  # and the refusal leaves no lock behind
        with pytest.raises(ValueError, match="damaged in line 4"):
            Ledger.write(tmp_path)
    assert path.read_bytes() == damaged


def test_a_second_writer_is_refused_until_the_first_is_gone(tmp_path):
    code = (
        "import sys, pathlib; from tuning.records.ledger import Ledger, Trial\n"
        "trial = Trial(trial_id='search-0000', phase='search', parameters={}, seed=0, folds=(0,))\n"
        "ledger = Ledger.write(pathlib.Path(sys.argv[1])); ledger.start(trial); print('open', flush=True)\n"
        "sys.stdin.read()"
    )
    other = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    try:
        assert other.stdout.readline() == b"open\n"
        with pytest.raises(StudyBusy, match=rf"already running: process {other.pid} on .* writes .*ledger\.jsonl"):
            Ledger.write(tmp_path)
        assert Ledger.read(tmp_path).trials["search-0000"].state == "RUNNING"  # reading needs no lock
    finally:
        other.send_signal(signal.SIGKILL)
        other.wait(30)
    with Ledger.write(tmp_path) as ledger:
        assert ledger.next_id("search") == "search-0001"


def test_a_resumed_trial_repeats_epochs_without_leaving_them_twice(tmp_path):
    with Ledger.write(tmp_path) as ledger:
        ledger.start(make_trial())
        for epoch in (1, 2, 3):
            ledger.epoch("search-0000", {"epoch": epoch, "val_loss": 1 / epoch})
        ledger.end("search-0000", "INTERRUPTED", error="the driver was stopped")
        ledger.start(dataclasses.replace(ledger.trials["search-0000"]))
        assert (ledger.trials["search-0000"].state, ledger.trials["search-0000"].error) == ("RUNNING", "")
        for epoch in (3, 4):  # from the checkpoint after epoch 2
            ledger.epoch("search-0000", {"epoch": epoch, "val_loss": 2 / epoch})
        ledger.end("search-0000", "FINISHED", {"accuracy": 1.0})
        assert ledger.next_id("search") == "search-0001"
    (trial,) = Ledger.read(tmp_path).trials.values()
    assert [row["epoch"] for row in trial.curve] == [1, 2, 3, 4]
    assert [row["val_loss"] for row in trial.curve] == [1, 1 / 2, 2 / 3, 2 / 4]
    assert trial.state == "FINISHED"


def test_a_ledger_knows_which_parameters_have_an_effect_once_it_was_told(tmp_path):
    given = {"rbg_depth": 0, "shortcut": "linear"}
    effects = {"only_if": {"shortcut": {"rbg_depth": [1, 2]}, "flip": {"augmentation": ["random"]}}}
    with Ledger.write(tmp_path) as ledger:
        ledger.open_study(settings={"epochs": 2})
        assert ledger.effective(given) == given, "an earlier version told nothing"
        ledger.open_study(effects={**effects, "defaults": {"rbg_depth": 2, "augmentation": "none"}})
    told = Ledger.read(tmp_path)
    assert told.effective(given) == {"rbg_depth": 0}
    assert told.effective({"shortcut": "linear", "flip": True}) == {"shortcut": "linear"}


def test_no_trials_are_a_number_of_trials(tmp_path):
    ledger = Ledger.read(tmp_path)
    assert [ledger.search_size(7), ledger.search_size(7, 0), ledger.search_size(7, 3, 0)] == [7, 0, 0]


def test_every_beginning_of_a_study_has_its_own_uid(tmp_path):
    uid = fill(tmp_path / "a").uid
    assert Ledger.read(tmp_path / "a").uid == uid
    assert fill(tmp_path / "b").uid != uid


def test_reading_while_another_thread_writes_sees_whole_events(tmp_path):
    done = threading.Event()
    sizes, troubles = [], []

    def read():
        while not done.is_set() or not sizes:
            try:
                ledger = Ledger.read(tmp_path)
            except Exception as error:
                troubles.append(error)
                return
            sizes.append(len(ledger.events))

    with Ledger.write(tmp_path) as ledger:
        ledger.start(make_trial())
        reader = threading.Thread(target=read)
        reader.start()
        for epoch in range(1, 400):
            ledger.epoch("search-0000", {"epoch": epoch, "words": "x" * 5000})
        done.set()
        reader.join()
    assert not troubles
    assert sizes == sorted(sizes)
    assert len(Ledger.read(tmp_path).events) == 400


def test_threads_that_write_at_once_spoil_no_line(tmp_path):
    with Ledger.write(tmp_path) as ledger:

        def write(number):
            ledger.start(make_trial(number))
            for epoch in range(1, 30):
                ledger.epoch(f"search-{number:04d}", {"epoch": epoch})
            ledger.end(f"search-{number:04d}", "FINISHED")

        threads = [threading.Thread(target=write, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    read = Ledger.read(tmp_path)
    assert len(read.events) == 4 * 31
    assert all(len(trial.curve) == 29 for trial in read.trials.values())


def test_a_full_disk_leaves_no_half_line(tmp_path):
    with Ledger.write(tmp_path) as ledger:
        ledger.start(make_trial())
        size = ledger.path.stat().st_size
        limits = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size + 20, limits[1]))
        try:
            with pytest.raises(OSError, match="File too large"):
                ledger.epoch("search-0000", ROW)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        assert ledger.path.stat().st_size == size
        assert ledger.trials["search-0000"].curve == []
        ledger.epoch("search-0000", ROW)  # room was made
    assert Ledger.read(tmp_path).trials["search-0000"].curve == [ROW]


def test_an_end_is_on_disk_before_it_returns(tmp_path, monkeypatch):
    synced = []
    monkeypatch.setattr(os, "fsync", lambda number: synced.append(os.fstat(number).st_size))
    with Ledger.write(tmp_path) as ledger:
        ledger.start(make_trial())
        ledger.end("search-0000", "FINISHED")
        assert synced == [ledger.path.stat().st_size]


def test_a_line_is_one_event_and_json(tmp_path):
    fill(tmp_path)
    for line in (tmp_path / "ledger.jsonl").read_text().splitlines():
        assert {"event", "time"} <= json.loads(line).keys()
