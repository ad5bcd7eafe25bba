"""FER2013: a table of pixels or folders of images, and the labels of FER+."""

import shutil
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from tests.support import trees
from trainables.data import fer2013, fer2013_plus
from trainables.data.core.dataset import DataError


def as_folders(root: Path, names: tuple[str, ...]) -> Path:
    for part, count in (("train", 10), ("test", 3)):
        for label, name in enumerate(names):
            for number in range(count):
                trees.image(root / part / name / f"{part}_{label}{number}.png", side=48)
    return root


def test_the_table_gives_its_classes_and_its_published_split(root):
    dataset = fer2013.load(root)
    assert dataset.classes == ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
    assert Counter(sample.label for sample in dataset.samples) == dict.fromkeys(range(7), 10)
    (fold,) = dataset.folds
    usages = [line.rsplit(",", 1)[1].strip() for line in (root / "fer2013.csv").read_text().splitlines()[1:]]
    assert [usages[i] for i in fold.validation] == ["PublicTest"] * 7
    assert [usages[i] for i in fold.test] == ["PrivateTest"] * 7
    assert len(fold.train) == 56
    assert dataset.notes == ("70 of 35887 images",)
    assert (dataset.faces, dataset.crop_size, dataset.samples[3].clip_id) == ("given", 60, "fer0000003")


def test_a_row_is_decoded_to_its_image(root):
    dataset = fer2013.load(root)
    text = (root / "fer2013.csv").read_text().splitlines()[1 + 33].split(",")[1]
    (frame,) = dataset.read(dataset.samples[33])
    expected = np.array(text.split(), np.uint8).reshape(48, 48)
    assert all(np.array_equal(frame[:, :, channel], expected) for channel in range(3))


def test_another_order_of_columns_quotes_and_windows_line_ends_change_nothing(root):
    rows = [line.split(",") for line in (root / "fer2013.csv").read_text().splitlines()]
    before = fer2013.load(root)
    frames = [next(before.read(sample)) for sample in before.samples]
    (root / "fer2013.csv").unlink()
    lines = [f'{emotion}, {usage}, "{pixels}"' for emotion, pixels, usage in rows]
    lines[0] = "emotion, Usage, pixels"
    (root / "icml_face_data.csv").write_bytes("\r\n".join([*lines, ""]).encode())
    after = fer2013.load(root)
    assert after.folds == before.folds
    assert np.array_equal([next(after.read(sample)) for sample in after.samples], frames)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("3,1 2 3,Training", r"row 70 has 3 pixels; 48 x 48 are needed"),
        (f"3,{'1 ' * 2500},Training", r"row 70 has 50 x 50 pixels; 48 x 48 are needed"),
        (f"3,{'300 ' * 2304},Training", r"the pixels of row 70 are not numbers from 0 to 255"),
        ("3,a b,Training", r"the pixels of row 70 are not numbers"),
    ],
)
def test_a_row_with_wrong_pixels_is_an_error_of_its_clip(root, row, message):
    path = root / "fer2013.csv"
    path.write_text(path.read_text() + row)
    dataset = fer2013.load(root)
    assert len(dataset.samples) == 71
    with pytest.raises(DataError, match=message):
        list(dataset.read(dataset.samples[70]))


def test_rows_without_a_class_or_a_part_are_left_out_and_said(root):
    path = root / "fer2013.csv"
    path.write_text(path.read_text() + "7,1 2,Training\nx,1 2,Training\n3,1 2,Somewhere\n\n3\n")
    dataset = fer2013.load(root)
    assert len(dataset.samples) == 70
    assert "2 rows of no class, left out (70, 71)" in dataset.notes
    assert "2 rows of no part, left out (72, 73)" in dataset.notes


