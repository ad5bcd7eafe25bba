"""The cache of prepared data: found again by content, whole or not there at all."""

import dataclasses
import os
import pickle
import shutil
from collections.abc import Iterable

import cv2
import numpy as np
import pytest

from tests.support.stub_faces import NUM_CLIPS, StubFinder, dataset_of, prepare_stub
from tests.support.trees import write_video
from tests.trainables.data.core import videos
from trainables.core.faces.clip import CroppedClip
from trainables.core.prepared.cache import prepare
from trainables.core.prepared.stored import open_prepared
from trainables.data.core.dataset import Fold
from trainables.data.core.frames import read_frames


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
    assert prepared.weights == (1,) * NUM_CLIPS
    assert [clip["frames_used"] for clip in prepared.told] == [2, 3, 4, 5, 6, 7]
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


@pytest.mark.parametrize(
    "change", ["label", "subject", "weight", "votes", "class", "name", "fold", "crop size", "finder"]
)
def test_the_fingerprint_follows_whatever_decides_the_result(root, tmp_path, change):
    dataset = dataset_of(root)
    before = prepare(dataset, tmp_path, crop_size=32, finder=StubFinder()).fingerprint
    finder, crop_size = StubFinder(), 32
    if change in (others := {"label": 1, "subject": "P9", "weight": 2.0, "votes": (1.0, 2.0)}):
        dataset.samples[0] = dataclasses.replace(dataset.samples[0], **{change: others[change]})
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


def test_a_prepared_data_set_sent_to_another_process_is_opened_there(root, tmp_path):
    prepared = prepare_stub(root, tmp_path)
    sent = pickle.dumps(prepared)
    assert len(sent) < 1000
    assert np.array_equal(pickle.loads(sent).frames, prepared.frames)


@pytest.mark.slow
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
            return dataclasses.replace(clip, other_shares=(0.5,) if len(clip.frames) == 3 else ())

    dataset = dataset_of(root)
    for name, number in (("whole", 0), ("cut", 3)):
        video = write_video(tmp_path / f"{name}.avi", 40)
        dataset.samples[number] = dataclasses.replace(dataset.samples[number], paths=(video,))
    video.write_bytes(video.read_bytes()[: video.stat().st_size // 2])
    dataset = dataclasses.replace(dataset, notes=("from the reader",))
    assert prepare(dataset, tmp_path, crop_size=32, finder=Crowd()).notes == (
        "from the reader",
        "1 clip with more than one face (clip 1: 2 in 100 / 50 % of the frames); the one that is largest and surest over the "
        "frames is kept",
        "1 clip with frames missing (clip 3: 9 of 40 frames, 1 damaged packet); what can be decoded is used",
    )


def test_a_video_whose_name_is_not_utf_8_is_a_clip_like_any_other(root, tmp_path):
    dataset = dataset_of(root)
    path = write_video(tmp_path / "a.avi", 5).rename(tmp_path / os.fsdecode(b"caf\xe9.avi"))
    dataset.samples[0] = dataclasses.replace(dataset.samples[0], clip_id=path.name, paths=(path,))
    prepared = prepare(dataset, tmp_path, crop_size=32, finder=StubFinder())
    assert prepared.clip_ids[0] == path.name
    assert (prepared.offsets[1], prepared.dropped) == (5, [])


def test_a_variable_frame_rate_is_noted(root, tmp_path):
    dataset = dataset_of(root)
    times = [*range(0, 400, 40), *range(400, 1360, 160)]
    path = videos.write(tmp_path / "a.webm", codec="libvpx", times=times)
    dataset.samples[0] = dataclasses.replace(dataset.samples[0], paths=(path,))
    prepared = prepare(dataset, tmp_path, crop_size=32, finder=StubFinder())
    assert prepared.offsets[1] == 31  # 1.2 s at 25 frames a second, and the last
    assert prepared.notes == ("1 clip with a variable frame rate (clip 0); their frames are taken at even times",)
