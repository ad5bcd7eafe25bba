"""The cache of prepared data: found again by content, whole or not there at all, whatever happens while it is written."""

import dataclasses
import json
import pickle
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.conftest import ROOT
from tests.trainables.data.core.test_frames import write_image, write_video
from trainables.core.prepared.cache import open_prepared, prepare
from trainables.core.prepared.faces import CroppedClip, NoFace
from trainables.data.core.dataset import DataError, Dataset, Fold, Sample
from trainables.data.core.frames import list_folders, list_images, read_frames

NUM_CLIPS = 6


@dataclasses.dataclass
class StubFinder:
    """Takes the whole frame for the face; black frames have none. Notes its calls in `log` and waits for `gate`."""

    log: Path | None = None
    gate: Path | None = None
    settings = {"detector": "stub"}  # noqa: RUF012 (no field: what a finder's crops depend on)

    def crop_clip(self, frames: Iterable[np.ndarray], size: int) -> CroppedClip:
        if self.log is not None:
            with self.log.open("a") as log:
                log.write("clip\n")
        while self.gate is not None and not self.gate.exists():
            time.sleep(0.01)
        crops = np.stack([cv2.resize(frame, (size, size)) for frame in frames])
        if crops.max() == 0:
            raise NoFace("no face in any frame")
        return CroppedClip(crops, len(crops), 1, 0.9)


def write_clips(root: Path) -> Path:
    """Six clips of 2 to 7 noisy frames, a person each."""
    rng = np.random.default_rng(0)
    for clip in range(NUM_CLIPS):
        for frame in range(clip + 2):
            write_image(root / f"clip {clip}" / f"{frame}.png", rng.integers(1, 256, (40, 40, 3), np.uint8))
    return root


def dataset_of(root: Path) -> Dataset:
    samples = [
        Sample(clip_id=folder.name, label=i % 2, subject=f"P{i}", paths=tuple(list_images(folder)))
        for i, folder in enumerate(list_folders(root))
    ]
    folds = [Fold(train=(0, 1, 2, 3), validation=(4,), test=(5,))]
    return Dataset(name="stub", classes=("a", "b"), samples=samples, folds=folds, read=read_frames)


def prepare_stub(root: Path, storage: Path, **finder: Path):
    return prepare(dataset_of(root), storage, crop_size=32, finder=StubFinder(**finder))


def start(root: Path, storage: Path, log: Path, gate: Path) -> subprocess.Popen:
    """Prepares in another process, and returns once that has begun to crop."""
    code = (
        "import sys; from pathlib import Path; from tests.trainables.core.prepared.test_cache import prepare_stub\n"
        "root, storage, log, gate = map(Path, sys.argv[1:]); prepare_stub(root, storage, log=log, gate=gate)"
    )
    process = subprocess.Popen([sys.executable, "-c", code, *map(str, (root, storage, log, gate))], cwd=ROOT)
    while not log.exists():
        assert process.poll() is None
        time.sleep(0.02)
    return process


@pytest.fixture
def root(tmp_path) -> Path:
    return write_clips(tmp_path / "data")


def test_all_that_is_known_about_the_clips_is_there(root, tmp_path):
    told = []
    dataset = dataset_of(root)
    prepared = prepare(
        dataset, tmp_path, crop_size=32, finder=StubFinder(), on_progress=lambda done, of: told.append((done, of))
    )
    assert told == [(i + 1, NUM_CLIPS) for i in range(NUM_CLIPS)]
    assert len(prepared) == NUM_CLIPS
    assert (prepared.name, prepared.classes, prepared.folds) == ("stub", ("a", "b"), dataset.folds)
    assert prepared.clip_ids[3] == "clip 3"
    assert prepared.subjects == [f"P{i}" for i in range(NUM_CLIPS)]
    assert (prepared.labels.tolist(), prepared.labels.dtype) == ([0, 1, 0, 1, 0, 1], np.int64)
    assert (prepared.offsets.tolist(), prepared.offsets.dtype) == ([0, 2, 5, 9, 14, 20, 27], np.int64)
    assert prepared.faces_found.tolist() == [2, 3, 4, 5, 6, 7]
    assert prepared.scores == pytest.approx(0.9)
    assert isinstance(prepared.frames, np.memmap)
    first = next(read_frames(dataset.samples[2]))
    assert np.array_equal(prepared.frames[5], cv2.resize(first, (32, 32)))
    assert prepared.folder == tmp_path / "prepared" / f"stub-{prepared.fingerprint[:12]}"