def test_folders_are_classes_by_name_and_test_is_both_tests(tmp_path):
    names = ("anger", "Disgust", "fear", "HAPPY", "sadness", "surprise", "neutral")
    root = as_folders(tmp_path / "fer", names)
    shutil.copy(root / "test" / "fear" / "test_20.png", root / "test" / "fear" / "._test_20.png")
    (root / "train" / "sleepy").mkdir()
    (root / "test" / "neutral" / "test_60.png").rename(root / "test" / "neutral" / "test_60.JPG")
    dataset = fer2013.load(root)
    assert len(dataset.samples) == 91
    for sample in dataset.samples:
        assert sample.paths[0].parent.name == names[sample.label]
    (fold,) = dataset.folds
    assert {dataset.samples[i].paths[0].parts[-3] for i in fold.test} == {"test"}
    assert {dataset.samples[i].paths[0].parts[-3] for i in (*fold.train, *fold.validation)} == {"train"}
    assert Counter(dataset.samples[i].label for i in fold.validation) == dict.fromkeys(range(7), 1)
    assert "folders of no known class are left out (train/sleepy)" in dataset.notes
    assert any("a tenth of each class of train" in note for note in dataset.notes)
    assert len(fer2013.load(root / "train" / "fear").samples) == 91


def test_the_table_goes_before_the_folders(root):
    as_folders(root, ("angry", "disgust"))
    assert len(fer2013.load(root).samples) == 70


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", r"fer2013\.csv: the file is empty"),
        (b"emotion,pixels\n0,1 2\n", r"the header has no usage.*Expected: pixels,emotion,usage"),
        (b"emotion,pixels,Usage\n0,1 2,Training\n", r"1 images, but none of them is for test"),
    ],
)
def test_a_table_that_cannot_be_used_is_told(root, content, message):
    (root / "fer2013.csv").write_bytes(content)
    with pytest.raises(DataError, match=message):
        fer2013.load(root)


def test_fer_plus_takes_the_majority_of_the_votes(tmp_path):
    dataset = fer2013_plus.load(trees.fer2013_plus(tmp_path / "fer"))
    assert dataset.classes[7] == "contempt"
    assert [sample.label for sample in dataset.samples] == [i // 10 % 8 for i in range(70)]
    path = tmp_path / "fer" / "fer2013new.csv"
    lines = path.read_text().splitlines()
    # one rater does not count; half is no majority; unknown and no face are no classes
    for row, votes in (
        (1, "4,1,0,0,1,1,1,1,1,0"),
        (2, "5,5,0,0,0,0,0,0,0,0"),
        (3, "2,0,0,0,0,0,0,0,8,0"),
        (4, ",,,,,,,,,10"),
    ):
        lines[row] = f"Training,fer{row - 1:07d}.png,{votes}"
    path.write_text("\n".join(lines))
    dataset = fer2013_plus.load(tmp_path / "fer")
    assert [sample.clip_id for sample in dataset.samples[:2]] == ["fer0000000", "fer0000004"]
    assert dataset.samples[0].label == 0
    assert "3 of 70 images have no majority for one of the 8 classes" in dataset.notes
    assert len(dataset.samples) == 67


def test_fer_plus_needs_as_many_votes_as_images_and_the_table(tmp_path):
    root = trees.fer2013_plus(tmp_path / "fer")
    votes = root / "fer2013new.csv"
    votes.write_text("\n".join(votes.read_text().splitlines()[:-1]))
    with pytest.raises(DataError, match=r"69 rows of votes, but .*fer2013\.csv has 70 images"):
        fer2013_plus.load(root)
    votes.unlink()
    with pytest.raises(DataError, match=r"Expected: fer2013\.csv, and the votes in fer2013new\.csv"):
        fer2013_plus.load(root)
    folders = as_folders(tmp_path / "folders", fer2013.CLASSES)
    with pytest.raises(DataError, match=r"the votes belong to the rows of fer2013\.csv"):
        fer2013_plus.load(folders)


@pytest.mark.slow
def test_a_complete_copy_has_35887_images_in_the_published_parts_and_no_note(tmp_path):
    parts = ["Training"] * 28_709 + ["PublicTest"] * 3_589 + ["PrivateTest"] * 3_589
    rows = [f"{row % 7},0 0 {row},{part}" for row, part in enumerate(parts)]  # pixels are decoded when asked for
    (tmp_path / "fer2013.csv").write_text("\n".join(["emotion,pixels,Usage", *rows]))
    dataset = fer2013.load(tmp_path)
    (fold,) = dataset.folds
    assert (len(dataset.samples), dataset.notes) == (35_887, ())
    assert (len(fold.train), len(fold.validation), len(fold.test)) == (28_709, 3_589, 3_589)


def rewritten(
    root: Path, delimiter: str = ",", encoding: str = "utf-8", name: str = "fer2013.csv", change=list
) -> None:
    """The table in another hand; `change(row)` gives the cells of a row."""
    rows = [line.split(",") for line in (root / "fer2013.csv").read_text().splitlines()]
    (root / "fer2013.csv").unlink()
    lines = [delimiter.join(rows[0]), *(delimiter.join(change(row)) for row in rows[1:])]
    (root / name).write_text("\n".join(lines), encoding=encoding)


def in_words(row: list[str]) -> list[str]:
    parts = {"Training": "train", "PublicTest": "validation", "PrivateTest": "test"}
    return [fer2013.CLASSES[int(row[0])].title(), row[1], parts[row[2]]]


@pytest.mark.parametrize(
    "hand",
    [
        {"delimiter": ";"},
        {"delimiter": "\t"},
        {"encoding": "utf-8-sig"},
        {"encoding": "utf-16"},
        {"encoding": "utf-16-be", "delimiter": ";"},
        {"change": in_words},
        {"name": "fer2013"},
    ],
    ids=["semicolons", "tabs", "mark", "utf-16", "utf-16 without a mark", "words", "no ending"],
)
def test_tables_of_other_hands_give_the_same_labels_parts_and_pixels(root, hand):
    before = fer2013.load(root)
    frames = [next(before.read(sample)) for sample in before.samples]
    rewritten(root, **hand)
    after = fer2013.load(root)
    assert [sample.label for sample in after.samples] == [sample.label for sample in before.samples]
    assert after.folds == before.folds
    assert np.array_equal([next(after.read(sample)) for sample in after.samples], frames)
    assert after.notes == before.notes


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda row: [f"e{row[0]}", *row[1:]], r"no row has a class; the column emotion begins 'e0', 'e1'.*0 to 6"),
        (lambda row: [*row[:2], "a"], r"no row names a part; the column Usage begins 'a'\. Expected: Training"),
    ],
)
def test_values_that_cannot_be_read_are_shown(root, change, message):
    rewritten(root, change=change)
    with pytest.raises(DataError, match=message):
        fer2013.load(root)


