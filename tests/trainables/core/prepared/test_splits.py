"""Who is locked away, and what each phase may see."""

import dataclasses
import json

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from trainables.core.prepared.splits import Sides, load_splits, make_splits, salt_of
from trainables.core.prepared.stored import Prepared
from trainables.data.core.dataset import DataError, Fold
from trainables.data.core.folds import subject_folds, without_subjects
from trainables.data.core.holdout import held_out
from trainables.data.core.spelling import same

PARTS = ("train", "validation", "test")


def subjects_of(prepared: Prepared, indices) -> set[str]:
    return {prepared.subjects[index] or f"alone: {prepared.clip_ids[index]}" for index in indices}


@st.composite
def clips_in_folds(draw):
    """Subjects and labels of up to 60 clips, cut into folds as a data set's reader cuts them."""
    num_subjects = draw(st.integers(8, 20))
    clips = [(f"P{i}", label) for i in range(num_subjects) for label in range(2)]
    clips += draw(st.lists(st.tuples(st.sampled_from([f"P{i}" for i in range(num_subjects)]), st.integers(0, 2))))
    clips = draw(st.permutations(clips[:60]))
    return [subject for subject, _ in clips], [label for _, label in clips], draw(st.integers(0, 1000))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(clips_in_folds())
def test_train_validation_test_and_holdout_share_no_subject(prepared, drawn):
    subjects, labels, seed = drawn
    try:
        folds = subject_folds(subjects, labels, 4, seed=seed)
    except DataError:  # a class that one person alone shows
        assume(False)
    random = dataclasses.replace(
        prepared,
        clip_ids=[f"clip {i}" for i in range(len(subjects))],
        subjects=subjects,
        groups_given=(),
        labels=np.array(labels),
        folds=folds,
    )
    try:
        splits = make_splits(random, salt=str(seed))
    except DataError:  # so few people that the holdout emptied a part of a fold
        assume(False)
    locked = subjects_of(random, splits.holdout)
    order = held_out(subjects, random.labels.tolist(), salt=str(seed))
    assert locked == set(order[: len(locked)])
    if len(locked) < len(order):  # one more, and no fold would be left
        with pytest.raises(DataError):
            without_subjects(folds, subjects, labels, frozenset(order[: len(locked) + 1]), salt=str(seed))
    for number, fold in enumerate(splits.folds):
        seen = [subjects_of(random, getattr(fold, part)) for part in PARTS]
        assert not set.intersection(seen[0], seen[1]) | set.intersection(seen[0], seen[2])
        assert not seen[1] & seen[2]
        assert not locked & set.union(*seen)
        assert locked | set.union(*seen) == set(subjects)
        everybody = {*splits.holdout, *fold.train, *fold.validation, *fold.test}
        assert everybody == set(range(len(subjects)))
        for phase in ("search", "confirm", "refit"):
            view = splits.view(phase, number)
            assert not locked & subjects_of(random, view.train + view.validation)
            assert not subjects_of(random, view.train) & subjects_of(random, view.validation)


def test_a_search_sees_no_test_and_a_refit_nobody_of_the_holdout(prepared):
    splits = make_splits(prepared, salt="task")
    fold = splits.folds[1]
    search = splits.view("search", 1)
    assert (search.train, search.validation, search.test) == (fold.train, fold.validation, ())
    confirm = splits.view("confirm", 1)
    assert set(confirm.train) == {*fold.train, *fold.test}
    assert (confirm.validation, confirm.test) == (fold.validation, splits.holdout)
    refit = splits.view("refit", 1)
    assert set(refit.train) == set(range(len(prepared))) - set(splits.holdout)
    assert (refit.validation, refit.test) == ((), ())


def test_the_same_salt_locks_the_same_subjects_and_another_salt_others(prepared):
    assert make_splits(prepared, salt="task") == make_splits(prepared, salt="task")
    assert len({make_splits(prepared, salt=f"task {number}").holdout for number in range(6)}) > 1
    assert salt_of("clip_folder", "smiles") != salt_of("clip_folder", "frowns") != salt_of("dfew", "frowns")


