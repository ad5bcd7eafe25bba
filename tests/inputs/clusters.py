"""Clips that name nobody, and `--cluster-by`: what belongs together by a column, by a pattern, and what is refused."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path

from tests.inputs.case import Case, Check, Family, refusal, told
from tests.inputs.laid_out import clips
from tests.inputs.tabulated import text
from trainables.core.clustered import read_clustered
from trainables.data import clip_folder
from trainables.data.core.clusters import is_cut_through
from trainables.data.core.dataset import Dataset

FILMS = 4
NAMES = {"happy": [f"film{n}-a" for n in range(FILMS)], "sad": [f"film{n}-b" for n in range(FILMS)]}
STRAY = {**NAMES, "sad": [*NAMES["sad"], "trailer"]}


def clustered(dataset: str, by: str, num_clusters: int) -> Check:
    """Checks that so many clusters come of it, and that no fold has one on two sides."""

    def check(path: Path) -> str:
        found = read_clustered(dataset, path, by)
        require_clusters(found, num_clusters)
        return told(found)

    return check


def require_clusters(found: Dataset, number: int) -> None:
    units = [sample.unit for sample in found.samples]
    assert all(sample.subject is None and sample.cluster for sample in found.samples)
    assert len(set(units)) == number
    assert not is_cut_through(found.folds, units)


def is_refused(dataset: str, by: str) -> Check:
    """Checks that it is refused, and returns what is said."""
    return functools.partial(refusal, lambda path: read_clustered(dataset, path, by))


def cannot_be_meant(by: str) -> Check:
    def check(path: Path) -> str:
        try:
            read_clustered("clip_folder", path, by)
        except ValueError as error:
            return str(error)
        raise AssertionError("it was not refused")

    return check


def films(film: Callable[[int], object], **columns: Callable[[int], object]) -> Callable[[Path], Path]:
    """Writes a table whose clips name nobody, but a film."""
    return text(subject=lambda n: "", film=film, **columns)


BY_NAME = [
    Case(
        r"`film0-a` without `_`, and `--cluster-by 'pattern:(film\d)'`",
        "clips of a film are on one side of every split, as those of a person are; told: “4 clusters by pattern”",
        clips(NAMES),
        clustered("clip_folder", r"pattern:(film\d)", FILMS),
    ),
    Case(
        "the same without `--cluster-by`",
        "refused: “Where people are not known, --cluster-by says which clips belong together”",
        clips(NAMES),
        functools.partial(refusal, clip_folder.load),
    ),
    Case(
        "a pattern that misses clips",
        "refused, with the first: “1 of 9 clips without a person do not match” “(sad/trailer)”",
        clips(STRAY),
        is_refused("clip_folder", r"pattern:(film\d)"),
    ),
    Case(
        r"the same with `pattern-or-alone:(film\d)`",
        "the clip is a cluster of its own",
        clips(STRAY),
        clustered("clip_folder", r"pattern-or-alone:(film\d)", FILMS + 1),
    ),
    Case(
        "a pattern that is no regular expression",
        "refused: “which is no regular expression: missing ), unterminated subpattern at position 0”",
        clips(NAMES),
        cannot_be_meant("pattern:(film"),
    ),
    Case(
        "a pattern without a group",
        "refused: “which has no group: put brackets around what the clips of a cluster have in common”",
        clips(NAMES),
        cannot_be_meant(r"pattern:film\d"),
    ),
    Case(
        "a pattern that puts nearly all clips into one cluster",
        "refused, as no folds can be cut: “puts 8 of 9 clips into one cluster ('cluster film')”",
        clips(STRAY),
        is_refused("clip_folder", "pattern:(film|trailer)"),
    ),
    Case(
        "`--cluster-by` where every clip names its person",
        "refused: “so there is nothing to cluster. Leave --cluster-by out.”",
        clips(),
        is_refused("clip_folder", "pattern:(P)"),
    ),
]
BY_COLUMN = [
    Case(
        "a table without people, and `--cluster-by column:film`",
        "clips of a film are on one side of every split; told: “6 clusters by column:film”",
        films(lambda n: f"film{n // 2}"),
        clustered("clips_csv", "column:film", 6),
    ),
    Case(
        "a column that is not there",
        "refused: “this is a file without the column movie; its first row is 'path,label,subject,film'”",
        films(lambda n: f"film{n // 2}"),
        is_refused("clips_csv", "column:movie"),
    ),
    Case(
        "an empty cell in it",
        "refused, with the clip: “1 of 12 clips without a person have an empty cell in the column film (clips/05.png)”",
        films(lambda n: "" if n == 5 else f"film{n // 2}"),
        is_refused("clips_csv", "column:film"),
    ),
    Case(
        "a column that puts nearly all clips into one cluster",
        "refused, as no folds can be cut: “puts 10 of 12 clips into one cluster ('cluster one')”",
        films(lambda n: "one" if n < 10 else f"film{n}"),
        is_refused("clips_csv", "column:film"),
    ),
    Case(
        "a column `fold` that has clips of a cluster on both sides",
        "cut anew, told: “folds as given have clips of a cluster on both sides, so they are cut anew by cluster”",
        films(lambda n: f"film{n // 2}", fold=lambda n: n % 3),
        clustered("clips_csv", "column:film", 6),
    ),
]
FAMILY = Family(
    "Clips that name nobody",
    "Each such clip counts as a person of its own, unless `--cluster-by` says which belong together. Clips that name their "
    "person keep him.",
    [*BY_NAME, *BY_COLUMN],
)
