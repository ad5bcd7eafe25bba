"""What is left of a data set once clips are dropped: whether it still holds its classes, and its folds."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from trainables.core.prepared.stored import Dropped
from trainables.core.prepared.twins import apart
from trainables.core.wording import counted
from trainables.data.core.clusters import cut, is_cut_through
from trainables.data.core.dataset import DataError, Dataset, Fold
from trainables.data.core.holdout import FEWEST_LEFT

MOST_NAMED = 10  # dropped clips that a sentence names


def require_classes(dataset: Dataset, kept: Collection[int], dropped: Sequence[Dropped]) -> None:
    """Raises `DataError` for a class that lost all its clips or, where folds are cut by subject, all but one subject."""
    for label, name in enumerate(dataset.classes):
        mine = [index for index, sample in enumerate(dataset.samples) if sample.label == label]
        lost = {dataset.samples[index].clip_id for index in mine if index not in kept}
        if not lost:
            continue
        subjects = {dataset.samples[index].unit for index in mine if index in kept}
        if not subjects:
            found = f"all of its {counted(len(mine), 'clip')} were dropped"
        elif len(subjects) == 1 and dataset.cut_by_subject:
            found = (
                f"{len(lost)} of its {counted(len(mine), 'clip')} were dropped and one subject is left ({subjects.pop()}), so "
                "it cannot be both learnt and tested; each class needs at least two"
            )
        else:
            continue
        named = naming([clip for clip in dropped if clip.clip_id in lost])
        raise DataError(f"{dataset.name}: class {name!r} cannot be used: {found}.{named}")


def naming(dropped: Sequence[Dropped]) -> str:
    """The end of a sentence on dropped clips: the first ten, each with its reason; `""` where there is none."""
    if not dropped:
        return ""
    first = "; ".join(f"{clip.clip_id}: {clip.reason.rstrip('.')}" for clip in dropped[:MOST_NAMED])
    return f" Dropped: {first}{f'; and {len(dropped) - MOST_NAMED:,} more' if len(dropped) > MOST_NAMED else ''}."


def folds_of(
    dataset: Dataset, kept: Sequence[int], people: Sequence[str], groups: Sequence[str], dropped: Sequence[Dropped]
) -> tuple[list[Fold], int]:
    """The folds on the kept clips, and how many clips left a part of one because another part has their twin.

    `people[i]` is the person of kept clip i and `groups[i]` the one whom twins make of several. Folds that were cut by subject
    are cut anew, as their reader does, where clips were dropped or people are joined; published ones lose the dropped clips.
    Where faces were clustered, folds that cut through a cluster are cut anew too.
    Raises `DataError`, naming the dropped clips, for too few people and for a part that no clip is left in.
    """
    dropped_or_joined = len(kept) < len(dataset.samples) or list(people) != list(groups)
    if dataset.cut_by_subject and (dropped_or_joined or not dataset.folds):
        return _cut_anew(dataset, kept, groups, dropped), 0
    position = {old: new for new, old in enumerate(kept)}
    folds, num_apart = [], 0
    for fold in dataset.folds:
        parts = {part: _placed(getattr(fold, part), position) for part in ("train", "validation", "test")}
        folds.append(Fold(**parts))
    if dataset.clusterer and is_cut_through(folds, people):
        return _cut_anew(dataset, kept, groups, dropped), 0
    if list(people) != list(groups):
        folds, num_apart = apart(folds, groups)
    for number, (before, fold) in enumerate(zip(dataset.folds, folds, strict=True)):
        for part in ("train", "validation", "test"):
            if not getattr(fold, part):
                count = len(getattr(before, part))
                raise DataError(
                    f"{dataset.name}: of the {counted(count, 'clip')} in the {part} part of fold {number} none is left."
                    f"{naming(dropped)}"
                )
    return folds, num_apart


def _cut_anew(dataset: Dataset, kept: Sequence[int], groups: Sequence[str], dropped: Sequence[Dropped]) -> list[Fold]:
    from trainables.data.core.folds import subject_folds  # scikit-learn, which takes a second

    labels = [dataset.samples[index].label for index in kept]
    num_people = len(set(groups))
    if dataset.cluster_by:
        return _cut_by_cluster(dataset, groups, labels, dropped)
    if num_people < FEWEST_LEFT:
        raise DataError(
            f"{dataset.name}: clips of {counted(num_people, 'person', 'people')} can be used; at least {FEWEST_LEFT} people "
            f"are needed, one each to train, validate and test.{naming(dropped)}"
        )
    try:
        return subject_folds(groups, labels, min(len(dataset.folds), num_people), seed=0, classes=dataset.classes)
    except DataError as error:
        raise DataError(f"{dataset.name}: {error}{naming(dropped)}") from error


def _cut_by_cluster(
    dataset: Dataset, groups: Sequence[str], labels: Sequence[int], dropped: Sequence[Dropped]
) -> list[Fold]:
    try:
        return cut(dataset, groups, labels)
    except DataError as error:
        raise DataError(f"{error}{naming(dropped)}") from error


def _placed(indices: Sequence[int], position: dict[int, int]) -> tuple[int, ...]:
    return tuple(position[index] for index in indices if index in position)