def test_a_second_prepare_finds_the_first(root, tmp_path):
    first = prepare_stub(root, tmp_path)
    again = prepare_stub(root, tmp_path, log=tmp_path / "log")
    assert again.folder == first.folder
    assert not (tmp_path / "log").exists()


def test_the_fingerprint_follows_the_content_and_not_the_path(root, tmp_path):
    fingerprint = prepare_stub(root, tmp_path / "1").fingerprint
    shutil.copytree(root, tmp_path / "elsewhere" / "data")
    assert prepare_stub(tmp_path / "elsewhere" / "data", tmp_path / "2").fingerprint == fingerprint
    image = root / "clip 0" / "1.png"
    content = bytearray(image.read_bytes())
    content[len(content) // 2] ^= 1
    image.write_bytes(content)
    assert prepare_stub(root, tmp_path / "3").fingerprint != fingerprint


@pytest.mark.parametrize("change", ["label", "subject", "class", "name", "fold", "crop size", "finder"])
def test_the_fingerprint_follows_whatever_decides_the_result(root, tmp_path, change):
    dataset = dataset_of(root)
    before = prepare(dataset, tmp_path, crop_size=32, finder=StubFinder()).fingerprint
    finder, crop_size = StubFinder(), 32
    if change in ("label", "subject"):
        dataset.samples[0] = dataclasses.replace(dataset.samples[0], **{change: {"label": 1, "subject": "P9"}[change]})
    elif change == "class":
        dataset = dataclasses.replace(dataset, classes=("a", "c"))
    elif change == "name":
        dataset = dataclasses.replace(dataset, name="other")
    elif change == "fold":
        dataset.folds[0] = Fold(train=(0, 1, 2, 4), validation=(3,), test=(5,))
    elif change == "crop size":
        crop_size = 24
    else:
        finder.settings = {"detector": "another"}
    assert prepare(dataset, tmp_path, crop_size=crop_size, finder=finder).fingerprint != before


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
    assert not [path for path in (tmp_path / "storage" / "prepared").iterdir() if path.suffix != ".lock"]


def test_a_class_that_loses_all_its_clips_is_an_error_with_the_first_reason(root, tmp_path):
    for clip in (1, 3, 5):
        (root / f"clip {clip}" / "0.png").write_bytes(b"")
    with pytest.raises(
        DataError, match=r"stub: class 'b' cannot be used: all of its 3 clips were dropped\. The first: clip 1: .*empty"
    ):
        prepare_stub(root, tmp_path)


def test_a_class_that_keeps_one_subject_is_an_error_where_the_folds_are_cut_by_subject(root, tmp_path):
    for clip in (1, 3):
        (root / f"clip {clip}" / "0.png").write_bytes(b"")
    published = dataset_of(root)
    assert len(prepare(published, tmp_path, crop_size=32, finder=StubFinder())) == 4
    with pytest.raises(
        DataError,
        match=r"class 'b' .*: 2 of its 3 clips were dropped and one subject is left \(P5\), .*The first: clip 1: ",
    ):
        prepare(
            dataclasses.replace(published, name="own", cut_by_subject=True),
            tmp_path,
            crop_size=32,
            finder=StubFinder(),
        )


def test_frames_at_another_size_are_made_once_and_shared(root, tmp_path):
    prepared = prepare_stub(root, tmp_path)
    small = prepared.at_size(16)
    assert small.shape == (27, 16, 16, 3)
    assert np.array_equal(small[3], cv2.resize(prepared.frames[3], (16, 16), interpolation=cv2.INTER_AREA))
    made = (prepared.folder / "frames_16.npy").stat().st_ino
    assert np.array_equal(open_prepared(prepared.folder).at_size(16), small)
    assert (prepared.folder / "frames_16.npy").stat().st_ino == made
    assert prepared.at_size(32) is prepared.frames
    assert prepared.at_size(100) is prepared.frames


def test_a_derived_size_that_was_cut_short_is_made_again(root, tmp_path):
    prepared = prepare_stub(root, tmp_path)
    whole = prepared.at_size(16).copy()
    path = prepared.folder / "frames_16.npy"
    path.write_bytes(path.read_bytes()[:500])
    (prepared.folder / "frames_16.npy.dead.tmp").write_bytes(b"x")
    assert np.array_equal(open_prepared(prepared.folder).at_size(16), whole)
    assert not list(prepared.folder.glob("*.tmp"))


@pytest.mark.parametrize("damage", ["frames cut", "frames gone", "index cut", "index empty", "key gone", "clip gone"])
def test_damage_is_told_on_opening_and_mended_by_preparing(root, tmp_path, damage):
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


def test_two_at_once_prepare_once(root, tmp_path):
    log, gate = tmp_path / "log", tmp_path / "gate"
    storage = tmp_path / "storage"
    others = [start(root, storage, log, gate), start(root, storage, log, gate)]
    gate.touch()
    prepared = prepare_stub(root, storage, log=log)
    assert [other.wait(60) for other in others] == [0, 0]
    assert log.read_text().count("clip") == NUM_CLIPS
    assert len(open_prepared(prepared.folder)) == NUM_CLIPS


def test_what_a_killed_process_left_is_cleaned_but_not_what_a_living_one_writes(root, tmp_path):
    log, storage = tmp_path / "log", tmp_path / "storage"
    other = start(root, storage, log, tmp_path / "never")
    assert len(list((storage / "prepared").glob(".*.tmp"))) == 1
    alone = write_clips(tmp_path / "more")
    (alone / "clip 0" / "1.png").unlink()
    prepare_stub(alone, storage)
    assert len(list((storage / "prepared").glob(".*.tmp"))) == 1
    other.send_signal(signal.SIGKILL)
    other.wait(60)
    prepare_stub(root, storage)
    assert not list((storage / "prepared").glob(".*.tmp"))


@pytest.mark.parametrize("step", ["prepare", "at_size"])
def test_a_full_disk_names_the_folder_and_the_bytes_and_leaves_nothing(root, tmp_path, step):
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


def test_a_prepared_data_set_sent_to_another_process_is_opened_there(root, tmp_path):
    prepared = prepare_stub(root, tmp_path)
    sent = pickle.dumps(prepared)
    assert len(sent) < 1000
    assert np.array_equal(pickle.loads(sent).frames, prepared.frames)


def test_the_number_of_processes_does_not_change_the_result(root, tmp_path):
    (root / "clip 1" / "0.png").write_bytes(b"")
    one = prepare(dataset_of(root), tmp_path / "1", crop_size=32, finder=StubFinder(), num_processes=1)
    two = prepare(dataset_of(root), tmp_path / "2", crop_size=32, finder=StubFinder(), num_processes=2)
    assert np.array_equal(one.frames, two.frames)
    assert (one.clip_ids, one.fingerprint) == (two.clip_ids, two.fingerprint)
    assert [clip.clip_id for clip in two.dropped] == ["clip 1"]


def test_what_the_clips_showed_is_noted(root, tmp_path):
    """One clip shows two faces, one video stops early, one is whole."""

    class Crowd(StubFinder):
        def crop_clip(self, frames: Iterable[np.ndarray], size: int) -> CroppedClip:
            clip = super().crop_clip(frames, size)
            return dataclasses.replace(clip, num_faces=2 if len(clip.frames) == 3 else 1)

    dataset = dataset_of(root)
    for name, number in (("whole", 0), ("cut", 3)):
        video = write_video(tmp_path / f"{name}.avi", 40)
        dataset.samples[number] = dataclasses.replace(dataset.samples[number], paths=(video,))
    video.write_bytes(video.read_bytes()[: video.stat().st_size // 2])
    dataset = dataclasses.replace(dataset, notes=("from the reader",))
    assert prepare(dataset, tmp_path, crop_size=32, finder=Crowd()).notes == (
        "from the reader",
        "1 clip with more than one face (clip 1); the one that is largest and surest over the frames is followed",
        "1 clip with an early end: fewer frames can be decoded than the file announces (clip 3); what can be decoded is used",
    )


def test_no_sentence_ends_twice(root, tmp_path):
    for clip in range(NUM_CLIPS):
        (root / f"clip {clip}" / "0.png").write_bytes(b"")
    with pytest.raises(DataError, match=r"the file is empty \(0 bytes\)\.$"):
        prepare_stub(root, tmp_path / "storage")
