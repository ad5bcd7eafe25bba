"""The faces and folds that a study was begun with are those that it goes on with, unless it is to have new ones."""

import dataclasses

import numpy as np
import pytest
from ray import tune

from tests.support.ablation_driver import study_of
from tests.support.builders import prepare_random
from tests.support.stub_faces import StubFinder
from tests.support.trees import write_image
from tests.trainables.data.test_clips_csv import rows_of, table
from trainables.core.prepared import cache
from trainables.core.prepared.fingerprint import FORMAT_VERSION
from trainables.core.prepared.splits import load_splits, salt_of
from trainables.data.core.dataset import DataError
from trainables.data.core.holdout import held_out
from tuning.execution.study_data import cut, data_of
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
    """Four people, one of them under two spellings; faces are found by a stub."""
    monkeypatch.setattr(cache, "finder_for", lambda faces, cropping: StubFinder())
    stems = ("Anna_1", "anna_2", "Ben_1", "Cid_1", "Dan_1")
    for shade, clip in enumerate([f"{name}/{stem}" for name in ("happy", "sad") for stem in stems], start=1):
        write_image(tmp_path / "clips" / clip / "1.png", np.full((40, 40, 3), shade, np.uint8))
    return tmp_path / "clips"


def faces_of(facts, root, home, **asked):
    return data_of(search_of(dataset="clip_folder"), facts, root, home, Silent(), **asked)


def test_a_study_of_an_earlier_version_goes_on_with_the_faces_that_it_has(clips, tmp_path):
    several = prepare("clip_folder", clips, keep_spelling=True, home=tmp_path)
    facts = {"dataset_fingerprint": several.fingerprint, "data_root": str(clips)}
    write_image(clips / "happy" / "Eve_1" / "1.png")
    for earlier in ({}, {"data_format": FORMAT_VERSION - 1}, {"keep_spelling": True}):
        found = faces_of(facts | earlier, clips, tmp_path)
        assert (found.prepared.folder, found.facts) == (several.folder, {}), "it stays one of an earlier version"
        assert found.note.endswith(f"what changed in {clips} since is not looked at.")
    for other in ({"data_format": FORMAT_VERSION}, {"dataset_fingerprint": "0" * 64}):
        found = faces_of(facts | other, clips, tmp_path)
        assert found.prepared.folder != several.folder
        known = {"keep_spelling": True, "votes": False, "data_format": FORMAT_VERSION, "cropping": "fixed_box"}
        assert found.facts == known, "nor has it a size of its own"
    assert faces_of(facts, clips, tmp_path, new_data=True).prepared.folder != several.folder
    clips.rename(tmp_path / "elsewhere")
    moved = faces_of(facts, tmp_path / "elsewhere", tmp_path)
    assert moved.prepared.folder != several.folder
    assert "Without --data-root it goes on" in moved.note


@pytest.fixture
def nameless(tmp_path, monkeypatch):
    """Six films of four clips each, which name nobody."""
    monkeypatch.setattr(cache, "finder_for", lambda faces, cropping: StubFinder())
    for clip in range(24):
        path = tmp_path / "clips" / ("happy", "sad")[clip % 2] / f"film{clip // 4}-{clip}" / "1.png"
        write_image(path, np.full((40, 40, 3), clip + 1, np.uint8))
    return tmp_path / "clips"


def test_clusters_are_remembered_and_stand_for_people_in_folds_and_holdout(nameless, tmp_path):
    found = faces_of({}, nameless, tmp_path, cluster_by=r"pattern:(film\d)")
    prepared = found.prepared
    assert (found.facts["cluster_by"], prepared.units) == (r"pattern:(film\d)", "clusters")
    films = [f"cluster {clip.partition('/')[2].partition('-')[0]}" for clip in prepared.clip_ids]
    assert prepared.subject_ids == prepared.groups == films
    splits = cut(search_of(dataset="clip_folder"), prepared, tmp_path / "splits.json")
    assert {films[i] for i in splits.holdout}.isdisjoint(films[i] for fold in splits.folds for i in fold.train)
    facts = found.facts | {"dataset_fingerprint": prepared.fingerprint, "data_root": str(nameless)}
    assert faces_of(facts, nameless, tmp_path).prepared.folder == prepared.folder, "without being asked again"
    with pytest.raises(ValueError, match="begun with --cluster-by pattern"):
        faces_of(facts, nameless, tmp_path, cluster_by="pattern:(film)")


