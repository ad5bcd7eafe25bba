"""A person leaves prepared data whole: frames, index, lists and notes; all others stay as they were, to the last pixel."""

import json

import numpy as np
import pytest
from filelock import FileLock

from tests.support.builders import PEOPLE, prepare_people
from trainables.core.prepared import withdrawn
from trainables.core.prepared.stored import OF_ALL, PER_CLIP, PER_DROPPED, lock_path, open_prepared
from trainables.core.prepared.withdrawn import Person, held_in, only_writer, read_index, take_out, without
from trainables.data.core.dataset import DataError, Fold

ANNA = Person(name="anna")


def held(prepared, person=ANNA):
    return held_in(prepared.folder, read_index(prepared.folder), person)


def changed(prepared, **facts):
    """The prepared folder, whose index says otherwise."""
    path = prepared.folder / "index.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | facts))
    return prepared


def clips_of(prepared):
    return {
        clip: prepared.frames[prepared.offsets[i] : prepared.offsets[i + 1]].tobytes()
        for i, clip in enumerate(prepared.clip_ids)
    }


def test_every_key_of_an_index_is_known(tmp_path):
    """Whoever adds one says in `stored.py` whether it holds something for each clip: nobody could be taken out else."""
    index = read_index(prepare_people(tmp_path).folder)
    assert set(index) <= {*PER_CLIP, *PER_DROPPED, *OF_ALL}
    assert {len(index[key]) for key in PER_CLIP if key in index} == {2 * len(PEOPLE)}
    assert {len(index[key]) for key in PER_DROPPED if key in index} == {2}


def test_the_person_is_gone_and_all_others_are_what_they_were(tmp_path):
    before = prepare_people(
        tmp_path, notes=("1 clip with frames missing (happy/Anna_01.mp4)", "'Anna' and 'ANNA'", "x")
    )
    kept = {clip: frames for clip, frames in clips_of(before).items() if "Anna" not in clip}
    before.at_size(12)
    folder = take_out(held(before), ANNA)
    after = open_prepared(folder)
    assert clips_of(after) == kept
    assert (set(after.subjects), after.labels.tolist()) == (set(PEOPLE[1:]), [0, 1] * 5)
    assert (after.crop_size, after.face_size) == (before.crop_size, before.face_size) == (24, 19)
    assert after.scores.tolist() == [0.9] * 10
    assert len(after.folds) == 3
    for was, now in zip(before.folds, after.folds, strict=True):
        for part in ("train", "validation", "test"):
            names = [before.clip_ids[i] for i in getattr(was, part) if "Anna" not in before.clip_ids[i]]
            assert [after.clip_ids[i] for i in getattr(now, part)] == names
    assert after.notes == ("1 clip with frames missing ((a forgotten clip))", "x")
    assert [clip.clip_id for clip in after.dropped] == ["sad/ben_09.mp4"]
    assert (folder / "dropped.csv").read_text().splitlines()[1].startswith("sad/ben_09.mp4,")
    assert b"nna" not in b"".join(path.read_bytes() for path in folder.glob("*.*") if path.suffix != ".npy")
    assert not before.folder.exists()
    assert after.fingerprint[:12] == folder.name.rpartition("-")[2] != before.fingerprint[:12]
    assert after.at_size(12).shape == (len(after.frames), 12, 12, 3)


def test_what_is_held_is_told_before(tmp_path):
    prepared = prepare_people(tmp_path, ["Anna", "ANNA ", "ben", "annabel", "eve", "finn"])
    found = held(prepared)
    assert found.spellings == ("Anna", "ANNA ")
    assert (found.indices, found.dropped, found.num_clips) == ((0, 1, 2, 3), ("happy/Anna_09.mp4",), 12)
    assert found.num_frames == prepared.offsets[4]
    assert held(prepared, Person(name="ANNA ", keep_spelling=True)).indices == (2, 3)
    assert held(prepared, Person(name="dan")) is None
    assert held(prepared, Person(name="happy")) is None  # a class is nobody


def test_a_clip_that_names_nobody_goes_by_its_id(tmp_path):
    prepared = prepare_people(tmp_path, [None, None, "ben", "cara", "dan", "eve"])
    folder = take_out(held(prepared, one := Person(name="happy/1_01.mp4")), one)
    assert "happy/1_01.mp4" not in open_prepared(folder).clip_ids
    assert "sad/1_02.mp4" in open_prepared(folder).clip_ids
    assert held(open_prepared(folder), Person(name="SAD/1_02.mp4")) is None


def test_where_clips_were_before_is_known_after_others_went(tmp_path):
    prepared = prepare_people(tmp_path)
    ben = Person(name="ben")
    first = open_prepared(take_out(held(prepared), ANNA))
    second = open_prepared(take_out(held(first, ben), ben))
    found = held(second, Person(name="dan"))
    assert found.positions == {prepared.fingerprint: (6, 7), first.fingerprint: (4, 5), second.fingerprint: (2, 3)}


