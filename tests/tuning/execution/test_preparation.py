"""The folds that a study was begun with are those that it goes on with, or it does not go on."""

import csv
import dataclasses

import pytest
from ray import tune

from tests.support.ablation_driver import study_of
from tests.support.builders import prepare_random
from tests.support.stub_faces import StubFinder
from tests.support.trees import write_image
from trainables.core.prepared import cache
from trainables.core.prepared.splits import salt_of
from trainables.core.prepared.stored import Dropped
from trainables.data import clip_folder
from trainables.data.core.dataset import DataError
from trainables.data.core.holdout import held_out
from tuning.execution.preparation import cut, found_again, kept_spelling, prepare_dataset, tell
from tuning.prepare import prepare
from tuning.text.progress import Silent


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    return prepare_random(tmp_path_factory.mktemp("data"), num_subjects=10)


def search_of(**changes):
    return study_of(design=None, parameters={"lr": tune.loguniform(1e-4, 1e-2)}, **changes)


def test_a_search_locks_people_away_by_their_hash_and_an_ablation_nobody(prepared, tmp_path):
    searched, compared = (
        cut(study, prepared, tmp_path / f"{study.design is None}") for study in (search_of(), study_of())
    )
    locked = {prepared.subject_ids[index] for index in searched.holdout}
    salt = salt_of("random", search_of().registered_model)
    assert locked == set(held_out(prepared.subject_ids, prepared.labels.tolist(), salt=salt))
    assert compared.holdout == ()
    assert list(compared.folds) == prepared.folds


def test_what_was_cut_is_found_again(prepared, tmp_path):
    first = cut(search_of(), prepared, tmp_path / "splits.json")
    assert cut(search_of(registered_model="other"), prepared, tmp_path / "splits.json") == first


@pytest.mark.parametrize("folds", ["published", "random_leaky"])
def test_folds_belong_to_the_registered_model_and_not_to_the_seed(prepared, tmp_path, folds):
    first, same, other = (
        cut(search_of(folds=folds, **changes), prepared, tmp_path / f"{number}.json")
        for number, changes in enumerate(({}, {"seed": 9, "name": "again"}, {"registered_model": "other"}))
    )
    assert same == first
    assert other.holdout != first.holdout


def test_folds_of_other_data_are_refused(prepared, tmp_path):
    cut(search_of(), prepared, tmp_path / "splits.json")
    others = dataclasses.replace(prepared, fingerprint="0" * 64)
    with pytest.raises(
        DataError, match=f"begun on other data .fingerprint {prepared.fingerprint[:12]}, now 000000000000"
    ):
        cut(search_of(), others, tmp_path / "splits.json")


@pytest.mark.parametrize(
    ("now", "message"),
    [
        (study_of(), "the published folds and a locked holdout, and is to have the published folds and no holdout now"),
        (search_of(folds="random_leaky"), "is to have folds dealt at random by clip and a locked holdout now"),
    ],
)
def test_a_study_that_asks_for_other_folds_by_now_is_refused(prepared, tmp_path, now, message):
    cut(search_of(), prepared, tmp_path / "splits.json")
    with pytest.raises(ValueError, match=message):
        cut(now, prepared, tmp_path / "splits.json")


@pytest.fixture
def clips(tmp_path, monkeypatch):
    """Three people, one of them under two spellings; faces are found by a stub."""
    monkeypatch.setattr(cache, "finder_for", lambda faces: StubFinder())
    for name in ("happy", "sad"):
        for stem in ("Anna_1", "anna_2", "Ben_1", "Cid_1"):
            write_image(tmp_path / "clips" / name / stem / "1.png")
    return tmp_path / "clips"


def test_spellings_are_one_person_unless_they_are_kept(clips, tmp_path):
    one = prepare_dataset("clip_folder", clips, tmp_path, Silent())
    several = prepare("clip_folder", clips, keep_spelling=True, home=tmp_path)
    assert (len(set(one.subjects)), len(set(several.subjects))) == (3, 4)
    assert one.fingerprint != several.fingerprint


def test_what_is_not_here_is_told_once_of_every_data_set(clips, tmp_path, monkeypatch):
    (clips / "happy" / "Dan_1.mp4").symlink_to(tmp_path / "unmounted" / "Dan_1.mp4")
    (clips / "happy" / "Eve_1.mp4.part").touch()
    told = (
        "not read: 1 link that leads nowhere (happy/Dan_1.mp4)",
        "not read: 1 unfinished download (happy/Eve_1.mp4.part)",
    )
    assert prepare_dataset("clip_folder", clips, tmp_path, Silent()).notes[-2:] == told
    reader = clip_folder.load
    monkeypatch.setattr(clip_folder, "load", lambda root: dataclasses.replace(reader(root), name="other", notes=()))
    assert prepare_dataset("clip_folder", clips, tmp_path, Silent()).notes == told


def test_spellings_of_published_people_are_not_to_be_kept(clips, tmp_path):
    with pytest.raises(ValueError, match=r"ck_plus: its names are taken as they are.*clip_folder"):
        prepare("ck_plus", clips, keep_spelling=True, home=tmp_path)


def test_a_study_keeps_the_spellings_that_it_was_begun_with():
    begun = {"dataset_fingerprint": "0" * 64}
    assert [kept_spelling("clip_folder", {}, asked) for asked in (False, True)] == [False, True]
    assert kept_spelling("clip_folder", begun | {"keep_spelling": True}, False)
    assert not kept_spelling("clip_folder", begun | {"keep_spelling": False}, False)
    assert kept_spelling("clip_folder", begun, False)  # by a version that kept all apart
    with pytest.raises(ValueError, match="begun with several spellings of a name taken for one"):
        kept_spelling("clip_folder", begun | {"keep_spelling": False}, True)


def test_a_study_of_an_earlier_version_goes_on_with_the_faces_that_it_has(clips, tmp_path):
    several = prepare("clip_folder", clips, keep_spelling=True, home=tmp_path)
    facts = {"dataset_fingerprint": several.fingerprint, "data_root": str(clips)}
    found = found_again(facts, clips, tmp_path)
    assert found is not None
    assert found.folder == several.folder
    assert found_again(facts | {"keep_spelling": False}, clips, tmp_path) is None
    assert found_again(facts, tmp_path / "others", tmp_path) is None
    assert found_again(facts, clips, tmp_path / "another home") is None
    clips.rename(tmp_path / "away")
    assert found_again(facts | {"keep_spelling": False}, clips, tmp_path) is not None


def test_dropped_clips_are_listed_in_a_file_beside_the_faces(prepared):
    path = prepared.folder / "dropped.csv"
    tell(prepared, Silent())
    assert not path.exists()
    tell(dataclasses.replace(prepared, dropped=[Dropped("happy/a, \udce9.mp4", "no face")] * 2), Silent())
    with path.open(newline="", encoding="utf-8") as file:
        assert list(csv.reader(file)) == [["clip", "reason"], *[["happy/a, \\udce9.mp4", "no face"]] * 2]
