"""Cutting a data set by subject: cross-validation folds, the locked holdout, and the check that no subject leaks.

The order matters. A study locks the holdout first and cuts the folds on the remaining subjects:
`holdout = holdout_subjects(...)`, then `subject_folds(..., excluded=holdout)`. Where the data set publishes its folds,
`without_subjects` takes the holdout out of all of them instead.

Where the owners of a data set name no subjects (`None`), each clip counts as a subject of its own, called by its
position (`"clip 17"`); `subject_folds` refuses such clips, because folds by clip leak identity.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np
from sklearn.model_selection import GroupKFold, StratifiedGroupKFold

from trainables.data.core.dataset import DataError, Fold, require_disjoint

Subjects = Sequence[str | None]


def subject_folds(
    subjects: Subjects,
    labels: Sequence[int],
    num_folds: int,
    *,
    seed: int,
    excluded: frozenset[str] = frozenset(),
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
        require_disjoint(folds[-1], identities(subjects), number=k)
    return folds


def holdout_subjects(subjects: Subjects, labels: Sequence[int], *, share: float = 0.2, seed: int) -> frozenset[str]:
    """A seeded choice of `share` of the subjects, stratified by label as far as whole subjects allow.

    At least one subject is left on either side. Raises `DataError` for fewer than two subjects and `ValueError` for a
    share outside (0, 1).
    """
    if not 0 < share < 1:
        raise ValueError(f"The holdout's share of the subjects is {share}; it must lie between 0 and 1, exclusively.")
    names = identities(subjects)
    distinct = sorted(set(names))
    if len(distinct) < 2:
        raise DataError(f"{len(distinct)} subjects: a holdout needs at least two, one on either side.")
    # counts[s, c]: how many clips of class c subject s shows
    position = {name: row for row, name in enumerate(distinct)}
    classes, columns = np.unique(np.asarray(labels, dtype=np.int64), return_inverse=True)
    counts = np.zeros((len(distinct), len(classes)))
    for name, column in zip(names, columns, strict=True):
        counts[position[name], column] += 1
    num_held = min(max(round(share * len(distinct)), 1), len(distinct) - 1)
    order = np.random.default_rng(seed).permutation(len(distinct))
    return frozenset(distinct[row] for row in _matching_rows(counts[order], num_held, order))


def without_subjects(
    folds: Sequence[Fold], subjects: Subjects, labels: Sequence[int], excluded: frozenset[str], *, seed: int
) -> list[Fold]:
    """The folds without the clips of the `excluded` subjects.

    Where the people of a part were few, all of them may be excluded. A fold that has nobody left to test is left out
    (of eight that leave one speaker out, six remain once two are locked away); where nobody is left to validate, as
    large a share of its train subjects takes their place. Raises `DataError` where no fold is left.
    """
    names = identities(subjects)
    kept = []
    for fold in folds:
        train, validation, test = (
            tuple(index for index in part if names[index] not in excluded)
            for part in (fold.train, fold.validation, fold.test)
        )
        distinct = {names[index] for index in train}
        if test and not validation and len(distinct) > 1:
            wanted = len({names[index] for index in fold.validation})
            moved = holdout_subjects(
                [names[index] for index in train],
                [labels[index] for index in train],
                share=wanted / (wanted + len(distinct)),
                seed=seed,
            )
            validation = tuple(index for index in train if names[index] in moved)
            train = tuple(index for index in train if names[index] not in moved)
        if train and validation and test:
            kept.append(Fold(train=train, validation=validation, test=test))
    if not kept:
        raise DataError(
            f"No fold has people to train, validate and test once {len(excluded)} of {len(set(names))} subjects are held "
            "out; more subjects are needed."
        )
    return kept


def identities(subjects: Subjects) -> list[str]:
    """The subjects, with a clip that names none as a subject of its own."""
    return [f"clip {index}" if subject is None else subject for index, subject in enumerate(subjects)]


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


def _matching_rows(counts: np.ndarray, num_held: int, order: np.ndarray) -> list[int]:
    """Rows of `counts` (subjects, classes), as entries of `order`, whose sum follows the balance of the whole.

    Rows that are equal are interchangeable, so one of a kind is looked at: where the owners name no subjects, each of
    35,887 clips is a row of its own, but there are only as many kinds as classes.
    """
    kinds, kind_of = np.unique(counts, axis=0, return_inverse=True)
    waiting = [np.flatnonzero(kind_of == kind).tolist() for kind in range(len(kinds))]
    left = np.bincount(kind_of, minlength=len(kinds))
    first = np.array([rows[0] for rows in waiting])  # the row that goes next, in the seeded order
    total = counts.sum(axis=0)
    held = np.zeros_like(total)
    chosen = []
    for step in range(1, num_held + 1):
        target = total * step / len(counts)
        distance = ((held + kinds - target) ** 2).sum(axis=1)
        # A class is never taken away from the remaining side altogether, unless no choice is left.
        distance += 1e9 * ((total - held - kinds <= 0) & (total > 0)).sum(axis=1)
        distance[left == 0] = np.inf
        nearest = np.flatnonzero(distance == distance.min())
        kind = int(nearest[first[nearest].argmin()])  # ties go to the first in the seeded order
        chosen.append(int(order[first[kind]]))
        held += kinds[kind]
        left[kind] -= 1
        if left[kind]:
            first[kind] = waiting[kind][-left[kind]]
    return chosen


def _indices(array: np.ndarray) -> tuple[int, ...]:
    return tuple(int(index) for index in np.sort(array))
