"""A preparation that is interrupted goes on where it was, and what was prepared before is not read again."""

import dataclasses
import json
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from tests.conftest import ROOT
from tests.support.stub_faces import NUM_CLIPS, StubFinder, dataset_of, prepare_stub, write_clips
from trainables.core.prepared.cache import prepare
from trainables.core.prepared.cropping import KILLED, cropped_clips
from trainables.core.prepared.draft import open_draft
from trainables.core.prepared.stored import Dropped

WHOLE = ("frames.npy", "index.json")


class Enough(Exception):
    pass


def interrupted_at(clip, dataset, storage, log):
    def on_progress(done, total):
        if done == clip:
            raise Enough

    with pytest.raises(Enough):
        prepare(dataset, storage, crop_size=32, finder=StubFinder(log=log), on_progress=on_progress)


def files_of(prepared):
    return [(prepared.folder / name).read_bytes() for name in WHOLE]


def num_calls(log):
    return len(log.read_text().splitlines())


def test_it_goes_on_where_it_was_and_ends_as_if_nothing_had_been(root, tmp_path):
    (root / "clip 1" / "0.png").write_bytes(b"")
    dataset, log, told = dataset_of(root), tmp_path / "log", []
    whole = prepare(dataset, tmp_path / "whole", crop_size=32, finder=StubFinder())
    interrupted_at(4, dataset, tmp_path / "cut", log)
    before, words = num_calls(log), []
    found = prepare(
        dataset,
        tmp_path / "cut",
        crop_size=32,
        finder=StubFinder(log=log),
        on_progress=lambda done, total: told.append(done),
        tell=words.append,
    )
    assert files_of(found) == files_of(whole)
    assert num_calls(log) - before == NUM_CLIPS - 4
    assert told == [4, 5, 6]
    assert words == ["4 of 6 clips were prepared before."]
    assert sorted(path.name for path in found.folder.iterdir()) == sorted(WHOLE)


@pytest.mark.slow
def test_a_killed_one_loses_what_it_did_last_at_most(root, tmp_path):
    log, gate = tmp_path / "log", tmp_path / "gate"
    code = (
        "import sys, time; from pathlib import Path; from tests.support.stub_faces import StubFinder, dataset_of\n"
        "from trainables.core.prepared import draft; from trainables.core.prepared.cache import prepare\n"
        "draft.SYNCED_EVERY_S = 0\n"
        "root, storage, log = map(Path, sys.argv[1:])\n"
        "prepare(dataset_of(root), storage, crop_size=32, finder=StubFinder(log=log), num_processes=1,\n"
        "        on_progress=lambda done, total: time.sleep(600 * (done == 3)))"
    )
    process = subprocess.Popen([sys.executable, "-c", code, *map(str, (root, tmp_path / "cut", log))], cwd=ROOT)
    deadline = time.monotonic() + 60
    while not (log.exists() and num_calls(log) == 3 and not gate.exists()):
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.05)
    time.sleep(0.3)
    process.send_signal(signal.SIGKILL)
    process.wait(60)
    found = prepare_stub(root, tmp_path / "cut", log=log)
    assert num_calls(log) == NUM_CLIPS
    assert files_of(found) == files_of(prepare_stub(root, tmp_path / "whole"))


def test_half_a_row_and_frames_that_no_row_tells_of_are_cut_off(root, tmp_path):
    dataset, log = dataset_of(root), tmp_path / "log"
    interrupted_at(3, dataset, tmp_path / "cut", log)
    (draft,) = (tmp_path / "cut" / "prepared").glob(".*.part")
    with (draft / "journal.jsonl").open("ab") as journal:
        journal.write(b'{"key": "x", "fra')
    with (draft / "frames.npy").open("ab") as frames:
        frames.write(b"half a frame")
    assert files_of(prepare_stub(root, tmp_path / "cut")) == files_of(prepare_stub(root, tmp_path / "whole"))


def test_a_row_whose_frames_are_not_there_is_done_again(tmp_path):
    row = {"key": "a", "frames": 2}
    with open_draft(tmp_path / "draft", 8, ["a", "b"]) as draft:
        draft.add(row, np.ones((2, 8, 8, 3), np.uint8))
        draft.add({"key": "b", "frames": 3}, np.ones((3, 8, 8, 3), np.uint8))
    frames = tmp_path / "draft" / "frames.npy"
    frames.write_bytes(frames.read_bytes()[:-200])
    with open_draft(tmp_path / "draft", 8, ["a", "b"]) as draft:
        assert draft.rows == [row]
    assert len((tmp_path / "draft" / "journal.jsonl").read_text().splitlines()) == 1