def test_a_picture_in_several_parts_and_under_several_labels_is_told(root):
    path = root / "fer2013.csv"
    lines = path.read_text().splitlines()
    pixels = lines[1].split(",")[1]
    path.write_text("\n".join([*lines, f"0,{pixels},Training", f"3,{pixels.replace(' ', '  ')},PrivateTest"]))
    notes = fer2013.load(root).notes
    assert "1 picture in several parts, 1 of the copies in test; left as published" in notes
    assert "1 picture under several labels (angry/happy); left as published" in notes


def test_train_and_validation_alone_are_read_and_that_is_told(tmp_path):
    root = as_folders(tmp_path / "fer", fer2013.CLASSES)
    (root / "test").rename(root / "validation")
    shutil.copy(root / "train" / "fear" / "train_20.png", root / "validation" / "sad" / "again.png")
    dataset = fer2013.load(root)
    (fold,) = dataset.folds
    assert {dataset.samples[i].paths[0].parts[-3] for i in fold.test} == {"validation"}
    assert {dataset.samples[i].paths[0].parts[-3] for i in (*fold.train, *fold.validation)} == {"train"}
    assert (len(fold.train), len(fold.validation), len(fold.test)) == (63, 7, 22)
    assert "no part is named for test; validation is tested instead" in dataset.notes
    assert "1 picture under several labels (fear/sad); left as published" in dataset.notes


def test_votes_of_other_hands_are_read_and_cells_that_are_no_votes_are_counted(tmp_path):
    root = trees.fer2013_plus(tmp_path / "fer")
    before = fer2013_plus.load(root)
    votes = root / "fer2013new.csv"
    votes.write_text(votes.read_text().replace(",", ";"), encoding="utf-16")
    after = fer2013_plus.load(root)
    assert [sample.label for sample in after.samples] == [sample.label for sample in before.samples]
    assert after.notes == before.notes
    lines = votes.read_text(encoding="utf-16").splitlines()
    lines[70] = lines[70].replace(";0;", ";x;", 1)
    votes.write_text("\n".join(lines))
    assert "1 row of fer2013new.csv with cells that are no votes, counted as none" in fer2013_plus.load(root).notes
