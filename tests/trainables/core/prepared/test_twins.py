"""The same bytes under two names are told, and never lie on both sides of a split."""

import dataclasses
import shutil

import pytest

from tests.support.stub_faces import NUM_CLIPS, StubFinder, dataset_of
from trainables.core.prepared.cache import prepare
from trainables.core.prepared.twins import groups_of
from trainables.data.core.dataset import DataError, Fold
from trainables.data.core.folds import subject_folds


def prepared_of(dataset, storage):
    return prepare(dataset, storage, crop_size=32, finder=StubFinder())


def copy_of(root, source, target):
    shutil.rmtree(root / f"clip {target}")
    shutil.copytree(root / f"clip {source}", root / f"clip {target}")


def test_two_people_with_one_clip_are_told_and_lie_on_one_side(root, tmp_path):
    copy_of(root, 0, 4)
    dataset = dataset_of(root)
    subjects, labels = [sample.subject for sample in dataset.samples], [sample.label for sample in dataset.samples]
    dataset = dataclasses.replace(dataset, folds=subject_folds(subjects, labels, 5, seed=0), cut_by_subject=True)
    prepared = prepared_of(dataset, tmp_path)
    assert prepared.notes == (
        "1 time the same clip under several people, byte for byte (clip 0 (P0, a) = clip 4 (P4, a)); they count as one "
        "person, on one side of every split",
    )
    assert prepared.groups == ["P0", "P1", "P2", "P3", "P0", "P5"]
    assert prepared.subjects[4] == "P4"
    for fold in prepared.folds:
        sides = [part for part in (fold.train, fold.validation, fold.test) if {0, 4} & set(part)]
        assert len(sides) == 1


def test_of_published_folds_what_is_tested_stays_and_its_twin_leaves_the_rest(root, tmp_path):
    copy_of(root, 0, 5)
    prepared = prepared_of(dataset_of(root), tmp_path)  # clip 5 is tested, clip 0 in train
    assert prepared.folds == [Fold(train=(1, 2, 3), validation=(4,), test=(5,))]
    assert prepared.notes[-1] == (
        "1 clip taken out of a part of the published folds: the same people are in one that comes later"
    )


def test_where_nearly_all_clips_are_the_same_the_folds_stay_and_that_is_told(root, tmp_path):
    for clip in range(1, NUM_CLIPS):
        copy_of(root, 0, clip)
    dataset = dataset_of(root)
    prepared = prepared_of(dataset, tmp_path)
    assert (prepared.folds, prepared.groups) == (dataset.folds, prepared.subjects)
    assert "(clip 0 (P0, a) = clip 1 (P1, b) = clip 2 (P2, a) = 3 more)" in prepared.notes[0]
    assert "WHAT IS TESTED MAY HAVE BEEN TRAINED ON" in prepared.notes[0]
    nameless = dataclasses.replace(dataset, samples=[dataclasses.replace(one, subject=None) for one in dataset.samples])
    (note,) = prepared_of(nameless, tmp_path).notes
    assert "WHAT IS TESTED MAY HAVE BEEN TRAINED ON" in note


def test_where_folds_are_cut_here_too_few_people_are_refused_whatever_the_rest_is(root, tmp_path):
    copy_of(root, 1, 3)
    dataset = dataset_of(root)
    dataset.samples[5] = dataclasses.replace(dataset.samples[5], label=0)
    folds = subject_folds([one.subject for one in dataset.samples], [0, 1, 0, 1, 0, 0], 5, seed=0)
    with pytest.raises(
        DataError, match=r"one subject only.*1 time the same clip under several people.*clip 1 .*= clip 3"
    ):
        prepared_of(dataclasses.replace(dataset, folds=folds, cut_by_subject=True), tmp_path)


def test_two_classes_with_one_clip_are_told(root, tmp_path):
    copy_of(root, 0, 1)
    dataset = dataset_of(root)
    dataset.samples[1] = dataclasses.replace(dataset.samples[1], subject="P0")
    assert prepared_of(dataset, tmp_path).notes == (
        "1 time the same clip under several classes, byte for byte (clip 0 (P0, a) = clip 1 (P0, b)); one of them is wrong",
    )


def test_the_rows_of_one_table_are_no_twins(root, tmp_path):
    table = root / "clip 0" / "0.png"
    dataset = dataset_of(root)
    dataset = dataclasses.replace(
        dataset, samples=[dataclasses.replace(one, paths=(table,)) for one in dataset.samples]
    )
    prepared = prepared_of(dataset, tmp_path)
    assert (len(prepared), prepared.notes, len(set(prepared.groups))) == (NUM_CLIPS, (), NUM_CLIPS)


@pytest.mark.parametrize(
    ("twins", "groups"),
    [
        ([], ["a", "b", "c2", "c10"]),
        ([(2, 3)], ["a", "b", "c2", "c2"]),
        ([(3, 1), (2, 3)], ["a", "b", "b", "b"]),
        ([(0, 1), (2, 3), (1, 2)], ["a", "a", "a", "a"]),
    ],
)
def test_people_whom_twins_connect_are_one_group_called_by_the_first(twins, groups):
    assert groups_of(["a", "b", "c2", "c10"], twins) == groups
