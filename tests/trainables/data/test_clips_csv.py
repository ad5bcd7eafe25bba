"""Clips given as one table."""

from pathlib import Path

import numpy as np
import pytest

from tests.support import trees
from trainables.data import clips_csv
from trainables.data.core.dataset import DataError

PEOPLE = ("anna", "ben", "cleo", "dan", "eva", "finn")


def rows_of(**columns) -> list[list[object]]:
    """Two clips of each of six people; each column has a function of the clip's number."""
    given = {
        "path": lambda n: f"clips/{n:02d}.png",
        "label": lambda n: ("happy", "sad")[n % 2],
        "subject": lambda n: PEOPLE[n // 2],
        **columns,
    }
    return [list(given), *([make(n) for make in given.values()] for n in range(12))]


def table(root: Path, rows: list[list[object]], name: str = "clips.csv") -> Path:
    for number in range(12):
        trees.image(root / "clips" / f"{number:02d}.png", value=20 * number)
    return trees.table(root / name, rows)


def people_of(dataset, part) -> set[str]:
    return {dataset.samples[index].subject for index in part}


def test_the_table_or_its_folder_gives_labels_people_folds_and_pixels(tmp_path):
    path = table(tmp_path, rows_of())
    dataset = clips_csv.load(path)
    assert dataset.classes == ("happy", "sad")
    assert [sample.label for sample in dataset.samples] == [0, 1] * 6
    assert [sample.subject for sample in dataset.samples] == [PEOPLE[n // 2] for n in range(12)]
    assert dataset.samples[3].clip_id == "clips/03.png"
    assert (len(dataset.folds), dataset.cut_by_subject, dataset.notes) == (5, True, ())
    (frame,) = dataset.read(dataset.samples[3])
    assert np.abs(frame.astype(int) - 60).max() <= 2
    assert clips_csv.load(tmp_path).samples == dataset.samples


@pytest.mark.parametrize("column", ["weight", "votes"])
def test_a_clip_counts_by_its_weight_or_its_votes(tmp_path, column):
    cells = {0: "3", 1: "0,5", 2: ""}
    dataset = clips_csv.load(table(tmp_path, rows_of(**{column: lambda n: cells.get(n, 1)})))
    assert [sample.weight for sample in dataset.samples[:4]] == [3, 0.5, 1, 1]
    assert dataset.notes == ()


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"weight": lambda n: -n}, r"row 2 has the weight '0'; a number above 0 is needed, or nothing"),
        ({"votes": lambda n: "many"}, r"row 2 has the votes 'many'; a number above 0"),
        ({"weight": lambda n: 1, "votes": lambda n: 2}, r"row 2 has a weight and votes; one of them says"),
    ],
)
def test_a_weight_that_cannot_be_used_is_refused_with_its_row(tmp_path, columns, message):
    with pytest.raises(DataError, match=message):
        clips_csv.load(table(tmp_path, rows_of(**columns)))


def test_a_folder_of_frames_and_an_absolute_path_are_clips(tmp_path):
    far = trees.image(tmp_path / "far" / "a.png", value=99)
    for frame in (10, 2):
        trees.image(tmp_path / "data" / "frames" / f"{frame}.png", value=frame)
    places = {0: "frames", 1: tmp_path / "far" / "a.png"}
    dataset = clips_csv.load(table(tmp_path / "data", rows_of(path=lambda n: places.get(n, f"clips/{n:02d}.png"))))
    assert [path.name for path in dataset.samples[0].paths] == ["2.png", "10.png"]
    assert dataset.samples[1].paths == (tmp_path / "far" / "a.png",), far


