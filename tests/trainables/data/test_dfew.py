"""DFEW: four forms of the same clips, folds and labels in tables."""

import shutil
from collections import Counter
from pathlib import Path

import openpyxl
import pytest

from tests.support import trees
from trainables.data import dfew
from trainables.data.core.dataset import DataError

FORMS = ("clip_224x224", "clip_224x224_16f", "clip_224x224_avi", "original")
SETS = "EmoLabel_DataSplit"


def annotation(root: Path, rows: list[list[object]]) -> None:
    """The workbook of the owners: votes, the clip's name, the label."""
    book = openpyxl.Workbook()
    votes = [f"{code}{name}" for code, name in enumerate(dfew.CLASSES, 1)]
    for row in ([*votes, "order", "annotation"], *rows):
        book.active.append(row)
    (root / "Annotation").mkdir()
    book.save(root / "Annotation" / "annotation.xlsx")


@pytest.mark.parametrize("form", FORMS)
def test_each_form_gives_the_same_clips(form, tmp_path):
    dataset = dfew.load(trees.dfew(tmp_path / "DFEW", form))
    assert dataset.classes == ("happy", "sad", "neutral", "angry", "surprise", "disgust", "fear")
    assert [sample.clip_id for sample in dataset.samples] == [f"{number:05d}" for number in range(1, 41)]
    assert [sample.label for sample in dataset.samples[:7]] == [1, 2, 3, 4, 5, 6, 0]
    assert {sample.subject for sample in dataset.samples} == {None}
    assert dataset.faces == ("find" if form == "original" else "given")
    assert dataset.notes == ("40 of 11697 single-labelled clips",)


@pytest.mark.parametrize("form", FORMS[:2])
def test_frames_come_in_the_order_of_time_padded_or_not(form, tmp_path):
    dataset = dfew.load(trees.dfew(tmp_path / "DFEW", form))
    greys = [int(frame.mean()) for frame in dataset.read(dataset.samples[0])]
    assert len(greys) == 11
    assert greys == sorted(greys)


def test_the_published_sets_are_the_folds_and_validation_is_cut_by_class(root):
    dataset = dfew.load(root)
    assert len(dataset.folds) == 5
    for k, fold in enumerate(dataset.folds):
        assert {int(dataset.samples[i].clip_id) for i in fold.test} == {n for n in range(1, 41) if n // 7 % 5 == k}
        assert sorted((*fold.train, *fold.validation, *fold.test)) == list(range(40))
        assert set(Counter(dataset.samples[i].label for i in fold.validation).values()) == {1}
    assert dfew.load(root).folds == dataset.folds


def test_the_form_with_most_clips_is_read_and_of_equals_the_face_crops(root):
    for number in range(1, 41):
        trees.dfew_clip(root, "original", number)
        trees.dfew_clip(root, "clip_224x224_16f", number)
    dataset = dfew.load(root)
    assert all("/clip_224x224/" in str(sample.paths[0]) for sample in dataset.samples)
    assert "clip_224x224 is read, clip_224x224_16f, original left aside" in dataset.notes
    shutil.rmtree(root / "Clip" / "clip_224x224" / "00007")
    assert "clip_224x224_16f is read, original, clip_224x224 left aside" in dfew.load(root).notes


def test_clips_without_a_label_and_labels_without_a_clip_are_left_out(root):
    trees.dfew_clip(root, "clip_224x224", 99)
    shutil.rmtree(root / "Clip" / "clip_224x224" / "00003")
    dataset = dfew.load(root)
    assert "00099" not in {sample.clip_id for sample in dataset.samples}
    assert "1 labelled clip not in clip_224x224 (00003)" in dataset.notes
    assert "39 of 11697 single-labelled clips" in dataset.notes


def test_an_empty_folder_is_kept_to_be_named_when_it_is_read(root):
    folder = root / "Clip" / "clip_224x224" / "00002"
    shutil.rmtree(folder)
    folder.mkdir()
    (folder / "._00002_00001.jpg").write_bytes(b"twin")
    dataset = dfew.load(root)
    with pytest.raises(DataError, match="00002: the clip has no frames"):
        list(dataset.read(dataset.samples[1]))


def test_the_workbook_alone_gives_labels_and_folds_of_our_own(root):
    shutil.rmtree(root / SETS)
    annotation(root, [[*[0] * 7, number, number % 8] for number in range(1, 41)])
    dataset = dfew.load(root)
    assert len(dataset.samples) == 35  # 0 is no single label
    assert dataset.samples[0].label == 0
    assert "the published folds were not found; 5 are cut by clip instead" in dataset.notes
    assert sorted(index for fold in dataset.folds for index in fold.test) == list(range(35))
    for fold in dataset.folds:
        assert set(Counter(dataset.samples[i].label for i in fold.test).values()) == {1}


def test_some_of_the_sets_give_some_of_the_folds(root):
    for k in (2, 3, 4, 5):
        for part in ("train", "test"):
            (root / SETS / f"{part}(single-labeled)" / f"set_{k}.csv").unlink()
    dataset = dfew.load(root)
    assert len(dataset.folds) == 1
    assert "1 of 5 folds have clips to train, validate and test" in dataset.notes


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("half gone", r"set_3\.csv is missing in test\(single-labeled\)"),
        ("on both sides", r"set_2 has clips both in train and in test \(7\)"),
        ("labels differ", r"the sets disagree about the label of clip 7"),
        ("no labels", r"Clip/clip_224x224 holds clips, but no labels were found\. Expected: Clip/"),
        ("no clips", r"EmoLabel_DataSplit holds labels, but no clips were found"),
        ("other clips", r"none of 40 labels is of a clip in .*clip_224x224"),
    ],
)
def test_what_makes_it_unusable_is_told(root, change, message):
    sets = root / SETS
    clips = root / "Clip" / "clip_224x224"
    if change == "half gone":
        (sets / "test(single-labeled)" / "set_3.csv").unlink()
    elif change in ("on both sides", "labels differ"):
        path = sets / "train(single-labeled)" / f"set_{2 if change == 'on both sides' else 1}.csv"
        lines = [line for line in path.read_text().splitlines() if not line.startswith("7,")]
        path.write_text("\n".join([*lines, "7,1" if change == "on both sides" else "7,5"]))
    elif change == "no labels":
        shutil.rmtree(sets)
    elif change == "no clips":
        shutil.rmtree(root / "Clip")
    else:
        for folder in list(clips.iterdir()):
            folder.rename(clips / f"9{folder.name}")
    with pytest.raises(DataError, match=message):
        dfew.load(root)