def test_lists_for_each_clip_shrink_and_a_group_that_was_called_by_the_person_gets_another_name(tmp_path):
    prepared = prepare_people(tmp_path, notes=("twins (happy/Anna_01.mp4 (Anna, happy) = sad/ben_02.mp4 (ben, sad))",))
    index = read_index(changed(prepared, groups=["Anna"] * 4 + ["cara"] * 8, keys=list("abcdefghijkl")).folder)
    index["dropped_keys"] = ["x", "y"]
    rest = without(index, ANNA)
    assert rest["groups"] == ["ben"] * 2 + ["cara"] * 8
    assert (rest["keys"], rest["dropped_keys"]) == (list("cdefghijkl"), ["y"])
    assert rest["notes"] == ["twins ((a forgotten clip) = sad/ben_02.mp4 (ben, sad))"]


def test_whom_unusable_clips_alone_name_leaves_the_indices_and_the_fingerprint(tmp_path):
    prepared = prepare_people(tmp_path, PEOPLE[1:])
    assert take_out(held(prepared), ANNA) == prepared.folder
    after = open_prepared(prepared.folder)
    assert (after.fingerprint, after.clip_ids) == (prepared.fingerprint, prepared.clip_ids)
    assert [clip.clip_id for clip in after.dropped] == ["sad/ben_09.mp4"]


@pytest.mark.parametrize("people", [("Anna",), ("Anna", "ben", "cara")])
def test_where_nothing_is_left_to_train_on_the_folder_goes_whole(people, tmp_path):
    """A class without clips, and folds that lost a part."""
    everybody = tuple(range(2 * len(people)))
    parts = (everybody[:2], everybody[2:4], everybody[4:]) if len(people) == 3 else (everybody,) * 3
    prepared = prepare_people(
        tmp_path, people, folds=[Fold(**dict(zip(("test", "train", "validation"), parts, strict=True)))]
    )
    assert take_out(held(prepared), ANNA) is None
    assert not prepared.folder.exists()


@pytest.mark.parametrize(
    ("facts", "named"),
    [({"contents": ["a"] * 12}, "contents"), ({"scores": [0.9]}, "scores"), ({"by": {"a": 1}}, "by")],
)
def test_what_is_not_known_of_an_index_is_refused_and_nothing_changed(facts, named, tmp_path):
    prepared = changed(prepare_people(tmp_path), **facts)
    with pytest.raises(DataError, match=rf"index.json holds {named}, which nobody can be taken out of here"):
        held(prepared)
    assert held(prepared, Person(name="zoe")) is None


def test_an_index_of_an_earlier_version_is_enough(tmp_path):
    index = read_index(prepare_people(tmp_path).folder)
    rest = without({key: index[key] for key in index if key not in ("faces", "notes", "drawn", "faces_found")}, ANNA)
    assert set(rest["subjects"]) == set(PEOPLE[1:])
    assert "faces_found" not in rest


@pytest.mark.parametrize("dies_in", ["_write_anew", "_remove"])
def test_whoever_dies_on_the_way_calls_again(dies_in, tmp_path, monkeypatch):
    prepared = prepare_people(tmp_path)

    def die(*_):
        if dies_in == "_remove":  # half through
            (prepared.folder / "frames.npy").unlink()
        raise KeyboardInterrupt

    found = held(prepared)
    with monkeypatch.context() as patch:
        patch.setattr(withdrawn, dies_in, die)
        with pytest.raises(KeyboardInterrupt):
            take_out(found, ANNA)
    folder = take_out(held(prepared), ANNA)
    assert [path.name for path in (tmp_path / "prepared").glob("[!.]*")] == [folder.name]
    assert set(open_prepared(folder).subjects) == set(PEOPLE[1:])


def test_damaged_frames_are_not_carried_on(tmp_path):
    prepared = prepare_people(tmp_path)
    (prepared.folder / "frames.npy").write_bytes(b"short")
    assert take_out(held(prepared), ANNA) is None
    assert not prepared.folder.exists()


def test_a_full_disk_leaves_all_as_it_was(tmp_path, monkeypatch):
    prepared = prepare_people(tmp_path)
    monkeypatch.setattr(
        withdrawn, "_write_index", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left on device"))
    )
    with pytest.raises(DataError, match="no room for the prepared frames"):
        take_out(held(prepared), ANNA)
    assert np.array_equal(open_prepared(prepared.folder).frames, prepared.frames)
    assert not list((tmp_path / "prepared").glob(".*.tmp"))


def test_one_writes_at_a_time(tmp_path):
    prepared = prepare_people(tmp_path)
    with (
        FileLock(lock_path(prepared.folder)),
        pytest.raises(ValueError, match="Another process writes"),
        only_writer(prepared.folder),
    ):
        pass
    with only_writer(prepared.folder):
        take_out(held(prepared), ANNA)
