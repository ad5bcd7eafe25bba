"""Folds as they are published: groups of subjects that are tested in turn, and validation cut where there is none."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from trainables.data.core.dataset import DataError, Fold


def tested_in_turn(subjects: Sequence[str], num_groups: int) -> tuple[list[Fold], tuple[str, ...]]:
    """Folds over `num_groups` groups of subjects, and a note where there are fewer subjects than groups.

    Group k holds every `num_groups`-th of the sorted subjects from the k-th on. Fold k tests on group k, validates on
    the next (the publications know train and test alone) and trains on the rest, so each clip is tested once and
    validates once. With fewer subjects than groups each subject is a group.
    Raises `DataError` for fewer than three subjects.
    """
    names = sorted(set(subjects))
    if len(names) < 3:
        raise DataError(
            f"{len(names)} subjects ({', '.join(names)}); at least 3 are needed, one each to train, validate and test."
        )
    count = min(num_groups, len(names))
    group_of = {name: place % count for place, name in enumerate(names)}
    groups: list[list[int]] = [[] for _ in range(count)]
    for index, subject in enumerate(subjects):
        groups[group_of[subject]].append(index)
    folds = []
    for k in range(count):
        after = (k + 1) % count
        train = sorted(index for j, group in enumerate(groups) if j not in (k, after) for index in group)
        folds.append(Fold(train=tuple(train), validation=tuple(groups[after]), test=tuple(groups[k])))
    few = f"{len(names)} subjects, so {count} folds instead of the {num_groups} of the protocol"
    return folds, (few,) if count < num_groups else ()


def split_off(indices: Sequence[int], labels: Sequence[int], *, share: float, seed: int) -> tuple[list[int], list[int]]:
    """`indices` cut in two, the second part holding `share` of each class, chosen by `seed`; `labels[i]` is that of clip i.

    By clip: only for data sets whose owners name no subjects. A class of several clips is in both parts.
    """
    rng = np.random.default_rng(seed)
    chosen_labels = np.asarray(labels)[np.asarray(indices, dtype=np.int64)]
    taken: set[int] = set()
    for label in np.unique(chosen_labels):
        places = rng.permutation(np.flatnonzero(chosen_labels == label))
        count = min(max(round(share * len(places)), 1), len(places) - 1)
        taken.update(int(indices[place]) for place in places[:count])
    return [i for i in indices if i not in taken], [i for i in indices if i in taken]
