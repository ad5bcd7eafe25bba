"""Tables of published sets, written anew by other hands: what is read of them is what is read of the owners'."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import openpyxl

from tests.inputs import fer
from tests.inputs.case import Case
from tests.inputs.rewritten import Row, as_owners, copy_of, is_header, refused, rewritten
from tests.support import trees
from trainables.data import baum1s, dfew

SETS = "EmoLabel_DataSplit"


def lists(change: Callable[[Row], Row] = list, **hand) -> Callable[[Path], Path]:
    """A copy of DFEW whose lists are in another hand."""

    def rewrite(root: Path) -> None:
        for path in sorted((root / SETS).rglob("set_*.csv")):
            rewritten(path, change, **hand)

    return copy_of("dfew", rewrite)


def from_zero(row: Row) -> Row:
    return row if is_header(row) else [row[0], str(int(row[1]) - 1)]


def of_files_and_words(row: Row) -> Row:
    return ["path", "emotion"] if is_header(row) else [f"clips/{row[0]:>05}.mp4", dfew.CLASSES[int(row[1]) - 1].title()]


def either_way(row: Row) -> Row:
    return row if is_header(row) else [row[0], str(min(int(row[1]) - 1, 5))]


def workbook_of_annotations(root: Path) -> None:
    (root / "Annotations_BAUM1s.csv").unlink()
    book = openpyxl.Workbook()
    for row in [["BAUM-1s"], [], *trees.BAUM1S_ROWS]:
        book.active.append(row)
    book.save(root / "Annotations_BAUM1s.xlsx")


def annotations(**hand) -> Callable[[Path], Path]:
    return copy_of("baum1s", lambda root: rewritten(root / "Annotations_BAUM1s.csv", **hand))


DFEW = [
    Case(
        "the lists of DFEW with labels from 0",
        "the owners' classes and folds, told: “the labels count from 0 (the owners' from 1): 0 is happy, 6 is fear”",
        lists(from_zero),
        as_owners(dfew),
    ),
    Case(
        "the lists of DFEW with labels 0 to 5",
        "refused, as they may be either: “the labels are 0, 1, 2, 3, 4, 5, which may count from 0 or from 1”",
        lists(either_way),
        refused(dfew),
    ),
    Case(
        "the lists of DFEW without a header",
        "the owners' classes and folds",
        lists(lambda row: [] if is_header(row) else row),
        as_owners(dfew),
    ),
    Case(
        "the lists of DFEW with a column of row numbers in front",
        "the same",
        lists(lambda row: ["" if is_header(row) else "9", *row]),
        as_owners(dfew),
    ),
    Case("the lists of DFEW, label first", "the same", lists(lambda row: row[::-1]), as_owners(dfew)),
    Case(
        "the lists of DFEW with `clips/00001.mp4` and `Happy`", "the same", lists(of_files_and_words), as_owners(dfew)
    ),
    Case(
        "the lists of DFEW with semicolons, tabs, or in UTF-16",
        "the same",
        lists(divider=";", encoding="utf-16"),
        as_owners(dfew),
    ),
    Case(
        "the lists of DFEW with words that are no class",
        "refused, with what is there: “rows name no clip or no class; the first rows are 'video_name,label'”",
        lists(lambda row: row if is_header(row) else [row[0], "x"]),
        refused(dfew),
    ),
]
BAUM = [
    Case(
        "the table of BAUM-1s as `.xlsx`, with titles above",
        "the owners' classes and folds",
        copy_of("baum1s", workbook_of_annotations),
        as_owners(baum1s),
    ),
    Case("the table of BAUM-1s with semicolons", "the same", annotations(divider=";"), as_owners(baum1s)),
    Case(
        "the table of BAUM-1s with `s001_001.mp4`, without row numbers",
        "the same",
        annotations(change=lambda row: [*row[1:3], f"{row[3]}.mp4".lower(), *row[4:]]),
        as_owners(baum1s),
    ),
    Case(
        "the table of BAUM-1s without codes",
        "refused, with what is there: “it begins 'Clip Name,Emotion', 'S001_001,x'”",
        annotations(change=lambda row: row[3:5]),
        refused(baum1s),
    ),
]
CASES = [*fer.CASES, *DFEW, *BAUM]