@pytest.mark.parametrize("inside", ["Clip", "Clip/clip_224x224", SETS])
def test_a_part_of_it_may_be_given(root, inside):
    assert len(dfew.load(root / inside).samples) == 40


@pytest.mark.slow
def test_a_complete_copy_has_11697_clips_and_no_note(tmp_path, monkeypatch):
    clips = tmp_path / "Clip" / "clip_224x224_avi"
    labels = [[number, 1 + number % 7] for number in range(1, 11_698)]
    clips.mkdir(parents=True)
    videos = [clips / f"{number:05d}.avi" for number, _ in labels]
    monkeypatch.setattr(dfew, "list_videos", lambda folder: videos)  # writing that many files takes seconds
    for k in range(5):
        for part in ("train", "test"):
            rows = [row for row in labels if (row[0] % 5 == k) == (part == "test")]
            trees.table(
                tmp_path / SETS / f"{part}(single-labeled)" / f"set_{k + 1}.csv", [["video_name", "label"], *rows]
            )
    dataset = dfew.load(tmp_path)
    assert (len(dataset.samples), len(dataset.folds), dataset.notes) == (11_697, 5, ())


def test_the_multi_labelled_sets_are_not_taken_for_the_single_labelled(root):
    before = dfew.load(root)
    for part in ("train", "test"):
        single = root / SETS / f"{part}(single-labeled)"
        multi = shutil.copytree(single, root / SETS / f"{part}(multi-labeled)")
        (multi / "set_1.csv").rename(multi / "set_6.csv")
    assert dfew.load(root).folds == before.folds
    for part in ("train", "test"):
        shutil.rmtree(root / SETS / f"{part}(single-labeled)")
    with pytest.raises(DataError, match="no labels were found"):
        dfew.load(root)


def rewritten(root: Path, line) -> None:
    """Every set with its lines as `line(name, code)` writes them, the header (`None, None`) too."""
    for path in sorted((root / SETS).rglob("set_*.csv")):
        rows = [row.split(",") for row in path.read_text(encoding="utf-8-sig").splitlines()[1:] if "," in row]
        lines = [line(None, None), *(line(name, int(code)) for name, code in rows)]
        path.write_text("\n".join(filter(None, lines)))


@pytest.mark.parametrize(
    "line",
    [
        lambda name, code: f"{name},{code - 1}" if name else "video_name,label",
        lambda name, code: f"{name},{code - 1}" if name else "",
        lambda name, code: f"{code},{name}" if name else "label,video_name",
        lambda name, code: f"{name},{name},{code}" if name else ",video_name,label",
        lambda name, code: f"{name}.mp4;{code}.0" if name else "video_name;label",
        lambda name, code: f"clips/{name:>05}.mp4\t{dfew.CLASSES[code - 1].title()}" if name else "path\temotion",
    ],
    ids=["from 0", "from 0 without a header", "swapped", "index", "semicolons", "tabs and words"],
)
def test_lists_of_other_hands_give_the_same_classes_and_folds(root, line):
    before = dfew.load(root)
    rewritten(root, line)
    after = dfew.load(root)
    assert after.samples == before.samples
    assert after.folds == before.folds
    assert [note for note in after.notes if "count from 0" not in note] == list(before.notes)


def test_lists_in_utf_16_give_the_same(root):
    before = dfew.load(root)
    for path in (root / SETS).rglob("set_*.csv"):
        path.write_text(path.read_text(), encoding="utf-16")
    assert dfew.load(root).samples == before.samples


def test_labels_from_0_are_told_and_those_that_may_be_either_are_refused(root):
    rewritten(root, lambda name, code: f"{name},{code - 1}" if name else "video_name,label")
    assert "the labels count from 0 (the owners' from 1): 0 is happy, 6 is fear" in dfew.load(root).notes
    rewritten(root, lambda name, code: f"{name},{min(code, 5)}" if name else "video_name,label")
    with pytest.raises(DataError, match=r"the labels are 0, 1, 2, 3, 4, 5, which may count from 0 or from 1"):
        dfew.load(root)


def test_rows_that_name_no_class_are_counted_and_most_of_them_are_refused_with_what_they_hold(root):
    path = root / SETS / "train(single-labeled)" / "set_1.csv"
    before = path.read_text()
    path.write_text(before + "\n39,laughing\n")
    assert any(
        "1 row of the sets without a clip or a class" in note and "39,laughing" in note
        for note in dfew.load(root).notes
    )
    path.write_text(before)
    rewritten(root, lambda name, code: f"{name},label {code}" if name else "video_name,label")
    with pytest.raises(DataError, match=r"the first rows are 'video_name,label', '\d+,label \d'"):
        dfew.load(root)
