"""What the trainer reads: which frames of a clip, and which clips each worker takes."""

import dataclasses

import numpy as np
import pytest
import torch

from tests.support.builders import of_earlier_version
from tests.support.stub_faces import StubFinder, dataset_of, prepare_stub, write_clips
from trainables.core.config import MEAN, STD
from trainables.core.prepared.batches import Clips, batches, frame_positions
from trainables.core.prepared.cache import prepare
from trainables.core.prepared.stored import face_size_of, margin_size
from trainables.core.training.augmentation.augment import to_input


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    folder = tmp_path_factory.mktemp("clips")
    return prepare_stub(write_clips(folder / "data"), folder)  # clips of 2, 3, 4, 5, 6 and 7 frames


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_a_batch_holds_the_frames_of_the_clips_asked_for(prepared):
    clips = Clips(prepared, num_frames=4, image_size=16)
    frames, lengths = clips.batch([5, 0, 2])
    assert (frames.shape, frames.dtype) == ((3, 4, 20, 20, 3), torch.uint8)
    assert (lengths.tolist(), lengths.dtype) == ([4, 2, 4], torch.int64)
    stored = prepared.at_size(20)
    assert np.array_equal(frames[0], stored[20:27][[0, 2, 4, 6]])
    assert np.array_equal(frames[1, :2], stored[0:2])
    assert np.array_equal(frames[2], stored[5:9])
    assert len(clips) == 6
    assert clips.labels.tolist() == [0, 1, 0, 1, 0, 1]


def test_a_short_clip_is_padded_with_zeros(prepared):
    frames, lengths = Clips(prepared, num_frames=8, image_size=16).batch(range(6))
    assert lengths.tolist() == [2, 3, 4, 5, 6, 7]
    stored = prepared.at_size(20)
    for clip, length, start in zip(frames, lengths, prepared.offsets, strict=False):
        assert np.array_equal(clip[:length], stored[start : start + length])
        assert not clip[length:].any()


def test_jitter_follows_its_generator(prepared):
    clips = Clips(prepared, num_frames=3, image_size=16)
    assert torch.equal(clips.batch([4, 5], generator(1))[0], clips.batch([4, 5], generator(1))[0])
    drawn = {clips.batch([5], generator(seed))[0].sum().item() for seed in range(20)}
    assert len(drawn) > 3


def test_evenly_spaced_frames_hold_the_first_and_the_last():
    assert frame_positions(16, 4).tolist() == [0, 5, 10, 15]
    assert frame_positions(3, 4).tolist() == [0, 1, 2]
    assert frame_positions(9, 1).tolist() == [4]


@pytest.mark.parametrize("available", [9, 16, 23])
def test_jitter_takes_one_frame_of_each_segment_in_order(available):
    seen = set()
    for seed in range(200):
        positions = frame_positions(available, 8, generator(seed))
        edges = np.arange(9) * available // 8
        assert (positions >= edges[:-1]).all()
        assert (positions < edges[1:]).all()
        seen |= set(positions.tolist())
    assert seen == set(range(available))


def test_the_margin_is_a_quarter_made_even(prepared):
    assert [margin_size(size) for size in (64, 112, 100, 57)] == [80, 140, 126, 72]
    assert Clips(prepared, num_frames=4, image_size=16).margin_size == 20


@pytest.mark.parametrize(("crop_size", "face_size"), [(160, 128), (60, 48), (280, 224), (640, 512), (20, 16)])
def test_a_stored_size_serves_every_size_up_to_its_face(crop_size, face_size):
    assert face_size_of(crop_size) == face_size
    assert margin_size(face_size) == crop_size
    assert margin_size(face_size + 1) > crop_size


def test_every_face_size_is_served_by_the_crops_that_are_stored_for_it():
    assert all(0 <= face_size_of(margin_size(size)) - size <= 1 for size in range(1, 513))


