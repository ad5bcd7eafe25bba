"""Tables: clips of one's own given as a table (`clips_csv`), in every hand."""

from __future__ import annotations

import functools
from pathlib import Path

from tests.inputs import published
from tests.inputs.case import Case, Family
from tests.inputs.tabulated import (
    CLASSES,
    PEOPLE,
    each_once,
    gives,
    in_turn,
    is_refused,
    lines,
    require,
    text,
    workbook,
)
from tests.support import trees
from trainables.data import clips_csv


def frames_elsewhere(folder: Path) -> Path:
    """A clip as a folder of frames, and one by an absolute path."""
    (folder / "table").mkdir()
    far = trees.image(folder / "far.png", value=20)
    for frame in (1, 2, 10):
        trees.image(folder / "table" / "frames" / f"{frame}.png", value=0)
    places = {0: "frames", 1: far}
    return text(path=lambda n: places.get(n, f"clips/{n:02d}.png"))(folder / "table")


def accents_in_two(folder: Path) -> Path:
    path = text(path=lambda n: "clips/Zo\xeb.png" if n == 3 else f"clips/{n:02d}.png")(folder)
    (folder / "clips" / "03.png").rename(folder / "clips" / "Zoe\u0308.png")
    return path


def two_tables(folder: Path) -> Path:
    text()(folder)
    text(name="again.csv")(folder)
    return folder


def beside_another(folder: Path) -> Path:
    text()(folder)
    trees.table(folder / "ages.csv", [["name", "age"], ["anna", 30]])
    return folder


def without_one_file(folder: Path) -> Path:
    path = text()(folder)
    (folder / "clips" / "05.png").unlink()
    return path


def no_workbook(folder: Path) -> Path:
    (folder / "clips.xlsx").write_bytes(b"PK damaged")
    return folder / "clips.xlsx"


def families(n: int) -> str:
    return {0: "family 1", 2: "Family 1 "}.get(n, "")