def test_clips_keep_their_sides_where_they_are_clustered_otherwise(nameless, tmp_path):
    study = search_of(dataset="clip_folder")
    path = tmp_path / study.name / "splits.json"
    path.parent.mkdir()
    first = faces_of({}, nameless, tmp_path, cluster_by=r"pattern:(film\d)").prepared
    before = cut(study, first, path)
    second = faces_of({}, nameless, tmp_path, cluster_by=r"pattern:film\d-(\d+)").prepared
    after = cut(study, second, path, home=tmp_path, new_data=True)
    assert set(after.holdout) == set(before.holdout)


def test_a_study_goes_on_with_the_way_of_cropping_that_it_began_with(clips, tmp_path, monkeypatch):
    used = []

    def finder_for(faces, cropping):
        used.append(cropping)
        return StubFinder()

    monkeypatch.setattr(cache, "finder_for", finder_for)
    new = faces_of({}, clips, tmp_path)
    assert (new.facts["cropping"], used[0]) == ("path", "path")
    begun = {"dataset_fingerprint": new.prepared.fingerprint, "data_root": str(clips), "data_format": FORMAT_VERSION}
    for facts, cropping in ((begun | {"cropping": "path"}, "path"), (begun, "fixed_box")):
        for asked in ({}, {"new_data": True}):
            used.clear()
            assert faces_of(facts, clips, tmp_path, **asked).facts["cropping"] == cropping
            assert used[0] == cropping
    with pytest.raises(DataError, match="a way \\('mesh'\\) that this version does not know"):
        faces_of(begun | {"cropping": "mesh"}, clips, tmp_path)


def test_faces_of_a_folder_that_is_gone_are_found_whatever_their_format(clips, tmp_path):
    before = prepare("clip_folder", clips, home=tmp_path)
    clips.rename(tmp_path / "away")
    facts = {"dataset_fingerprint": before.fingerprint, "data_root": str(clips), "data_format": FORMAT_VERSION}
    found = faces_of(facts, clips, tmp_path)
    assert found.prepared.folder == before.folder
    assert found.note == f"{clips} is not here: the faces that were prepared from it are."


def test_a_drawn_study_of_an_earlier_version_is_not_drawn_again(prepared, tmp_path):
    facts = {"dataset_fingerprint": prepared.fingerprint, "data_root": ""}
    study = search_of(settings={"image_size": 32})
    found = data_of(study, facts, None, prepared.folder.parent.parent, Silent())
    assert (found.prepared.folder, found.note) == (prepared.folder, "")


def test_spellings_stay_as_a_study_was_begun(clips, tmp_path):
    facts = {"dataset_fingerprint": "0" * 64, "data_root": str(clips), "keep_spelling": False}
    with pytest.raises(ValueError, match="begun with several spellings of a name taken for one"):
        faces_of(facts, clips, tmp_path, keep_spelling=True)


# Other data than a study was begun on


@pytest.fixture
def grown(tmp_path):
    """The data of ten people, and of twenty: the first ten among them."""
    return tuple(prepare_random(tmp_path, num_subjects=count) for count in (10, 20))


def sides(splits, prepared):
    return tuple({prepared.subjects[index] for index in part} for part in (splits.holdout, splits.folds[0].train))


def test_who_and_what_is_new_and_gone_is_named(grown, tmp_path):
    before, now = grown
    path = tmp_path / "depths" / "splits.json"
    path.parent.mkdir()
    cut(search_of(), before, path, home=tmp_path)
    with pytest.raises(
        DataError, match=r"New: 20 clips \(happy/P10, .* and 10 more\), 10 people \(P10, P11, .*P19\)\. Give"
    ):
        cut(search_of(), now, path, home=tmp_path)
    cut(search_of(), now, others := tmp_path / "others.json", home=tmp_path)
    with pytest.raises(DataError, match=r"Gone: 20 clips .*, 10 people \(P10, .*--new-data\.$"):
        cut(search_of(), before, others, home=tmp_path)
    same = dataclasses.replace(before, fingerprint="0" * 64)
    with pytest.raises(
        DataError, match="The clips and people are the same by name; their files, labels or folds are not"
    ):
        cut(search_of(), same, path, home=tmp_path)


