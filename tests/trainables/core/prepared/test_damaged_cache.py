"""Clips that cannot be used, a cache that is damaged, a disk that is full, and others who write at the same time."""

import dataclasses
import json
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import ROOT
from tests.support.stub_faces import NUM_CLIPS, StubFinder, dataset_of, prepare_stub, write_clips
from tests.support.trees import write_image
from trainables.core.prepared.cache import prepare
from trainables.core.prepared.stored import open_prepared
from trainables.data.core.dataset import DataError, Fold
from trainables.data.core.finding import list_images


def start(root: Path, storage: Path, log: Path, gate: Path) -> subprocess.Popen:
    """Prepares in another process, and returns once that has begun to crop."""
    code = (
        "import sys; from pathlib import Path; from tests.support.stub_faces import prepare_stub\n"
        "root, storage, log, gate = map(Path, sys.argv[1:]); prepare_stub(root, storage, log=log, gate=gate)"
    )
    process = subprocess.Popen([sys.executable, "-c", code, *map(str, (root, storage, log, gate))], cwd=ROOT)
    while not log.exists():
        assert process.poll() is None
        time.sleep(0.02)
    return process


def test_clips_that_cannot_be_used_are_dropped_and_named(root, tmp_path):
    (root / "clip 1" / "0.png").write_bytes(b"")
    for image in list_images(root / "clip 2"):
        write_image(image, np.zeros((40, 40, 3), np.uint8))
    prepared = prepare_stub(root, tmp_path)
    assert prepared.clip_ids == ["clip 0", "clip 3", "clip 4", "clip 5"]
    assert [clip.clip_id for clip in prepared.dropped] == ["clip 1", "clip 2"]
    assert "0.png" in prepared.dropped[0].reason
    assert "no face" in prepared.dropped[1].reason
    assert prepared.folds == [Fold(train=(0, 1), validation=(2,), test=(3,))]
    assert np.array_equal(np.diff(prepared.offsets), [2, 5, 6, 7])


def test_a_fold_that_loses_a_part_and_a_data_set_that_loses_all_clips_are_errors(root, tmp_path):
    (root / "clip 4" / "0.png").write_bytes(b"")
    with pytest.raises(DataError, match="validation part of fold 0"):
        prepare_stub(root, tmp_path / "storage")
    for clip in range(NUM_CLIPS):
        (root / f"clip {clip}" / "0.png").write_bytes(b"")
    with pytest.raises(DataError, match=r"none of 6 clips.*clip 0.*empty"):
        prepare_stub(root, tmp_path / "storage")
    assert not list((tmp_path / "storage" / "prepared").glob("stub*"))


def test_a_class_that_loses_all_its_clips_is_an_error_with_the_first_reason(root, tmp_path):
    for clip in (1, 3, 5):
        (root / f"clip {clip}" / "0.png").write_bytes(b"")
    with pytest.raises(
        DataError, match=r"stub: class 'b' cannot be used: all of its 3 clips were dropped\. Dropped: clip 1: .*empty"
    ):
        prepare_stub(root, tmp_path)


def test_a_class_that_keeps_one_subject_is_an_error_where_the_folds_are_cut_by_subject(root, tmp_path):
    for clip in (1, 3):
        (root / f"clip {clip}" / "0.png").write_bytes(b"")
    published = dataset_of(root)
    assert len(prepare(published, tmp_path, crop_size=32, finder=StubFinder())) == 4
    with pytest.raises(
        DataError,
        match=r"class 'b' .*: 2 of its 3 clips were dropped and one subject is left \(P5\), .*Dropped: clip 1: ",
    ):
        prepare(
            dataclasses.replace(published, name="own", cut_by_subject=True),
            tmp_path,
            crop_size=32,
            finder=StubFinder(),
        )


def test_a_derived_size_that_was_cut_short_is_made_again(root, tmp_path):
    prepared = prepare_stub(root, tmp_path)
    whole = prepared.at_size(16).copy()
    path = prepared.folder / "frames_16.npy"
    path.write_bytes(path.read_bytes()[:500])
    (prepared.folder / "frames_16.npy.dead.tmp").write_bytes(b"x")
    assert np.array_equal(open_prepared(prepared.folder).at_size(16), whole)
    assert not list(prepared.folder.glob("*.tmp"))


