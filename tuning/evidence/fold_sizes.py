"""How large a study's folds are and who is tested in each, before or after they are cut: a plan needs no more of the data."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean

from search_spaces.core.study import Study
from trainables.core import files, lookup
from trainables.core.clustered import read_clustered
from trainables.core.prepared.splits import HOLDOUT_SHARE, load_splits
from trainables.core.prepared.stored import open_prepared, prepared_folders
from trainables.data.core.clusters import NUM_FOLDS
from trainables.data.core.dataset import DataError, Fold


@dataclasses.dataclass(frozen=True, kw_only=True)
class FoldSize:
    """The number of clips that one fold trains on and tests on, and who is tested; `None` where that is not known."""

    num_train: float
    num_test: float
    subjects: frozenset[str] | None


def fold_sizes(study: Study, home: Path, data_root: Path | None = None, cluster_by: str = "") -> list[FoldSize] | None:
    """The folds as `study` has cut them under `home`, else as its reader finds them, else as drawn faces will have them.

    Clips that name nobody are clustered by `cluster_by`; clusters that faces tell, and folds by these, are not known yet.
    `None` where no data is there to be asked. Of folds that are not cut yet a search's lose the holdout's share.
    """
    stored = home / study.name / files.SPLITS
    if stored.exists():
        splits = load_splits(stored)
        return _sizes(splits.folds, _prepared_subjects(home, splits.fingerprint))
    share = 1.0 if study.design is not None else 1 - HOLDOUT_SHARE
    drawn = home / files.DRAWN / study.name
    root = data_root or (drawn if drawn.exists() else None)
    if root is not None:
        load = lookup.load("trainables.data", study.dataset, "data set").load
        found = read_clustered(study.dataset, root, cluster_by) if cluster_by else load(root)
        subjects = [sample.unit for sample in found.samples]
        if found.clusterer is not None:
            num_folds = len(found.folds) if len(found.folds) > 2 else NUM_FOLDS
            return _sizes(_dealt(range(len(subjects)), num_folds), None, share)
        if study.folds != "random_leaky":
            return _sizes(found.folds, subjects, share)
        num_folds = len(found.folds) if len(found.folds) > 2 else 5  # as `make_splits` has it
        return _sizes(_dealt(range(len(subjects)), num_folds), subjects, share)
    if study.dataset == "drawn_faces" and {"num_subjects", "classes"} <= study.drawing.keys():
        each = len(study.drawing["classes"]) * study.drawing.get("clips_per_class", 1)
        numbers = [subject for subject in range(study.drawing["num_subjects"]) for _ in range(each)]
        num_folds = min(5, study.drawing["num_subjects"])  # as its reader cuts them
        return _sizes(_dealt(numbers, num_folds), list(map(str, numbers)), share)
    return None


def mean_sizes(folds: Sequence[FoldSize]) -> tuple[float, float]:
    """The mean number of clips that one of `folds` trains on, and tests on."""
    return fmean(fold.num_train for fold in folds), fmean(fold.num_test for fold in folds)


def num_clips(folds: Sequence[FoldSize], study: Study) -> float:
    """About how many clips `study` has in all, those of the holdout too: a fold validates on as many as it tests on."""
    share = 1.0 if study.design is not None else 1 - HOLDOUT_SHARE
    return max(fold.num_train + 2 * fold.num_test for fold in folds) / share


def num_subjects(folds: Sequence[FoldSize]) -> int | None:
    """How many people `folds` test in all; `None` where that is not known."""
    tested = [fold.subjects for fold in folds if fold.subjects is not None]
    return len(frozenset().union(*tested)) if len(tested) == len(folds) else None


def _sizes(folds: Sequence[Fold], subjects: Sequence[str] | None, share: float = 1.0) -> list[FoldSize]:
    return [
        FoldSize(
            num_train=share * len(fold.train),
            num_test=share * len(fold.test),
            subjects=frozenset(subjects[index] for index in fold.test) if subjects else None,
        )
        for fold in folds
    ]


def _dealt(groups: Sequence[int], num_folds: int) -> list[Fold]:
    """Folds of about the sizes that cutting will give: clip i goes by the number of its group, the next part validates."""
    parts = [tuple(i for i, group in enumerate(groups) if group % num_folds == k) for k in range(num_folds)]
    return [
        Fold(
            train=tuple(i for k, part in enumerate(parts) if k not in (number, (number + 1) % num_folds) for i in part),
            validation=parts[(number + 1) % num_folds],
            test=test,
        )
        for number, test in enumerate(parts)
    ]


def _prepared_subjects(home: Path, fingerprint: str) -> list[str] | None:
    """The person of each clip of the prepared data that a study was cut from; `None` where it is gone from `home`."""
    for folder in prepared_folders(home, fingerprint):
        try:
            return open_prepared(folder).subject_ids
        except DataError:  # damaged, and made again by the next run
            continue
    return None
