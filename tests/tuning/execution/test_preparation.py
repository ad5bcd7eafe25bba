"""From a data root to prepared faces: spellings, what is passed over, what was dropped."""

import csv
import dataclasses

import numpy as np
import pytest

from tests.support import trees
from tests.support.builders import prepare_random
from tests.support.stub_faces import StubFinder
from tests.support.trees import write_image
from trainables.core.prepared import cache
from trainables.core.prepared.stored import Dropped
from trainables.data import clip_folder
from trainables.data.core.dataset import DataError
from tuning.execution.preparation import kept_clusters, kept_spelling, prepare_dataset, tell
from tuning.prepare import prepare
from tuning.text.progress import Silent


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    return prepare_random(tmp_path_factory.mktemp("data"), num_subjects=10)


@pytest.fixture
def clips(tmp_path, monkeypatch):
    """Three people, one of them under two spellings; faces are found by a stub."""
    monkeypatch.setattr(cache, "finder_for", lambda faces, cropping: StubFinder())
    clips = [f"{name}/{stem}" for name in ("happy", "sad") for stem in ("Anna_1", "anna_2", "Ben_1", "Cid_1")]
    for shade, clip in enumerate(clips, start=1):
        write_image(tmp_path / "clips" / clip / "1.png", np.full((40, 40, 3), shade, np.uint8))
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


@pytest.mark.parametrize("dataset", ["ck_plus", "clip_folder", "dfew", "oulu_casia", "rml"])
def test_a_data_set_of_links_that_lead_nowhere_says_so(dataset, tmp_path):
    root = getattr(trees, dataset)(tmp_path / "data")
    for path in [path for path in root.rglob("*") if path.is_file() and "EmoLabel" not in str(path)]:
        path.unlink()
        path.symlink_to(tmp_path / "annex" / path.name)
    with pytest.raises(DataError, match=r"links that lead nowhere \("):
        prepare_dataset(dataset, root, tmp_path, Silent())


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


def test_a_study_keeps_the_clusters_that_it_was_begun_with_until_its_data_are_new():
    begun = {"dataset_fingerprint": "0" * 64}
    by_film = begun | {"cluster_by": "column:film"}
    assert [kept_clusters({}, asked) for asked in ("", "faces")] == ["", "faces"]
    assert [kept_clusters(facts, "") for facts in (begun, by_film)] == ["", "column:film"]
    assert kept_clusters(by_film, "column:film") == "column:film"
    by_faces = begun | {"cluster_by": "faces:/a/net.pth"}
    assert kept_clusters(by_faces, "faces:/b/net.pth") == "faces:/b/net.pth", "the weights may have been moved"
    assert [kept_clusters(by_film, asked, new_data=True) for asked in ("", "faces")] == ["column:film", "faces"]
    for facts, was in (
        (begun, "each clip that names nobody counted for itself"),
        (by_film, "--cluster-by column:film"),
    ):
        with pytest.raises(ValueError, match=f"begun with {was}: --cluster-by faces would change its folds"):
            kept_clusters(facts, "faces")


def test_dropped_clips_are_listed_in_a_file_beside_the_faces(prepared):
    path = prepared.folder / "dropped.csv"
    tell(prepared, Silent())
    assert not path.exists()
    tell(dataclasses.replace(prepared, dropped=[Dropped("happy/a, \udce9.mp4", "no face")] * 2), Silent())
    with path.open(newline="", encoding="utf-8") as file:
        assert list(csv.reader(file)) == [["clip", "reason"], *[["happy/a, \\udce9.mp4", "no face"]] * 2]