@pytest.mark.parametrize("size", [16, 64])
def test_the_work_of_another_preparation_is_left_as_it_is(root, tmp_path, size):
    dataset, log = dataset_of(root), tmp_path / "log"
    interrupted_at(3, dataset, tmp_path / "cut", log)
    (draft,) = (tmp_path / "cut" / "prepared").glob(".*.part")
    with (draft / "journal.jsonl").open("ab") as journal:
        journal.write(b'{"key": "in work')
    before = {path.name: path.read_bytes() for path in draft.iterdir()}
    prepare(dataset, tmp_path / "cut", crop_size=size, finder=StubFinder())
    assert {path.name: path.read_bytes() for path in draft.iterdir()} == before
    assert files_of(prepare_stub(root, tmp_path / "cut")) == files_of(prepare_stub(root, tmp_path / "whole"))


def test_rows_of_other_clips_are_not_gone_on_with(tmp_path):
    with open_draft(tmp_path / "draft", 8, ["a", "b"]) as draft:
        for key in ("a", "b"):
            draft.add({"key": key, "frames": 1}, np.ones((1, 8, 8, 3), np.uint8))
    with open_draft(tmp_path / "draft", 8, ["a", "c"]) as draft:
        assert [row["key"] for row in draft.rows] == ["a"]


def test_crops_that_changed_on_the_disk_are_not_copied(root, tmp_path):
    prepared, log = prepare_stub(root, tmp_path / "grown"), tmp_path / "log"
    with (prepared.folder / "frames.npy").open("r+b") as file:
        file.seek(-5, 2)
        file.write(b"x")
    dataset = dataclasses.replace(dataset_of(root), classes=("a", "other"))
    found = prepare(dataset, tmp_path / "grown", crop_size=32, finder=StubFinder(log=log))
    assert files_of(found) == files_of(prepare(dataset, tmp_path / "whole", crop_size=32, finder=StubFinder()))
    assert num_calls(log) == 1


def test_a_clip_whose_process_was_killed_is_tried_again_in_other_data(root, tmp_path):
    def crop(dataset, finder, size):
        for sample, outcome in zip(dataset.samples, cropped_clips(dataset, finder, size), strict=True):
            yield Dropped(sample.clip_id, KILLED) if sample.clip_id == "clip 1" else outcome

    dataset = dataset_of(root)
    first = prepare(dataset, tmp_path, crop_size=32, finder=StubFinder(), crop=crop)
    assert [clip.reason for clip in first.dropped] == [KILLED]
    again = dataclasses.replace(dataset, classes=("a", "other"))
    assert len(prepare(again, tmp_path, crop_size=32, finder=StubFinder())) == NUM_CLIPS


def test_of_grown_data_what_is_new_is_read_and_nothing_else(root, tmp_path):
    more = write_clips(tmp_path / "more")
    for clip in (4, 5):
        shutil.rmtree(root / f"clip {clip}")
    dataset, log, words = dataset_of(root), tmp_path / "log", []
    dataset.folds[:] = [type(dataset_of(more).folds[0])(train=(0, 1), validation=(2,), test=(3,))]
    prepare(dataset, tmp_path / "grown", crop_size=32, finder=StubFinder())
    found = prepare(dataset_of(more), tmp_path / "grown", crop_size=32, finder=StubFinder(log=log), tell=words.append)
    assert num_calls(log) == 2
    assert words == ["4 of 6 clips were prepared before."]
    assert files_of(found) == files_of(prepare_stub(more, tmp_path / "whole"))


def test_what_an_interrupted_one_did_serves_changed_data_and_then_goes(root, tmp_path):
    log = tmp_path / "log"
    interrupted_at(3, dataset_of(root), tmp_path / "home", log)
    (root / "clip 5" / "0.png").write_bytes(b"")
    with pytest.raises(ValueError, match="Dropped: clip 5"):
        prepare_stub(root, tmp_path / "home", log=log)
    assert num_calls(log) == NUM_CLIPS
    shutil.rmtree(root / "clip 5")
    shutil.copytree(root / "clip 0", root / "clip 5")
    prepare_stub(root, tmp_path / "home", log=log)
    assert num_calls(log) == NUM_CLIPS + 1
    left = list((tmp_path / "home" / "prepared").glob(".*.part"))
    assert len(left) == 1, "of two: one has a clip that was not taken over"


def test_frames_that_changed_on_the_disk_are_made_again_where_all_is_to_be_verified(root, tmp_path):
    prepared, words = prepare_stub(root, tmp_path), []
    whole = files_of(prepared)
    with (prepared.folder / "frames.npy").open("r+b") as file:
        file.seek(-5, 2)
        file.write(b"x")
    assert prepare_stub(root, tmp_path).folder == prepared.folder
    assert files_of(prepared) != whole
    found = prepare(dataset_of(root), tmp_path, crop_size=32, finder=StubFinder(), verify=True, tell=words.append)
    assert files_of(found) == whole
    assert words == [f"{found.folder}: the frames of 1 clip are not what was written: made again."]


def test_the_index_says_how_it_was_made(root, tmp_path):
    index = json.loads((prepare_stub(root, tmp_path).folder / "index.json").read_text())
    assert index["version"] == 2
    assert [len(index[key]) for key in ("keys", "hashes", "told", "groups")] == [NUM_CLIPS] * 4
