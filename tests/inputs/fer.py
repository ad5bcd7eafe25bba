"""FER2013 and FER+ in tables and folders of other hands."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tests.inputs.case import Case, refusal, told
from tests.inputs.rewritten import Row, as_owners, copy_of, less, refused, rewritten
from tests.support import trees
from trainables.data import fer2013, fer2013_plus

PARTS = {"Training": "train", "PublicTest": "validation", "PrivateTest": "test"}


def fer(**hand) -> Callable[[Path], Path]:
    """A copy of fer2013.csv in another hand."""
    return copy_of("fer2013", lambda root: rewritten(root / "fer2013.csv", **hand))


def votes(**hand) -> Callable[[Path], Path]:
    """A copy of FER+ whose table of votes is in another hand."""
    return copy_of("fer2013_plus", lambda root: rewritten(root / "fer2013new.csv", **hand))


def in_words(row: Row) -> Row:
    return row if row[0] == "emotion" else [fer2013.CLASSES[int(row[0])].title(), row[1], PARTS[row[2]]]


def numbered(row: Row) -> Row:
    return ["" if row[0] == "emotion" else "7", *row]


def train_and_validation(root: Path) -> Path:
    """Folders as the commonest copy has them, and no part called test."""
    for part, num_images in (("train", 10), ("validation", 3)):
        for place, name in enumerate(fer2013.CLASSES):
            for number in range(num_images):
                value = 30 * place + number + 12 * (part == "validation")
                trees.image(root / part / name / f"{number}.png", side=48, value=value)
    return root


def validation_is_tested(root: Path) -> str:
    dataset = fer2013.load(root)
    (fold,) = dataset.folds
    assert (len(fold.train), len(fold.validation), len(fold.test)) == (63, 7, 21)
    assert {dataset.samples[index].paths[0].parts[-3] for index in fold.test} == {"validation"}
    return told(dataset)


def spoilt(find: str, put: str) -> Callable[[Path], Path]:
    """A copy of fer2013.csv with the first such text replaced."""

    def change(root: Path) -> None:
        path = root / "fer2013.csv"
        path.write_text(path.read_text().replace(find, put, 1))

    return copy_of("fer2013", change)


def again_in_test(root: Path) -> None:
    path = root / "fer2013.csv"
    rows = path.read_text().splitlines()
    path.write_text("\n".join([*rows, f"3,{rows[1].split(',')[1]},PrivateTest"]))


def told_of_fer(root: Path) -> str:
    dataset = fer2013.load(root)
    assert len(dataset.samples) == 71
    return told(dataset)


def a_picture_too_small(root: Path) -> str:
    dataset = fer2013.load(root)
    assert sum(1 for sample in dataset.samples[1:] for _ in dataset.read(sample)) == 69
    return refusal(lambda _: list(dataset.read(dataset.samples[0])), root)


def shrunk(root: Path) -> None:
    path = root / "fer2013.csv"
    rows = path.read_text().splitlines()
    path.write_text("\n".join([rows[0], f"0,{'9 ' * 63}9,Training", *rows[2:]]))


def a_vote_less(root: Path) -> None:
    path = root / "fer2013new.csv"
    path.write_text("\n".join(path.read_text().splitlines()[:-1]))


def undecided(root: Path) -> None:
    path = root / "fer2013new.csv"
    rows = path.read_text().splitlines()
    path.write_text("\n".join([rows[0], "Training,fer0000000.png,5,5,0,0,0,0,0,0,0,0", *rows[2:]]))


CASES = [
    Case("fer2013.csv with semicolons", "the owners' labels, parts and pixels", fer(divider=";"), as_owners(fer2013)),
    Case("fer2013.csv with tabs in UTF-16", "the same", fer(divider="\t", encoding="utf-16"), as_owners(fer2013)),
    Case(
        "fer2013.csv with names of classes, and train, validation, test",
        "the same",
        fer(change=in_words),
        as_owners(fer2013),
    ),
    Case("fer2013.csv with a column of row numbers in front", "the same", fer(change=numbered), as_owners(fer2013)),
    Case(
        "fer2013.csv with its columns in another order",
        "the same",
        fer(change=lambda row: row[::-1]),
        as_owners(fer2013),
    ),
    Case(
        "fer2013.csv with quotes around every cell",
        "the same",
        fer(change=lambda row: [f'"{cell}"' for cell in row]),
        as_owners(fer2013),
    ),
    Case("`fer2013` without its ending", "the same", fer(name="fer2013"), as_owners(fer2013)),
    Case(
        "FER2013 as folders, `train` and `validation` alone",
        "validation is tested, told: “no part is named for test; validation is tested instead”",
        train_and_validation,
        validation_is_tested,
    ),
    Case(
        "fer2013.csv with a row of an unknown class",
        "left out, told: “1 row of no class, left out (0)”",
        spoilt("\n0,", "\nbored,"),
        less(fer2013, 1),
    ),
    Case(
        "fer2013.csv without any class that is known",
        "refused, with what is there: “no row has a class; the column emotion begins 'e0', 'e1', 'e2', 'e3', 'e4', ...”",
        fer(change=lambda row: [row[0] if row[0] == "emotion" else f"e{row[0]}", *row[1:]]),
        refused(fer2013),
    ),
    Case(
        "fer2013.csv without a part that is known",
        "refused, with what is there: “no row names a part; the column Usage begins 'a'”",
        fer(change=lambda row: row if row[0] == "emotion" else [*row[:2], "a"]),
        refused(fer2013),
    ),
    Case(
        "fer2013.csv with a picture of 8 x 8 px",
        "that picture is dropped: “row 0 has 8 x 8 pixels; 48 x 48 are needed”",
        copy_of("fer2013", shrunk),
        a_picture_too_small,
    ),
    Case(
        "the same picture in several parts, under several labels",
        "left as published, told: “1 picture in several parts, 1 of the copies in test”, "
        "“1 picture under several labels (angry/happy)”",
        copy_of("fer2013", again_in_test),
        told_of_fer,
    ),
    Case(
        "the votes of FER+ with semicolons in UTF-16",
        "the same majorities",
        votes(divider=";", encoding="utf-16"),
        as_owners(fer2013_plus),
    ),
    Case(
        "an image of FER+ without a majority",
        "left out, told: “1 of 70 images have no majority for one of the 8 classes”",
        copy_of("fer2013_plus", undecided),
        less(fer2013_plus, 1),
    ),
    Case(
        "fewer rows of votes than images",
        "refused: “69 rows of votes, but”",
        copy_of("fer2013_plus", a_vote_less),
        refused(fer2013_plus),
    ),
]
