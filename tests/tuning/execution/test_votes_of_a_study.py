"""A study that was begun before votes were read goes on without them; one that would learn from none is refused."""

import pytest
from ray import tune

from tests.support.ablation_driver import study_of
from tests.support.stub_faces import StubFinder
from tests.trainables.data.test_clips_csv import rows_of, table
from trainables.core.prepared import cache
from trainables.core.prepared.fingerprint import FORMAT_VERSION
from tuning.execution.study_data import data_of
from tuning.text.progress import Silent


@pytest.fixture
def clips(tmp_path, monkeypatch):
    monkeypatch.setattr(cache, "finder_for", lambda faces, cropping: StubFinder())
    return table(tmp_path / "clips", rows_of(**{"votes:sad": lambda n: n + 1}))


def data(root, facts, home, **asked):
    study = study_of(design=None, parameters={"lr": tune.loguniform(1e-4, 1e-2)}, dataset="clips_csv")
    settings = {**study.settings, **asked.pop("settings", {})}
    study = study_of(design=None, parameters=study.parameters, dataset="clips_csv", settings=settings)
    return data_of(study, facts, root, home, Silent(), **asked)


def test_a_study_keeps_to_what_it_was_begun_with(clips, tmp_path):
    new = data(clips, {}, tmp_path)
    assert (new.facts["votes"], new.prepared.votes[0]) == (True, (0, 2)), "the clip before it is black"
    begun = {"data_root": str(clips), "data_format": FORMAT_VERSION, "cropping": "path", "crop_size": 160}
    before = data(clips, begun | {"dataset_fingerprint": "of before"}, tmp_path)
    assert (before.facts["votes"], before.prepared.votes) == (False, ())
    for one in (new, before):
        facts = begun | {"dataset_fingerprint": one.prepared.fingerprint} | one.facts
        assert data(clips, facts, tmp_path).prepared.folder == one.prepared.folder
    grown = data(clips, begun | {"dataset_fingerprint": "of before"}, tmp_path, new_data=True)
    assert grown.prepared.folder == new.prepared.folder


def test_soft_labels_of_data_without_votes_are_refused_before_the_first_trial(clips, tmp_path):
    soft = {"soft_labels": True}
    assert data(clips, {}, tmp_path, settings=soft).prepared.votes
    begun = {"data_root": str(clips), "data_format": FORMAT_VERSION, "dataset_fingerprint": "of before"}
    with pytest.raises(ValueError, match=r"asks for soft_labels, but no votes are known.*--new-data"):
        data(clips, begun, tmp_path, settings=soft)
    plain = table(tmp_path / "plain", rows_of())
    with pytest.raises(ValueError, match="asks for soft_labels"):
        data(plain, {}, tmp_path, settings=soft)