def test_numbers_of_folds_are_tested_in_turn_and_the_next_validates(tmp_path):
    dataset = clips_csv.load(table(tmp_path, rows_of(fold=lambda n: 1 + n // 2 % 3)))
    assert [people_of(dataset, fold.test) for fold in dataset.folds] == [
        {"anna", "dan"},
        {"ben", "eva"},
        {"cleo", "finn"},
    ]
    assert [people_of(dataset, fold.validation) for fold in dataset.folds] == [
        *({"ben", "eva"}, {"cleo", "finn"}, {"anna", "dan"})
    ]
    assert people_of(dataset, dataset.folds[0].train) == {"cleo", "finn"}
    assert not dataset.cut_by_subject


def test_words_of_folds_are_the_only_fold(tmp_path):
    words = ("train", "train", "Train", "validation", "test", "train")
    dataset = clips_csv.load(table(tmp_path, rows_of(fold=lambda n: words[n // 2])))
    (fold,) = dataset.folds
    assert people_of(dataset, fold.test) == {"eva"}
    assert people_of(dataset, fold.validation) == {"dan"}
    assert len(fold.train) == 8


def test_people_who_share_a_group_are_split_as_one(tmp_path):
    groups = {0: "family 1", 2: "Family 1 ", 3: "x", 6: "x"}
    dataset = clips_csv.load(table(tmp_path, rows_of(group=lambda n: groups.get(n, ""))))
    assert [sample.subject for sample in dataset.samples[::2]] == [
        *("anna + ben + dan", "anna + ben + dan", "cleo", "anna + ben + dan", "eva", "finn")
    ]
    assert len(dataset.folds) == 4
    assert dataset.notes == ("people who share a group are one subject: anna + ben + dan",)
    split = rows_of(group=lambda n: groups.get(n, ""), fold=lambda n: n // 2 % 3)
    with pytest.raises(DataError, match=r"Subject 'anna \+ ben \+ dan' is in"):
        clips_csv.load(table(tmp_path, split))


def test_spellings_are_one_name_unless_kept(tmp_path):
    rows = rows_of(
        label=lambda n: ("happy", "sad", "Happy")[n % 2 + 2 * (n == 4)],
        subject=lambda n: "ANNA " if n == 1 else PEOPLE[n // 2],
    )
    path = table(tmp_path, rows)
    dataset = clips_csv.load(path)
    assert dataset.classes == ("happy", "sad")
    assert len({sample.subject for sample in dataset.samples}) == 6
    assert {note.split(":")[0] for note in dataset.notes} == {"classes", "people"}
    rows[5][1] = "happy"
    assert len({sample.subject for sample in clips_csv.load(table(tmp_path, rows), keep_spelling=True).samples}) == 7


def test_missing_files_and_columns_that_are_not_read_are_told(tmp_path):
    places = {0: "clips.csv", 1: "a.heic", 2: "clips/02.png.part"}
    for name in list(places.values())[1:]:
        (tmp_path / "clips").mkdir(exist_ok=True)
        (tmp_path / name).write_text("x")
    path = table(
        tmp_path, rows_of(mood=lambda n: 3, Age=lambda n: 30, path=lambda n: places.get(n, f"clips/{n:02d}.png"))
    )
    (tmp_path / "clips" / "05.png").unlink()
    dataset = clips_csv.load(path)
    assert len(dataset.samples) == 8
    assert dataset.notes == (
        "columns that are not read: mood, age",
        "1 clip not there (row 7: clips/05.png)",
        "3 paths of neither a video, an image nor a folder of frames (row 2: clips.csv, row 3: a.heic, "
        "row 4: clips/02.png.part)",
    )


@pytest.mark.parametrize("hand", [(";", "utf-8-sig"), ("\t", "utf-16")])
def test_other_delimiters_and_encodings_say_the_same(tmp_path, hand):
    before = clips_csv.load(table(tmp_path, rows_of()))
    text = (tmp_path / "clips.csv").read_text().replace(",", hand[0])
    (tmp_path / "clips.csv").write_text(text, encoding=hand[1])
    assert clips_csv.load(tmp_path).samples == before.samples


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"path": lambda n: f"../{n}.png"}, r"row 2 leaves the folder of the table \('\.\./0\.png'\)"),
        ({"path": lambda n: f"clips/../../{n}.png"}, r"row 2 leaves the folder"),
        ({"path": lambda n: "clips/00.png"}, r"rows 2 and 3 name the same clip, 'clips/00\.png'"),
        ({"path": lambda n: f"{n}.png"}, r"none of 12 clips is there: 12 clips not there \(row 2: 0\.png, row 3"),
        ({"path": lambda n: "x" * 300 + str(n)}, r"none of 12 clips is there: 12 clips not there \(row 2: xxx"),
        ({"subject": lambda n: "" if n == 4 else "x"}, r"row 6 has no subject \('clips/04\.png,happy,"),
        ({"subject": lambda n: "x"}, r"1 subject \(x\); at least 3 are needed"),
        ({"label": lambda n: "sad"}, r"only one class \(sad\)"),
        ({"fold": lambda n: "" if n == 2 else n // 2}, r"row 4 has the fold ''\. Expected: a whole number"),
        (
            {"fold": lambda n: n // 2 % 2},
            r"the column fold says 0, 1\. Expected: train, validation and test, or at least 3",
        ),
        ({"fold": lambda n: n % 3}, r"Subject '\w+' is in .* of fold 0"),
    ],
)
def test_what_is_wrong_is_told_with_its_row(tmp_path, columns, message):
    path = table(tmp_path, rows_of(**columns))
    with pytest.raises(DataError, match=message):
        clips_csv.load(path)


def test_paths_written_on_windows_are_found_and_do_not_leave_the_folder_either(tmp_path):
    dataset = clips_csv.load(table(tmp_path, rows_of(path=lambda n: f".\\clips\\{n:02d}.png")))
    assert [sample.paths[0].name for sample in dataset.samples] == [f"{n:02d}.png" for n in range(12)]
    with pytest.raises(DataError, match=r"row 2 leaves the folder of the table"):
        clips_csv.load(table(tmp_path, rows_of(path=lambda n: f"..\\{n:02d}.png")))


def test_accents_in_one_character_or_in_two_are_one_path(tmp_path):
    rows = rows_of(path=lambda n: f"clips/Zo\xeb {n}.png")
    for number in range(12):
        trees.image(tmp_path / "clips" / f"Zoe\u0308 {number}.png", value=20 * number)
    dataset = clips_csv.load(trees.table(tmp_path / "clips.csv", rows))
    assert [int(next(dataset.read(sample))[0, 0, 0]) for sample in dataset.samples] == [20 * n for n in range(12)]


def test_the_table_is_the_one_with_the_columns(tmp_path):
    table(tmp_path, rows_of())
    trees.table(tmp_path / "other.csv", [["name", "age"], ["anna", 3]])
    assert len(clips_csv.load(tmp_path).samples) == 12
    trees.table(tmp_path / "again.csv", rows_of())
    with pytest.raises(DataError, match=r"3 tables in here \(again\.csv, clips\.csv, other\.csv\), 2 with the columns"):
        clips_csv.load(tmp_path)
    with pytest.raises(DataError, match=r"without the columns path, label, subject; its first row is 'name,age'"):
        clips_csv.load(tmp_path / "other.csv")


def test_a_row_of_more_cells_than_the_header_and_a_table_of_none_are_refused(tmp_path):
    rows = rows_of()
    rows[3] = ["clips/0", "2.png", "happy", "ben"]
    with pytest.raises(DataError, match=r"row 4 has more cells than the header \('clips/0,2\.png,happy,ben'\)"):
        clips_csv.load(table(tmp_path, rows))
    with pytest.raises(DataError, match=r"there is no row below the header"):
        clips_csv.load(table(tmp_path, rows[:1]))
