"""Folds are cut once it is known which clips can be used; where too few are left, those that cannot are named."""

import dataclasses

import pytest

from tests.support.stub_faces import NUM_CLIPS, StubFinder, dataset_of
from trainables.core.prepared.cache import prepare
from trainables.core.prepared.kept import MOST_NAMED, naming
from trainables.core.prepared.stored import Dropped
from trainables.data.core.dataset import DataError
from trainables.data.core.folds import subject_folds


def own(root):
    """The six clips as data of one's own: folds cut by subject, one test person each."""
    dataset = dataset_of(root)
    subjects, labels = [sample.subject for sample in dataset.samples], [sample.label for sample in dataset.samples]
    return dataclasses.replace(dataset, folds=subject_folds(subjects, labels, 5, seed=0), cut_by_subject=True)


def damage(root, *clips):
    for clip in clips:
        (root / f"clip {clip}" / "0.png").write_bytes(b"")


def prepared_of(dataset, storage):
    return prepare(dataset, storage, crop_size=32, finder=StubFinder())


def test_folds_by_subject_are_cut_on_the_clips_that_can_be_used(root, tmp_path):
    damage(root, 0)
    prepared = prepared_of(own(root), tmp_path)
    assert prepared.folds == subject_folds(prepared.subjects, prepared.labels.tolist(), 5, seed=0)
    assert all(fold.train and fold.validation and fold.test for fold in prepared.folds)


def test_where_nothing_is_dropped_the_folds_are_the_readers(root, tmp_path):
    dataset = own(root)
    assert prepared_of(dataset, tmp_path).folds == dataset.folds


def test_fewer_people_make_fewer_folds_and_too_few_are_refused_with_what_was_dropped(root, tmp_path):
    damage(root, 0, 1)
    assert len(prepared_of(own(root), tmp_path / "1").folds) == 4
    dataset = own(root)
    for clip in (2, 3, 4, 5):
        dataset.samples[clip] = dataclasses.replace(dataset.samples[clip], subject=("P1", "P2")[clip // 4])
    with pytest.raises(
        DataError, match=r"stub: clips of 2 people can be used; at least 3 .*Dropped: clip 0: .*; clip 1: "
    ) as error:
        prepared_of(dataset, tmp_path / "2")
    listed = str(error.value).rsplit(" ", 1)[1].removesuffix(".")
    with open(listed) as file:
        assert [line.split(",")[0] for line in file] == ["clip", "clip 0", "clip 1"]


def test_a_part_of_a_published_fold_that_is_empty_names_what_was_dropped(root, tmp_path):
    damage(root, 4)
    with pytest.raises(
        DataError,
        match=r"of the 1 clip in the validation part of fold 0 none is left\. Dropped: clip 4: .*All are listed in",
    ):
        prepared_of(dataset_of(root), tmp_path)


def test_ten_are_named_and_the_rest_counted():
    words = naming([Dropped(f"clip {i}", "no face.") for i in range(MOST_NAMED + NUM_CLIPS)])
    assert words.startswith(" Dropped: clip 0: no face; clip 1: no face; ")
    assert words.endswith(f"clip {MOST_NAMED - 1}: no face; and {NUM_CLIPS} more.")