@pytest.mark.parametrize("damage", ["frames cut", "frames gone", "index cut", "index empty", "key gone", "clip gone"])
def test_damage_is_told_on_opening_and_fixed_by_preparing(root, tmp_path, damage):
    prepared = prepare_stub(root, tmp_path)
    whole = prepared.frames.copy()
    frames, index = prepared.folder / "frames.npy", prepared.folder / "index.json"
    stored = json.loads(index.read_text())
    if damage == "frames cut":
        frames.write_bytes(frames.read_bytes()[:-100])
    elif damage == "frames gone":
        frames.unlink()
    elif damage == "index cut":
        index.write_text(index.read_text()[:-50])
    elif damage == "index empty":
        index.write_text("")
    elif damage == "key gone":
        index.write_text(json.dumps({key: value for key, value in stored.items() if key != "folds"}))
    else:
        index.write_text(json.dumps({**stored, "clip_ids": stored["clip_ids"][1:]}))
    with pytest.raises(DataError, match=r"damaged.*Run `prepare` again"):
        open_prepared(prepared.folder)
    assert np.array_equal(prepare_stub(root, tmp_path).frames, whole)


def test_a_folder_without_prepared_data_is_told(tmp_path):
    with pytest.raises(DataError, match="no prepared data here"):
        open_prepared(tmp_path)


@pytest.mark.slow
def test_two_at_once_prepare_once(root, tmp_path):
    log, gate = tmp_path / "log", tmp_path / "gate"
    storage = tmp_path / "storage"
    others = [start(root, storage, log, gate), start(root, storage, log, gate)]
    gate.touch()
    prepared = prepare_stub(root, storage, log=log)
    assert [other.wait(60) for other in others] == [0, 0]
    assert log.read_text().count("clip") == NUM_CLIPS
    assert len(open_prepared(prepared.folder)) == NUM_CLIPS


@pytest.mark.slow
def test_what_a_killed_process_left_is_gone_on_with_but_not_what_a_living_one_writes(root, tmp_path):
    log, storage = tmp_path / "log", tmp_path / "storage"
    other = start(root, storage, log, tmp_path / "never")
    assert len(list((storage / "prepared").glob(".*.part"))) == 1
    alone = write_clips(tmp_path / "more")
    (alone / "clip 0" / "1.png").unlink()
    prepare_stub(alone, storage)
    assert len(list((storage / "prepared").glob(".*.part"))) == 1
    other.send_signal(signal.SIGKILL)
    other.wait(60)
    prepare_stub(root, storage)
    assert not list((storage / "prepared").glob(".*.part"))


@pytest.mark.parametrize("step", ["prepare", "at_size"])
def test_a_full_disk_names_the_folder_and_the_bytes_and_leaves_nothing_half_written(root, tmp_path, step):
    prepared = prepare_stub(root, tmp_path / "whole")
    storage = tmp_path / "full"
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (8_000, limits[1]))  # the frames take 82,944 bytes, at 16 px 20,736
    try:
        with pytest.raises(DataError, match=r"no room.*about [\d,]+ bytes are needed") as caught:
            prepare_stub(root, storage) if step == "prepare" else prepared.at_size(16)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    place = storage / "prepared" if step == "prepare" else prepared.folder
    assert str(place) in str(caught.value)
    assert not [path for path in place.iterdir() if "tmp" in path.name or path.name == "frames_16.npy"]
    if step == "prepare":
        assert np.array_equal(prepare_stub(root, storage).frames, prepared.frames)


def test_no_message_ends_twice(root, tmp_path):
    for clip in range(NUM_CLIPS):
        (root / f"clip {clip}" / "0.png").write_bytes(b"")
    with pytest.raises(DataError, match=r"the file is empty \(0 bytes\)\. All are listed in \S+\.$"):
        prepare_stub(root, tmp_path / "storage")
