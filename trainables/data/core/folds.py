"""Cutting a data set by subject: cross-validation folds, and the same without the people who are held out.

The order matters. A study locks the holdout first (`holdout.held_out`) and takes it out of the data set's folds
(`without_subjects`); where clips are dealt at random, folds are cut on the rest (`subject_folds(..., excluded=...)`).
"""

from __future__ import annotations

import warnings
from collections.abc import Collection, Sequence

import numpy as np
from sklearn.model_selection import GroupKFold, StratifiedGroupKFold

from trainables.core.wording import counted
from trainables.data.core.dataset import DataError, Fold, Sample, require_disjoint
from trainables.data.core.holdout import FEWEST_LEFT, lowest

Subjects = Sequence[str | None]


def subject_folds(
    subjects: Subjects,
    labels: Sequence[int],
    num_folds: int,
    *,
    seed: int,
    excluded: Collection[str] = (),
    classes: Sequence[str] = (),
) -> list[Fold]:
    """`num_folds` folds, disjoint by subject and stratified by label as far as whole subjects allow.

    Subjects are dealt into `num_folds` groups; fold k tests on group k, validates on the next and trains on the rest.
    Indices point into `subjects`; clips of `excluded` subjects are in no fold. Raises `DataError` for fewer than three
    folds, fewer subjects than folds, a clip without subject, or a class that a single subject shows, called by its name
    where `classes` has it.
    """
    if num_folds < 3:
        raise DataError(f"{num_folds} folds: at least 3 are needed, one group each to train, validate and test.")
    nameless = [index for index, subject in enumerate(subjects) if subject is None]
    if nameless:
        raise DataError(
            f"{len(nameless)} of {len(subjects)} clips name no subject (the first is clip {nameless[0]}); "
            "folds by subject need one for each."
        )
    kept = np.array([index for index, subject in enumerate(subjects) if subject not in excluded], dtype=np.int64)
    names = np.array([str(subjects[index]) for index in kept])
    kept_labels = np.asarray(labels, dtype=np.int64)[kept]
    num_subjects = len(set(names.tolist()))
    if num_subjects < num_folds:
        raise DataError(f"{num_subjects} subjects cannot be cut into {num_folds} folds; each fold needs its own.")
    for label in np.unique(kept_labels):
        showing = set(names[kept_labels == label].tolist())
        if len(showing) == 1:
            name = repr(classes[label]) if classes else label
            raise DataError(
                f"Class {name} has one subject only ({showing.pop()}), so it cannot be both learnt and tested; "
                "each class needs at least two."
            )
    groups = [kept[part] for part in _deal(names, kept_labels, num_folds, seed)]
    folds = []
    for k in range(num_folds):
        after = (k + 1) % num_folds
        train = np.concatenate([groups[j] for j in range(num_folds) if j not in (k, after)])
        folds.append(Fold(train=_indices(train), validation=_indices(groups[after]), test=_indices(groups[k])))
        require_disjoint(folds[-1], list(map(str, subjects)), number=k)
    return folds


def folds_by_people(samples: Sequence[Sample], classes: Sequence[str]) -> list[Fold]:
    """The folds of data whose owners publish none: five by subject, or as many as there are subjects.

    Raises `DataError` for fewer than three subjects, and as `subject_folds` does.
    """
    subjects = [sample.subject for sample in samples]
    names = sorted(set(map(str, subjects)))
    if len(names) < FEWEST_LEFT:
        raise DataError(
            f"{counted(len(names), 'subject')} ({', '.join(names)}); at least {FEWEST_LEFT} are needed, one each to train, "
            "validate and test."
        )
    return subject_folds(subjects, [sample.label for sample in samples], min(5, len(names)), seed=0, classes=classes)


def without_subjects(
    folds: Sequence[Fold], subjects: Sequence[str], labels: Sequence[int], excluded: Collection[str], *, salt: str
) -> list[Fold]:
    """The folds without the clips of the `excluded` subjects.

    Where the people of a part were few, all of them may be excluded. A fold that has nobody left to test is left out
    (of eight that leave one speaker out, six remain once two are locked away); where nobody is left to validate, as
    large a share of its train subjects takes their place, the lowest by the hash that the holdout is taken by. Raises
    `DataError` where no fold is left.
    """
    kept = []
    for fold in folds:
        train, validation, test = (
            tuple(index for index in part if subjects[index] not in excluded)
            for part in (fold.train, fold.validation, fold.test)
        )
        people = {subjects[index] for index in train}
        if test and not validation and len(people) > 1:
            before = len({subjects[index] for index in fold.validation})
            count = max(round(before / (before + len(people)) * len(people)), 1)
            shown = [subjects[index] for index in train], [labels[index] for index in train]
            moved = lowest(*shown, count, salt=salt)
            validation = tuple(index for index in train if subjects[index] in moved)
            train = tuple(index for index in train if subjects[index] not in moved)
        if train and validation and test:
            kept.append(Fold(train=train, validation=validation, test=test))
    if not kept:
        raise DataError(
            f"No fold has people to train, validate and test once {len(excluded)} of {len(set(subjects))} subjects are held "
            "out; more subjects are needed."
        )
    return kept


def _deal(names: np.ndarray, labels: np.ndarray, num_folds: int, seed: int) -> list[np.ndarray]:
    stratified = StratifiedGroupKFold(num_folds, shuffle=True, random_state=seed)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # a class with fewer clips than folds is stratified anyway
            groups = [test for _, test in stratified.split(names, labels, names)]
    except ValueError:  # every class has fewer clips than there are folds
        groups = []
    if not groups or min(len(group) for group in groups) == 0:
        groups = [test for _, test in GroupKFold(num_folds).split(names, labels, names)]
    return groups


def _indices(array: np.ndarray) -> tuple[int, ...]:
    return tuple(int(index) for index in np.sort(array))