@pytest.mark.parametrize("crop_size", [160, 280])
def test_a_network_is_shown_the_same_part_of_the_crop_at_every_size(crop_size, tmp_path):
    ramp = np.linspace(0, 255, crop_size)[None, :, None].astype(np.uint8)  # tells where in the crop a column is
    dataset = dataclasses.replace(
        dataset_of(write_clips(tmp_path / "data")), read=lambda sample: iter([np.tile(ramp, (crop_size, 1, 3))])
    )
    prepared = prepare(dataset, tmp_path, crop_size=crop_size, finder=StubFinder(), num_processes=1)
    for size in (64, 112, 47, prepared.face_size):
        frames, _ = Clips(prepared, num_frames=1, image_size=size).batch([0])
        shown = to_input(frames, size)[0, 0, 0].mean(0) * STD[0] + MEAN[0]  # a share of the crop's side for each column
        assert shown[0] == pytest.approx(0.1, abs=1.5 / size)
        assert shown[-1] == pytest.approx(0.9, abs=1.5 / size)


def test_what_an_earlier_version_prepared_is_read_as_far_as_its_crops_go(tmp_path):
    prepared = of_earlier_version(prepare_stub(write_clips(tmp_path / "data"), tmp_path))
    assert (prepared.crop_size, prepared.face_size) == (32, 32)
    clips = Clips(prepared, num_frames=4, image_size=30)
    assert clips.frames is prepared.frames
    with pytest.raises(ValueError, match="33 px, but these faces are prepared for 32 px at most"):
        Clips(prepared, num_frames=4, image_size=33)


def test_impossible_settings_are_refused(prepared):
    with pytest.raises(ValueError, match=r"27 px, but .* for 26 px.*`prepare stub --data-root DIR --face-size 27`"):
        Clips(prepared, num_frames=4, image_size=27)
    with pytest.raises(ValueError, match="num_frames is 0"):
        Clips(prepared, num_frames=0, image_size=16)


@pytest.mark.parametrize("shuffle", [True, False])
def test_every_clip_is_in_one_batch_and_only_the_last_is_smaller(shuffle):
    found = list(batches(range(100, 111), 4, shuffle=generator(5) if shuffle else None))
    assert [len(batch) for batch in found] == [4, 4, 3]
    order = [index for batch in found for index in batch]
    assert sorted(order) == list(range(100, 111))
    assert (order == sorted(order)) != shuffle


def test_the_order_follows_the_generator():
    order = generator(0)
    first, second = (list(batches(range(50), 8, shuffle=order)) for _ in range(2))
    assert first != second
    assert first == list(batches(range(50), 8, shuffle=generator(0)))


def test_an_empty_batch_is_refused():
    with pytest.raises(ValueError, match="batch_size is 0"):
        list(batches(range(4), 0, shuffle=None))


def test_a_group_stays_together_while_groups_are_shuffled():
    subjects = [place % 5 for place in range(20)]
    order = [index for batch in batches(range(20), 4, shuffle=generator(), together=subjects) for index in batch]
    assert sorted(order) == list(range(20))
    runs = [[subjects[index] for index in order[start : start + 4]] for start in range(0, 20, 4)]
    assert all(len(set(run)) == 1 for run in runs)
    assert [run[0] for run in runs] != sorted(run[0] for run in runs)


def test_balanced_batches_have_all_classes_equally_often_and_rare_clips_in_turn():
    classes = [0] * 20 + [1] * 4 + [2] * 6
    taken = list(batches(range(30), 6, shuffle=generator(), balanced=classes))
    assert [len(batch) for batch in taken] == [6] * 5
    for batch in taken:
        labels = [classes[index] for index in batch]
        assert [labels.count(label) for label in range(3)] == [2] * 3
    counts = [sum(batch.count(index) for batch in taken) for index in range(30)]
    assert sorted(counts[20:24]) == [2, 2, 3, 3]
    assert sorted(counts[24:]) == [1, 1, 2, 2, 2, 2]
    assert sorted(counts[:20]) == [0] * 10 + [1] * 10


def test_balanced_batches_follow_the_generator():
    classes = [0] * 7 + [1] * 3
    one, again, other = (list(batches(range(10), 4, shuffle=generator(s), balanced=classes)) for s in (0, 0, 1))
    assert one == again != other