def in_a_family(n: int) -> str:
    return "anna + ben" if n < 4 else PEOPLE[n // 2]


def by_class(path: Path) -> str:
    found = [one.votes for one in clips_csv.load(path).samples]
    assert found == [tuple(float(n) if name == "sad" else 2.0 for name in sorted(CLASSES)) for n in range(len(found))]
    return gives()(path)


WORDS = ("train", "train", "Train", "validation", "test", "train")
HANDS = [
    Case("`path,label,subject`, divided by commas", "read", text(), gives()),
    Case("semicolons, as Excel writes them in many countries", "read", text(";"), gives()),
    Case("tabs, called `.csv` or `.tsv`", "read", text("\t", name="clips.tsv"), gives()),
    Case(
        "'Unicode text' of Excel: UTF-16 with tabs",
        "read",
        text("\t", encoding="utf-16"),
        gives(),
    ),
    Case(
        "UTF-8 with a byte order mark, lines that end as on Windows",
        "read",
        text(encoding="utf-8-sig", ending="\r\n"),
        gives(),
    ),
    Case(
        "the code page of Windows, for `Zoë` and `O’Brien`",
        "the names are right",
        text(";", encoding="cp1252", subject=lambda n: ("Zoë", "O’Brien", *PEOPLE)[n // 2]),
        gives(people=lambda n: ("Zoë", "O’Brien", *PEOPLE)[n // 2]),
    ),
    Case("Excel's first line `sep=;`", "heard", text(";", before="sep=;\n"), gives()),
    Case("`.xlsx`, empty rows at its end", "the first sheet is read", workbook(".xlsx"), gives()),
    Case("an `.xlsx` called `.csv`", "read by its content", workbook(".xlsx", as_name="clips.csv"), gives()),
    Case("`.xls` of an old Excel", "the first sheet is read", workbook(".xls"), gives()),
    Case(
        "columns in another order, their names in capitals",
        "read",
        lines(
            lambda all_: [
                ",".join(row.split(",")[::-1]).upper() if row == all_[0] else ",".join(row.split(",")[::-1])
                for row in all_
            ]
        ),
        gives(),
    ),
    Case(
        "a cell in quotes that holds commas and a line break",
        "one cell",
        text(note=lambda n: '"one, two\nthree"'),
        gives(),
    ),
    Case("paths with the `\\` of Windows", "read", text(path=lambda n: f"clips\\{n:02d}.png"), gives()),
    Case("`Zoë.png` with its ë in one character, which macOS stores in two", "found", accents_in_two, gives()),
    Case("a folder of frames, an absolute path", "read", frames_elsewhere, gives()),
    Case(
        "the folder that holds the table, with other tables beside it",
        "the table with the columns is read",
        beside_another,
        gives(),
    ),
]
COLUMNS = [
    Case(
        "numbers of folds",
        "each is tested in turn, the next validates",
        text(fold=lambda n: 1 + n // 2 % 3),
        in_turn("ad", "be", "cf", validated=("be", "cf", "ad")),
    ),
    Case(
        "the words train, validation, test as folds",
        "the one fold",
        text(fold=lambda n: WORDS[n // 2]),
        in_turn("e", validated=("d",)),
    ),
    Case(
        "no folds",
        "five, by person: nobody is tested twice",
        text(),
        each_once,
    ),
    Case(
        "a person in two folds",
        "refused, by name: “in the train part and in the validation part of fold 0”",
        text(fold=lambda n: n % 3),
        is_refused,
    ),
    Case(
        "two folds only",
        "refused: “the column fold says 0, 1. Expected: train, validation and test, or at least 3 numbers”",
        text(fold=lambda n: n // 2 % 2),
        is_refused,
    ),
    Case(
        "a column `weight`, or `votes` for the label",
        "the clip counts by it in training, as one of weight 1 where the cell is empty",
        text(votes=lambda n: n or ""),
        gives(),
    ),
    Case(
        "a weight that is no number above 0",
        "refused, with the row: “a number above 0 is needed, or nothing”",
        text(weight=lambda n: 0),
        is_refused,
    ),
    Case(
        "columns of votes for each class, such as `votes:sad`",
        "kept, for networks that learn from `soft_labels`",
        text(**{f"votes:{name}": lambda n, name=name: n if name == "sad" else 2 for name in CLASSES}),
        by_class,
    ),
    Case(
        "votes for what is no class",
        "not counted, told: “votes for what no clip has for its label, not counted: bored”",
        text(**{"votes:bored": lambda n: 3}),
        gives(),
    ),
    Case(
        "people who share a `group`",
        "one person in every split, told: “people who share a group are one subject: anna + ben”",
        text(group=families),
        gives(people=in_a_family),
    ),
    Case(
        "several spellings of a person or a label",
        "one, told: “people: 'anna' and 'ANNA' are taken for one name”",
        text(subject=lambda n: "ANNA" if n == 1 else PEOPLE[n // 2]),
        gives(),
    ),
    Case(
        "the same with `--keep-spelling`",
        "two people",
        text(subject=lambda n: "ANNA" if n == 1 else PEOPLE[n // 2]),
        functools.partial(
            require,
            functools.partial(clips_csv.load, keep_spelling=True),
            people=lambda n: "ANNA" if n == 1 else PEOPLE[n // 2],
        ),
    ),
    Case(
        "other columns",
        "not read, told: “columns that are not read: camera, note”",
        text(camera=lambda n: 3, note=lambda n: "dark"),
        gives(),
    ),
]
REFUSED = [
    Case(
        "a row whose file is not there",
        "left out, told: “1 clip not there (row 7: clips/05.png)”",
        without_one_file,
        gives(missing=(5,)),
    ),
    Case(
        "no file there at all",
        "refused: “none of 12 clips is there: 12 clips not there (row 2: 0.png, row 3: 1.png, row 4: 2.png and 9 more)”",
        text(path=lambda n: f"{n}.png"),
        is_refused,
    ),
    Case(
        "a path that leaves the folder of the table",
        "refused: “row 2 leaves the folder of the table ('../0.png')”",
        text(path=lambda n: f"../{n}.png"),
        is_refused,
    ),
    Case(
        "a clip in two rows",
        "refused: “rows 2 and 3 name the same clip, 'clips/00.png'”",
        text(path=lambda n: "clips/00.png"),
        is_refused,
    ),
    Case(
        "an empty cell",
        "refused, with its row: “row 6 has no label ('clips/04.png,,cleo')”",
        text(label=lambda n: "" if n == 4 else CLASSES[n % 2]),
        is_refused,
    ),
    Case(
        "a comma within a cell without quotes",
        "refused, with its row: “row 3 has more cells than the header ('clips/0,1.png,sad,anna'); "
        "a comma within a cell needs quotes around the cell”",
        text(path=lambda n: "clips/0,1.png" if n == 1 else f"clips/{n:02d}.png"),
        is_refused,
    ),
    Case(
        "a column missing",
        "refused: “this is a file without the column subject; its first row is 'path,label'”",
        lines(lambda all_: [row.rpartition(",")[0] for row in all_]),
        is_refused,
    ),
    Case(
        "a row that names no clip, such as `a.heic` or `a.mp4.part`",
        "left out, told: “1 path of neither a video, an image nor a folder of frames (row 2: clips.csv)”",
        text(path=lambda n: f"clips/{n:02d}.png" if n else "clips.csv"),
        gives(missing=(0,)),
    ),
    Case("a header alone", "refused: “there is no row below the header”", lines(lambda all_: all_[:1]), is_refused),
    Case(
        "one class only",
        "refused: “only one class (sad); at least two are needed”",
        text(label=lambda n: "sad"),
        is_refused,
    ),
    Case(
        "two people only",
        "refused: “2 subjects (anna, ben); at least 3 are needed”",
        text(subject=lambda n: PEOPLE[n % 2]),
        is_refused,
    ),
    Case(
        "two tables with the columns in one folder",
        "refused: “2 tables in here (again.csv, clips.csv), 2 with the columns; give the one”",
        two_tables,
        is_refused,
    ),
    Case("a damaged `.xlsx`", "refused: “cannot be read as .xlsx”", no_workbook, is_refused),
]


FAMILY = Family(
    "Tables",
    "First, clips of your own in one table (`clips_csv`); then those of published sets, as other hands write them. What is "
    "unambiguous is read; else the first values found are shown.",
    [*HANDS, *COLUMNS, *REFUSED, *published.CASES],
)
