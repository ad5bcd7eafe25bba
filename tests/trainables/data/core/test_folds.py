"""Folds are cut by subject."""

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trainables.data.core.dataset import DataError, Fold, require_disjoint
from trainables.data.core.folds import subject_folds, without_subjects
from trainables.data.core.holdout import held_out

SUBJECTS = [f"P{i:02d}" for i in range(20) for _ in range(4)]
LABELS = [label for _ in range(20) for label in range(4)]


def test_every_clip_is_tested_and_validated_once_and_parts_share_nobody():
    folds = subject_folds(SUBJECTS, LABELS, 5, seed=0)
    assert sorted(index for fold in folds for index in fold.test) == list(range(80))
    assert sorted(index for fold in folds for index in fold.validation) == list(range(80))
    for k, fold in enumerate(folds):
        assert fold.validation == folds[(k + 1) % 5].test
        assert sorted((*fold.train, *fold.validation, *fold.test)) == list(range(80))
        require_disjoint(fold, SUBJECTS, number=0)


def test_folds_are_stratified_by_label():
    for fold in subject_folds(SUBJECTS, LABELS, 5, seed=3):
        assert set(Counter(LABELS[index] for index in fold.test).values()) == {4}


def test_the_seed_decides_the_folds():
    assert subject_folds(SUBJECTS, LABELS, 5, seed=1) == subject_folds(SUBJECTS, LABELS, 5, seed=1)
    assert subject_folds(SUBJECTS, LABELS, 5, seed=1) != subject_folds(SUBJECTS, LABELS, 5, seed=2)


def test_held_out_subjects_are_in_no_fold():
    held = held_out(SUBJECTS, LABELS, salt="task")
    for fold in subject_folds(SUBJECTS, LABELS, 4, seed=0, excluded=frozenset(held)):
        assert not set(held) & {SUBJECTS[index] for index in (*fold.train, *fold.validation, *fold.test)}


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 8), st.integers(0, 2)), min_size=8, max_size=40), st.integers(0, 99))
def test_any_uneven_data_set_gives_disjoint_parts_none_of_them_empty(clips, seed):
    subjects = [f"s{subject}" for subject, _ in clips]
    labels = [label for _, label in clips]
    try:
        folds = subject_folds(subjects, labels, 3, seed=seed)
    except DataError:
        showing = {label: {s for s, other in zip(subjects, labels, strict=True) if other == label} for label in labels}
        assert len(set(subjects)) < 3 or min(map(len, showing.values())) == 1
        return
    for fold in folds:
        assert fold.train
        assert fold.validation
        assert fold.test
        require_disjoint(fold, subjects, number=0)


def test_too_few_subjects_a_lonely_class_and_a_nameless_clip_are_refused():
    with pytest.raises(DataError, match="20 subjects cannot be cut into 21"):
        subject_folds(SUBJECTS, LABELS, 21, seed=0)
    with pytest.raises(DataError, match="at least 3"):
        subject_folds(SUBJECTS, LABELS, 2, seed=0)
    with pytest.raises(DataError, match=r"Class 4 has one subject only \(P00\)"):
        subject_folds(SUBJECTS, [4, *LABELS[1:]], 5, seed=0)
    with pytest.raises(DataError, match=r"Class 'calm' has one subject only \(P00\)"):
        subject_folds(SUBJECTS, [4, *LABELS[1:]], 5, seed=0, classes=("a", "b", "c", "d", "calm"))
    with pytest.raises(DataError, match="1 of 80 clips name no subject"):
        subject_folds([None, *SUBJECTS[1:]], LABELS, 5, seed=0)


def test_taking_subjects_out_of_a_published_fold():
    fold = Fold(train=(0, 1, 2), validation=(3,), test=(4,))
    (left,) = without_subjects([fold], list("abcde"), [0] * 5, frozenset("b"), salt="task")
    assert left == Fold(train=(0, 2), validation=(3,), test=(4,))


def test_who_validates_is_replaced_and_a_fold_that_tests_nobody_is_left_out():
    subjects = [f"s{i}" for i in range(8)]
    folds = [
        Fold(train=tuple(sorted({*range(8)} - {k, (k + 1) % 8})), validation=((k + 1) % 8,), test=(k,))
        for k in range(8)
    ]
    left = without_subjects(folds, subjects, [0, 1] * 4, frozenset({"s2", "s5"}), salt="task")
    assert [fold.test for fold in left] == [(0,), (1,), (3,), (4,), (6,), (7,)]
    for fold in left:
        assert len(fold.validation) == 1
        assert {*fold.train, *fold.validation, *fold.test} == {0, 1, 3, 4, 6, 7}
        require_disjoint(fold, subjects, number=0)


def test_too_few_subjects_for_any_fold_is_told():
    fold = Fold(train=(0,), validation=(1,), test=(2,))
    with pytest.raises(DataError, match="No fold has people to train, validate and test once 1 of 3 subjects"):
        without_subjects([fold], ["a", "b", "c"], [0, 0, 0], frozenset("b"), salt="task")


def test_a_shared_subject_is_named():
    with pytest.raises(DataError, match="'ann' is in the train part and in the test part of fold 0"):
        require_disjoint(Fold(train=(0, 1), validation=(2,), test=(3,)), ["ann", "bob", "cid", "ann"], number=0)


def test_those_who_are_to_validate_keep_their_share_of_who_is_left():
    """Three validated beside six who train; of the six that are left two validate, and four train."""
    fold = Fold(train=tuple(range(6)), validation=(6, 7, 8), test=(9,))
    (left,) = without_subjects([fold], list("abcdefghij"), [0] * 10, frozenset("ghi"), salt="task")
    assert (len(left.train), len(left.validation), left.test) == (4, 2, (9,))
