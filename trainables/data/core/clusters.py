"""Clusters in place of people, for clips that name nobody: by a column of their table, a pattern of their names, or faces.

A clip that names a person keeps him. Folds that cut through a cluster are cut anew (docs/decisions/0034).
"""

from __future__ import annotations

import dataclasses
import re
from collections import Counter
from collections.abc import Sequence
from typing import Literal

from trainables.core.wording import counted
from trainables.data.core.dataset import Clusterer, DataError, Dataset, Fold, Sample, require_disjoint
from trainables.data.core.holdout import FEWEST_LEFT
from trainables.data.core.layout import listed
from trainables.data.core.spelling import merged

OPTION = "--cluster-by"
ALLOWED = (
    "column:NAME, pattern:REGEX, pattern-or-alone:REGEX, faces, or faces:FILE with the weights that tell faces apart"
)
GROUP = "cluster"  # the group of a pattern that is taken, if it is there
MOST_OF_ALL = 0.5  # share of the clips that one cluster may hold: who tests on it has the rest to learn from
NUM_FOLDS = 5  # where nobody published at least three
CUT = "the folds are cut by cluster, five at most"


@dataclasses.dataclass(frozen=True)
class ClusterBy:
    """What clips that name nobody are clustered by: `kind`, and a column's name, a pattern, or a file of weights.

    With `pattern-or-alone` a clip whose name does not match is a cluster of its own.
    """

    kind: Literal["column", "pattern", "pattern-or-alone", "faces"]
    value: str = ""

    @classmethod
    def of(cls, text: str) -> ClusterBy:
        """As `--cluster-by` is given. Raises `ValueError` for anything else, and for a pattern that takes no part of a name."""
        kind, _, value = text.partition(":")
        if kind == "faces":
            return cls("faces", value)
        if kind == "column" and value:
            return cls("column", value.strip().lower())
        if kind not in ("pattern", "pattern-or-alone") or not value:
            raise ValueError(f"{OPTION} was given as {text!r}; allowed are {ALLOWED}.")
        try:
            pattern = re.compile(value)
        except re.error as error:
            raise ValueError(f"{OPTION} was given as {text!r}, which is no regular expression: {error}.") from error
        if not pattern.groups:
            raise ValueError(
                f"{OPTION} was given as {text!r}, which has no group: put brackets around what the clips of a cluster have in "
                rf"common, as in pattern:(film\d+)."
            )
        return cls("pattern" if kind == "pattern" else "pattern-or-alone", value)

    @property
    def told(self) -> str:
        """As people are told it: wherever the weights lie, it is by faces."""
        return "faces" if self.kind == "faces" else str(self)

    def __str__(self) -> str:
        return f"{self.kind}:{self.value}" if self.value else self.kind

    def of_name(self, name: str) -> str:
        """The part of a clip's name that the pattern takes: the group `cluster`, else the first that took part.

        Where none did, `""`, or the name, if such a clip stands alone.
        """
        found = re.search(self.value, name)
        if found is None:
            return name if self.kind == "pattern-or-alone" else ""
        named = found.groupdict().get(GROUP)
        return named or next(filter(None, found.groups()), "")


