"""What is left after a withdrawal: who was held out, who may be the same person, and that nobody comes back unnoticed."""

import pytest

from tests.support.builders import prepare_people
from tests.support.stub_faces import StubFinder, dataset_of, write_clips
from trainables.core.prepared import cache
from trainables.core.prepared.remaining import former_data, remaining, twins_of
from trainables.core.prepared.splits import make_splits
from trainables.core.prepared.stored import open_prepared
from trainables.core.prepared.withdrawn import Person, held_in, read_index, take_out
from trainables.data.core.dataset import DataError

CLIP = "happy/Anna_01.mp4"


def held(prepared, name="anna"):
    return held_in(prepared.folder, read_index(prepared.folder), Person(name=name))


def forget(prepared, name="anna"):
    return open_prepared(take_out(held(prepared, name), Person(name=name)))


def named(prepared, indices):
    return [prepared.clip_ids[index] for index in indices]


def test_the_splits_of_before_are_those_of_the_others_now(tmp_path):
    before = prepare_people(tmp_path)
    splits = make_splits(before, salt="task")
    assert remaining(tmp_path, splits) is None
    after = forget(forget(before), "ben")
    prepared, left = remaining(tmp_path, splits)
    assert (prepared.fingerprint, left.fingerprint) == (after.fingerprint, after.fingerprint)
    assert former_data(tmp_path, splits.fingerprint) == after.folder
    stay = set(after.clip_ids)
    assert named(prepared, left.holdout) == [clip for clip in named(before, splits.holdout) if clip in stay]
    for was, now in zip(splits.folds, left.folds, strict=True):
        for part in ("train", "validation", "test"):
            expected = [clip for clip in named(before, getattr(was, part)) if clip in stay]
            assert named(prepared, getattr(now, part)) == expected


def test_who_withdrew_does_not_come_back_with_the_same_data(tmp_path):
    folder = forget(prepare_people(tmp_path)).folder
    with pytest.raises(DataError, match=rf"Somebody who withdrew .* in this data again.*{folder.name}"):
        prepare_people(tmp_path)
    with pytest.raises(DataError, match="in this data again"):
        prepare_people(tmp_path, crop_size=40)
    assert set(prepare_people(tmp_path, ["ben", "cara", "dan", "eve"]).subjects) == {"ben", "cara", "dan", "eve"}


def test_nor_does_he_come_back_cropped_in_another_way(tmp_path, monkeypatch):
    def finder_for(faces, cropping):
        finder = StubFinder()
        finder.settings = {"detector": "stub", "cropping": cropping}
        return finder

    monkeypatch.setattr(cache, "finder_for", finder_for)
    dataset = dataset_of(write_clips(tmp_path / "data"))
    begun = cache.prepare(dataset, tmp_path, crop_size=32, cropping="fixed_box")
    forget(begun, "P0")
    for cropping in ("path", "fixed_box"):
        with pytest.raises(DataError, match="in this data again"):
            cache.prepare(dataset, tmp_path, crop_size=32, cropping=cropping)


def test_the_same_frames_under_another_name_are_found(tmp_path):
    prepared = prepare_people(tmp_path, copies={"sad/ben_02.mp4": CLIP})
    assert twins_of(held(prepared)) == [(CLIP, "sad/ben_02.mp4")]
    (prepared.folder / "frames.npy").write_bytes(b"damaged")
    assert twins_of(held(prepared)) == []