def test_everybody_keeps_his_side_in_a_new_version_and_newcomers_go_by_their_hash(grown, tmp_path):
    before, now = grown
    path = tmp_path / "splits.json"
    first = cut(search_of(registered_model="other"), before, path)  # by another salt, as by an earlier version
    second = cut(search_of(), now, path, home=tmp_path, new_data=True)
    assert load_splits(path) == second
    assert load_splits(tmp_path / f"splits-{before.fingerprint[:12]}.json") == first
    held, newly = sides(first, before)[0], set(now.subjects) - set(before.subjects)
    assert sides(second, now)[0] & set(before.subjects) == held
    people, labels = now.subject_ids, now.labels.tolist()
    asked = {"salt": salt_of("random", "depths"), "held": held, "free": set(before.subjects) - held}
    assert sides(second, now)[0] == set(held_out(people, labels, **asked))
    third = cut(search_of(), before, path, home=tmp_path, new_data=True)
    assert sides(third, before)[0] == held
    again = cut(search_of(), now, path, home=tmp_path, new_data=True)
    assert sides(again, now)[0] & newly == sides(second, now)[0] & newly, "whoever was away has the side he had"


def test_where_the_former_faces_are_gone_nobody_knows_who_was_held_out(grown, tmp_path):
    before, now = grown
    path = tmp_path / "splits.json"
    first = cut(search_of(), before, path)
    before.folder.rename(tmp_path / "away")
    with pytest.raises(DataError, match=r"cannot go on with new data: the faces .* are gone from the home"):
        cut(search_of(), now, path, home=tmp_path, new_data=True)
    assert load_splits(path) == first
    cut(study_of(), dataclasses.replace(now, fingerprint="0" * 64), whole := tmp_path / "ablation.json")
    assert cut(study_of(), now, whole, home=tmp_path, new_data=True).folds == tuple(now.folds)


# Votes: what was begun without goes on without


@pytest.fixture
def voted(tmp_path, monkeypatch):
    """A table of clips with votes for one class."""
    monkeypatch.setattr(cache, "finder_for", lambda faces, cropping: StubFinder())
    return table(tmp_path / "clips", rows_of(**{"votes:sad": lambda n: n + 1}))


def data(root, facts, home, settings=None, **asked):
    settings = {**study_of().settings, **(settings or {})}
    return data_of(search_of(dataset="clips_csv", settings=settings), facts, root, home, Silent(), **asked)


def test_a_study_keeps_to_what_it_was_begun_with(voted, tmp_path):
    new = data(voted, {}, tmp_path)
    assert (new.facts["votes"], new.prepared.votes[0]) == (True, (0, 2)), "the clip before it is black"
    begun = {"data_root": str(voted), "data_format": FORMAT_VERSION, "cropping": "path", "crop_size": 160}
    before = data(voted, begun | {"dataset_fingerprint": "of before"}, tmp_path)
    assert (before.facts["votes"], before.prepared.votes) == (False, ())
    for one in (new, before):
        facts = begun | {"dataset_fingerprint": one.prepared.fingerprint} | one.facts
        assert data(voted, facts, tmp_path).prepared.folder == one.prepared.folder
    grown = data(voted, begun | {"dataset_fingerprint": "of before"}, tmp_path, new_data=True)
    assert grown.prepared.folder == new.prepared.folder


def test_soft_labels_of_data_without_votes_are_refused_before_the_first_trial(voted, tmp_path):
    soft = {"soft_labels": True}
    assert data(voted, {}, tmp_path, settings=soft).prepared.votes
    begun = {"data_root": str(voted), "data_format": FORMAT_VERSION, "dataset_fingerprint": "of before"}
    with pytest.raises(ValueError, match=r"asks for soft_labels, but no votes are known.*--new-data"):
        data(voted, begun, tmp_path, settings=soft)
    plain = table(tmp_path / "plain", rows_of())
    with pytest.raises(ValueError, match="asks for soft_labels"):
        data(plain, {}, tmp_path, settings=soft)
