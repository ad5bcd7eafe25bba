"""BAUM-1s: videos and a table that names them, in three formats."""

import shutil
from pathlib import Path

import openpyxl
import pytest
import xlwt

from tests.support import trees
from trainables.data import baum1s
from trainables.data.core.dataset import DataError

VIDEOS = "BAUM1s_MP4 - All"


def rewritten(root: Path, suffix: str, rows: list[list[object]]) -> Path:
    """The table in another format, in place of the .csv; numbers as a workbook keeps them."""
    (root / "Annotations_BAUM1s.csv").unlink()
    path = root / f"Annotations_BAUM1s{suffix}"
    if suffix == ".xls":
        book = xlwt.Workbook()
        sheet = book.add_sheet("s")
        for i, row in enumerate(rows):
            for j, cell in enumerate(row):
                sheet.write(i, j, cell)
        book.save(str(path))
    elif suffix == ".xlsx":
        book = openpyxl.Workbook()
        for row in rows:
            book.active.append(row)
        book.save(path)
    else:
        path.write_text("\r\n".join(";".join(map(str, row)) for row in rows), encoding="utf-8-sig")
    return path


def labels_of(dataset) -> dict[str, str]:
    return {sample.clip_id: dataset.classes[sample.label] for sample in dataset.samples}


EXPECTED = {
    **{f"S00{subject}_00{take}": label for subject in (1, 3, 5) for take, label in ((1, "anger"), (2, "disgust"))},
    **{f"S00{subject}_00{take}": label for subject in (2, 4, 6) for take, label in ((1, "fear"), (2, "happiness"))},
    "S001_004": "sadness",
    "S002_004": "surprise",
}


def test_the_six_codes_are_the_six_emotions_and_the_others_are_counted(root):
    dataset = baum1s.load(root)
    assert dataset.classes == ("anger", "disgust", "fear", "happiness", "sadness", "surprise")
    assert labels_of(dataset) == EXPECTED
    assert "6 clips of other states, left out (neutral, unsure)" in dataset.notes
    assert "6 of 31 subjects" in dataset.notes


@pytest.mark.parametrize("suffix", [".xls", ".xlsx", ".CSV"])
def test_each_format_of_the_table_says_the_same(root, suffix):
    titles = [["BAUM-1s database"], [None] * 6 if suffix == ".xlsx" else [""] * 6]
    rewritten(root, suffix, [*titles, *trees.BAUM1S_ROWS])
    assert labels_of(baum1s.load(root)) == EXPECTED


def test_a_table_without_a_column_of_row_numbers_and_with_file_names_says_the_same(root):
    rows = [[*row[1:3], f"{row[3]}.mp4".lower(), *row[4:]] for row in trees.BAUM1S_ROWS]
    rewritten(root, ".xlsx", rows)
    assert labels_of(baum1s.load(root)) == EXPECTED


def test_groups_of_subjects_are_left_out(root):
    dataset = baum1s.load(root)
    tested = [sorted({dataset.samples[i].subject for i in fold.test}) for fold in dataset.folds]
    assert tested == [["S001", "S006"], ["S002"], ["S003"], ["S004"], ["S005"]]


def test_what_table_and_videos_do_not_share_is_said(root):
    (root / VIDEOS / "s003" / "S003_001.mp4").unlink()
    trees.video(root / VIDEOS / "s003" / "S003_009.MP4")
    table = root / "Annotations_BAUM1s.csv"
    table.write_text(table.read_text().replace("S004_001,x,7", "S004_001,x,?").replace("S004_002,x,8", "S004_002,x,14"))
    dataset = baum1s.load(root)
    assert set(EXPECTED) - set(labels_of(dataset)) == {"S003_001", "S004_001", "S004_002"}
    assert "1 annotated clip without a video (S003_001)" in dataset.notes
    assert any("3 videos without an annotation (S003_009" in n or "3 videos without" in n for n in dataset.notes)
    assert any("2 rows of Annotations_BAUM1s.csv with a clip but no code from 1 to 13" in n for n in dataset.notes)


def test_either_part_alone_is_told_with_the_other(root, tmp_path):
    shutil.move(root / VIDEOS, tmp_path / "far" / VIDEOS)
    with pytest.raises(DataError, match=r"holds annotations, but no videos.*S001_001\.mp4"):
        baum1s.load(root)
    with pytest.raises(DataError, match=r"holds videos, but no annotations.*Annotations_BAUM1s\.xls"):
        baum1s.load(tmp_path / "far" / VIDEOS)


def test_the_table_of_the_acted_set_and_a_damaged_one_are_not_taken_for_it(root):
    rewritten(root, ".xlsx", trees.BAUM1S_ROWS).write_bytes(b"PK damaged")
    with pytest.raises(DataError, match=r"Annotations_BAUM1s\.xlsx: cannot be read as \.xlsx"):
        baum1s.load(root)
    (root / "Annotations_BAUM1s.xlsx").rename(root / "Annotations_BAUM1a.xlsx")
    with pytest.raises(DataError, match="no annotations were found"):
        baum1s.load(root)


def test_the_folder_of_videos_or_a_subjects_may_be_given(root):
    assert len(baum1s.load(root / VIDEOS).samples) == 14
    assert len(baum1s.load(root / VIDEOS / "s002").samples) == 14


def test_a_complete_copy_has_31_subjects_in_five_folds_and_no_note(tmp_path):
    names = [f"S{subject:03d}_{take:03d}" for subject in range(1, 32) for take in range(1, 7)]
    for name in names:
        folder = tmp_path / VIDEOS / name[:4].lower()
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{name}.mp4").touch()
    codes = list(baum1s.CODES)
    rows = [[i + 1, int(name[1:4]), "f", name, "x", codes[i % 6]] for i, name in enumerate(names)]
    trees.table(tmp_path / "Annotations_BAUM1s.csv", [trees.BAUM1S_ROWS[0], *rows])
    dataset = baum1s.load(tmp_path)
    assert len({sample.subject for sample in dataset.samples}) == 31
    assert (len(dataset.samples), len(dataset.folds), dataset.notes) == (186, 5, ())


def test_a_table_without_codes_is_refused_with_its_first_rows(root):
    rewritten(root, ".csv", [["clip", "emotion"], ["S001_001", "anger"]])
    with pytest.raises(
        DataError, match=r"no row names a clip such as S001_001.*begins 'clip,emotion', 'S001_001,anger'"
    ):
        baum1s.load(root)