def clustered(dataset: Dataset, by: ClusterBy, clusterer: Clusterer | None = None, *, keep: bool = False) -> Dataset:
    """`dataset` with a cluster for each clip that names nobody, and folds that keep clusters apart.

    Of `faces` the `clusterer` finds them once the faces are cropped. With `keep` several spellings of a cluster are several.
    Raises `DataError` where every clip names a person, for clips without a cluster, and for clusters that leave no folds.
    """
    samples = dataset.samples
    unnamed = [index for index, sample in enumerate(samples) if not sample.subject]
    if not unnamed:
        raise DataError(
            f"{dataset.name}: each of {counted(len(samples), 'clip')} names its person (the first is {samples[0].subject!r}), "
            f"so there is nothing to cluster. Leave {OPTION} out."
        )
    dataset = dataclasses.replace(dataset, cluster_by=by.told, clusterer=clusterer)
    if by.kind == "faces":
        return dataset
    values = [
        samples[index].cluster if by.kind == "column" else by.of_name(samples[index].clip_id) for index in unnamed
    ]
    if lacking := [samples[index].clip_id for index, value in zip(unnamed, values, strict=True) if not value]:
        raise DataError(f"{dataset.name}: {_lacking(by, lacking, len(unnamed))}")
    names, spellings = merged([str(value) for value in values], keep=keep)
    cluster_of = {index: f"cluster {name}" for index, name in zip(unnamed, names, strict=True)}
    samples = [
        dataclasses.replace(sample, cluster=cluster_of.get(index)) for index, sample in enumerate(dataset.samples)
    ]
    told = *dataset.notes, *(f"clusters: {note}" for note in spellings), note_on(samples, by.told)
    dataset = dataclasses.replace(dataset, samples=samples, notes=told)
    units = [sample.unit for sample in samples]
    if not is_cut_through(dataset.folds, units):
        return dataset
    folds = cut(dataset, units, [sample.label for sample in samples])
    notes = (*dataset.notes, *([CUT_ANEW] if dataset.folds else []))
    return dataclasses.replace(dataset, folds=folds, cut_by_subject=True, notes=notes)


CUT_ANEW = "folds as given have clips of a cluster on both sides, so they are cut anew by cluster"


def note_on(samples: Sequence[Sample], by: str) -> str:
    """How many clusters there are, and how large they are."""
    sizes = Counter(sample.cluster for sample in samples if sample.cluster)
    few, most = min(sizes.values()), max(sizes.values())
    each = f"{few}" if few == most else f"{few} to {most}"
    return (
        f"{counted(len(sizes), 'cluster')} by {by} in place of people who are not named, of {each} "
        f"{'clip' if most == 1 else 'clips'}"
    )


def is_cut_through(folds: Sequence[Fold], units: Sequence[str]) -> bool:
    """Whether there are no folds, or one of them has clips of one of `units` in two parts."""
    try:
        for number, fold in enumerate(folds):
            require_disjoint(fold, units, number=number)
    except DataError:
        return True
    return not folds


def cut(dataset: Dataset, units: Sequence[str], labels: Sequence[int]) -> list[Fold]:
    """Folds by cluster: as many as were published, five where these are fewer than three.

    `units[i]` is the cluster or the person of clip i. Raises `DataError` where one cluster holds more than half of the clips,
    and for too few clusters.
    """
    from trainables.data.core.folds import subject_folds  # scikit-learn, which takes a second

    sizes = Counter(units)
    largest, most = sizes.most_common(1)[0]
    who = f"{dataset.name}: {OPTION} {dataset.cluster_by}"
    if most > MOST_OF_ALL * len(units) and len(units) > 1:
        raise DataError(
            f"{who} puts {most} of {counted(len(units), 'clip')} into one cluster ({largest!r}), and folds need others to "
            "learn from: half of the clips at most may be in one. Choose what tells them apart better."
        )
    if len(sizes) < FEWEST_LEFT:
        raise DataError(
            f"{who} gives {counted(len(sizes), 'cluster')}; at least {FEWEST_LEFT} are needed, one each to train, validate and "
            "test."
        )
    count = len(dataset.folds) if len(dataset.folds) > 2 else NUM_FOLDS
    try:
        return subject_folds(units, labels, min(count, len(sizes)), seed=0, classes=dataset.classes)
    except DataError as error:
        raise DataError(f"{who}: {error}") from error


def _lacking(by: ClusterBy, clips: Sequence[str], num_unnamed: int) -> str:
    """That some clips have no cluster, and what helps."""
    of = f"{len(clips)} of {counted(num_unnamed, 'clip')} without a person"
    if by.kind == "column":
        return (
            f"{of} have an empty cell in the column {by.value} ({listed(list(clips))}). Fill it in, in each such row."
        )
    return (
        f"{of} do not match {OPTION} {by} ({listed(list(clips))}). A pattern is looked for anywhere in a clip's name. With "
        f"pattern-or-alone:{by.value} such clips stand alone."
    )
