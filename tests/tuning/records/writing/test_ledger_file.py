"""A ledger that others cut, replace or delete while it is written: nothing is lost, and a second writer is refused."""

import contextlib
import os
import resource
import shutil

import pytest

from tests.support.builders import make_trial
from tuning.load import load
from tuning.records.ledger import Ledger, StudyBusy, StudyVanished
from tuning.records.owner import Owner, is_written, locked, read_owner
from tuning.status import status

CHANGES = {
    "cut in a line": lambda path: os.truncate(path, path.stat().st_size - 5),
    "cut at a line": lambda path: os.truncate(path, path.read_bytes().index(b"\n") + 1),
    "emptied": lambda path: os.truncate(path, 0),
    "deleted": lambda path: path.unlink(),
    "replaced": lambda path: (
        path.with_name("copy").write_bytes(path.read_bytes()[:-9]),
        path.with_name("copy").replace(path),
    ),
    "written to": lambda path: path.write_bytes(path.read_bytes() + b"what?\n"),
    "overwritten": lambda path: path.write_bytes(b"nothing that is a ledger"),
}


@contextlib.contextmanager
def written(folder):
    """A ledger of a few events that is being written, and what it tells."""
    told = []
    with Ledger.write(folder) as ledger:
        ledger.tell = told.append
        ledger.open_study(dataset_fingerprint="one")
        ledger.start(make_trial())
        ledger.epoch("search-0000", {"epoch": 1, "val_loss": 1.0})
        yield ledger, told


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("noticed", ["by the next event", "while nothing happens", "at its end"])
def test_what_others_did_to_a_ledger_is_undone_and_told(tmp_path, change, noticed):
    with written(tmp_path / "smiles") as (ledger, told):
        before = ledger.events.copy()
        CHANGES[change](ledger.path)
        if noticed == "by the next event":
            ledger.epoch("search-0000", {"epoch": 2, "val_loss": 0.5})
            ledger.end("search-0000", "FINISHED")
        elif noticed == "while nothing happens":
            ledger.keep()
            ledger.keep()
            assert Ledger.read(ledger.folder).events == ledger.events
        if noticed != "at its end":
            assert len(told) == 1
            assert "while its study ran, and is written anew, with every event." in told[0]
    read = Ledger.read(ledger.folder)
    assert read.events == ledger.events
    assert read.events[: len(before)] == before
    assert [event["event"] for event in read.events[len(before) :]][:1] == ["mended"]
    assert not list(ledger.folder.glob("*.tmp"))
    kept = {"written to": b"what?\n", "overwritten": b"nothing that is a ledger"}
    if change in kept:
        assert (ledger.folder / "damaged.ledger.jsonl").read_bytes().endswith(kept[change])
    else:
        assert not (ledger.folder / "damaged.ledger.jsonl").exists()


def test_nothing_is_told_of_a_ledger_that_nobody_touched(tmp_path):
    with written(tmp_path) as (ledger, told):
        ledger.keep()
        ledger.end("search-0000", "FINISHED")
    assert told == []
    assert [event["event"] for event in Ledger.read(tmp_path).events] == ["study", "started", "epoch", "ended"]


@pytest.mark.parametrize("change", ["cut in a line", "overwritten"])
def test_a_full_disk_spoils_no_more_than_there_was_and_room_mends_it(tmp_path, change):
    with written(tmp_path) as (ledger, _):
        CHANGES[change](ledger.path)
        limits = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (10, limits[1]))
        try:
            with pytest.raises(OSError, match="File too large"):
                ledger.end("search-0000", "FINISHED")
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        assert not list(tmp_path.glob("*.tmp"))
        ledger.end("search-0000", "FINISHED")
    assert Ledger.read(tmp_path).trials["search-0000"].state == "FINISHED"


def test_a_second_writer_is_refused_though_the_lock_was_deleted(tmp_path):
    with written(tmp_path) as (ledger, _):
        (tmp_path / "ledger.lock").unlink()
        assert is_written(tmp_path)
        with pytest.raises(StudyBusy, match=rf"already running: process {os.getpid()} on "):
            Ledger.write(tmp_path)
        with pytest.raises(ValueError, match="is running"), locked(tmp_path):
            pass
        (tmp_path / "ledger.lock").unlink()
        ledger.keep()
        ledger.path.unlink()  # the new lock is held
        with pytest.raises(StudyBusy):
            Ledger.write(tmp_path)
    assert not is_written(tmp_path)
    with Ledger.write(tmp_path) as again:
        assert again.trials.keys() == {"search-0000"}


@pytest.mark.parametrize("left", [None, b"", b"{"])
def test_the_owner_signs_again_where_its_name_was_deleted_or_cut(tmp_path, left):
    with written(tmp_path) as (ledger, _):
        owner = tmp_path / "ledger.owner"
        owner.unlink() if left is None else owner.write_bytes(left)
        ledger.keep()
        assert read_owner(tmp_path) == Owner.this()


def test_a_folder_that_is_deleted_stops_its_study_and_keeps_its_results(tmp_path):
    with written(tmp_path / "smiles") as (ledger, _):
        shutil.rmtree(ledger.folder)
        ledger.keep()  # whoever looks first
        with pytest.raises(StudyVanished, match=r"smiles was deleted while its study ran\. Its ledger is written anew"):
            ledger.end("search-0000", "FINISHED", {"accuracy": 0.5})
        ledger.note("noted", trial_id="search-0000", words="said once")
        with pytest.raises(StudyBusy):
            Ledger.write(ledger.folder)
    assert Ledger.read(ledger.folder).trials["search-0000"].metrics == {"accuracy": 0.5}


def test_whoever_began_the_study_anew_in_a_deleted_folder_keeps_it(tmp_path):
    folder = tmp_path / "smiles"
    with contextlib.suppress(StudyBusy), written(folder) as (ledger, _):
        shutil.rmtree(folder)
        with Ledger.write(folder) as other:
            other.open_study(dataset_fingerprint="two")
            with pytest.raises(StudyBusy, match="already running"):
                ledger.epoch("search-0000", {"epoch": 2, "val_loss": 0.5})
        with pytest.raises(StudyBusy, match="another study's by now"):
            ledger.end("search-0000", "FINISHED")
    assert Ledger.read(folder).study == {"dataset_fingerprint": "two"}


@pytest.mark.parametrize("change", ["emptied", "deleted", "written to"])
def test_who_reads_meanwhile_is_told_that_it_will_be_mended(tmp_path, change):
    with written(tmp_path / "smiles") as (ledger, _):
        (ledger.folder / "trials").mkdir()
        CHANGES[change](ledger.path)
        for read in (status, load):
            with pytest.raises(ValueError, match=rf"while process {os.getpid()} on .* try again in a moment\.$"):
                read("smiles", home=tmp_path)
    ledger.path.write_bytes(b"what?\n")
    with pytest.raises(ValueError, match=r"Restore it from a copy\.$"):
        Ledger.read(ledger.folder)