def test_clips_of_unknown_subjects_count_as_subjects_by_their_ids(prepared):
    unknown = dataclasses.replace(prepared, subjects=[None] * len(prepared), groups_given=())
    splits = make_splits(unknown, salt="task")
    assert [prepared.clip_ids[index] for index in splits.holdout] == sorted(
        held_out(prepared.clip_ids, prepared.labels.tolist(), salt="task"), key=prepared.clip_ids.index
    )
    assert not set(splits.holdout) & {index for part in PARTS for index in getattr(splits.folds[0], part)}


def test_a_random_cut_by_clip_follows_from_the_salt_too(prepared):
    first, same, other = (make_splits(prepared, salt=salt, leaky=True) for salt in ("task", "task", "other"))
    assert first == same
    assert first.folds != other.folds
    assert [prepared.clip_ids[index] for index in first.holdout] == sorted(
        held_out(prepared.clip_ids, prepared.labels.tolist(), salt="task"), key=prepared.clip_ids.index
    )


def test_people_are_released_where_no_fold_would_be_left(prepared):
    """One fold, of which one person is tested: whoever it is, he is not locked away."""
    people = prepared.subject_ids
    for tested in sorted(set(people)):
        parts = [[], [], []]
        for index, person in enumerate(people):
            parts[2 if person == tested else int(person < sorted(set(people))[3])].append(index)
        fold = Fold(train=tuple(parts[0]), validation=tuple(parts[1]), test=tuple(parts[2]))
        alone = dataclasses.replace(prepared, folds=[fold])
        locked = held_out(people, prepared.labels.tolist(), salt="task")
        if locked[0] != tested:
            assert tested not in subjects_of(alone, make_splits(alone, salt="task").holdout)


def test_splits_come_back_as_they_were_saved(prepared, tmp_path):
    splits = make_splits(prepared, salt="task")
    splits.save(tmp_path / "splits.json")
    assert load_splits(tmp_path / "splits.json") == splits
    assert [path.name for path in tmp_path.iterdir()] == ["splits.json"]


@pytest.mark.parametrize("damage", ["missing", "cut", "key gone", "fold misshaped", "not an object"])
def test_damaged_splits_are_told_with_the_fix(prepared, tmp_path, damage):
    path = tmp_path / "splits.json"
    splits = make_splits(prepared, salt="task")
    splits.save(path)
    stored = json.loads(path.read_text())
    if damage == "missing":
        path.unlink()
    elif damage == "cut":
        path.write_text(path.read_text()[:-30])
    elif damage == "key gone":
        del stored["holdout"]
        path.write_text(json.dumps(stored))
    elif damage == "fold misshaped":
        stored["folds"][0] = {"train": [1]}
        path.write_text(json.dumps(stored))
    else:
        path.write_text("[1, 2]")
    with pytest.raises(DataError, match=r"cannot be read.*Restore the file from a copy\."):
        load_splits(path)


def test_people_who_count_as_one_by_now_keep_the_side_of_any_of_them(prepared):
    people = prepared.subject_ids
    before = Sides.of(make_splits(prepared, salt="task"), prepared)
    held = next(person for person in people if same(person) in before.held)
    # of the same folds, as people who count as one are
    free = next(one for one in people if same(one) in before.free and int(one[1:]) % 3 == int(held[1:]) % 3)

    def locked(joined: dict[str, str]) -> set[str]:
        groups = tuple(joined.get(person, person) for person in people)
        splits = make_splits(dataclasses.replace(prepared, groups_given=groups), salt="task", before=before)
        return {people[index] for index in splits.holdout}

    assert held in locked({held: "A newcomer"}), "whatever the group is called"
    assert not {held, free} & locked({held: "A newcomer", free: "A newcomer"}), "a choice may rest on one of them"


def test_a_person_whom_a_table_joins_with_another_keeps_his_side(prepared):
    before = Sides.of(make_splits(prepared, salt="task"), prepared)
    subjects = [f"{person} + Dora" if same(person) in before.held else person for person in prepared.subject_ids]
    joined = dataclasses.replace(prepared, subjects=subjects, groups_given=())
    splits = make_splits(joined, salt="task", before=before)
    assert {subjects[index] for index in splits.holdout} == {name for name in subjects if name.endswith("Dora")}
