"""What is left of a data set once clips are dropped: whether it still holds its classes, and its folds."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from trainables.data.core.dataset import DataError, Dataset


def num_clips(found: Collection[object]) -> str:
    """`1 clip`, `2 clips` and so on."""
    return "1 clip" if len(found) == 1 else f"{len(found)} clips"


def require_classes(dataset: Dataset, kept: set[int], dropped: Sequence[dict[str, str]]) -> None:
    """Raises `DataError` for a class that lost all its clips or, where folds are cut by subject, all but one subject."""
    for label, name in enumerate(dataset.classes):
        mine = [index for index, sample in enumerate(dataset.samples) if sample.label == label]
        lost = {dataset.samples[index].clip_id for index in mine if index not in kept}
        if not lost:
            continue
        subjects = {dataset.samples[index].subject for index in mine if index in kept}
        if not subjects:
            found = f"all of its {num_clips(mine)} were dropped"
        elif len(subjects) == 1 and dataset.cut_by_subject:
            found = (
                f"{len(lost)} of its {num_clips(mine)} were dropped and one subject is left ({subjects.pop()}), so it cannot "
                "be both learnt and tested; each class needs at least two"
            )
        else:
            continue
        first = the_first([clip for clip in dropped if clip["clip_id"] in lost])
        raise DataError(f"{dataset.name}: class {name!r} cannot be used: {found}.{first}")


def the_first(dropped: Sequence[dict[str, str]]) -> str:
    """The end of a sentence on dropped clips: which one was the first, and why; `""` where there is none."""
    return f" The first: {dropped[0]['clip_id']}: {dropped[0]['reason'].rstrip('.')}." if dropped else ""


def reindexed_folds(dataset: Dataset, kept: list[int]) -> list[dict[str, list[int]]]:
    """The folds on the kept clips. Raises `DataError` for a part that no clip is left in."""
    position = {old: new for new, old in enumerate(kept)}
    folds = []
    for number, fold in enumerate(dataset.folds):
        parts = {}
        for part in ("train", "validation", "test"):
            before = getattr(fold, part)
            parts[part] = [position[index] for index in before if index in position]
            if not parts[part]:
                raise DataError(
                    f"{dataset.name}: all {len(before)} clips in the {part} part of fold {number} were dropped."
                )
        folds.append(parts)
    return folds
