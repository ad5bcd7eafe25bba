"""CK+48: single images that are sequences of people."""

import shutil

import pytest

from tests.support import trees
from trainables.data import ck_plus, ck_plus_48
from trainables.data.core.dataset import DataError


def test_three_peak_frames_are_one_clip_of_one_subject(root):
    dataset = ck_plus_48.load(root)
    assert dataset.classes == ck_plus.CLASSES
    assert len(dataset.samples) == 12
    sample = next(sample for sample in dataset.samples if sample.clip_id == "S012_002")
    assert (sample.subject, dataset.classes[sample.label]) == ("S012", "sadness")
    assert [path.stem[-2:] for path in sample.paths] == ["09", "10", "11"]
    assert (dataset.faces, dataset.crop_size) == ("given", 60)
    assert "36 of 981 images" in dataset.notes


def test_folds_are_by_subject_and_not_by_file(root):
    dataset = ck_plus_48.load(root)
    assert len(dataset.folds) == 6
    for k, fold in enumerate(dataset.folds):
        assert {dataset.samples[i].subject for i in fold.test} == {f"S{10 + k:03d}"}


def test_other_spellings_of_names_are_understood(root):
    folder = root / "CK+48"
    (folder / "happy").rename(folder / "Happiness")
    for path in list((folder / "fear").iterdir()):
        path.rename(path.with_name(path.name.lower().replace(".png", ".PNG")))
    dataset = ck_plus_48.load(root)
    assert len(dataset.samples) == 12
    assert {dataset.classes[s.label] for s in dataset.samples if "Happiness" in str(s.paths[0])} == {"happy"}
    assert {s.subject for s in dataset.samples if "fear" in str(s.paths[0])} == {"S011", "S015"}


def test_what_does_not_belong_is_left_out_and_said(root):
    folder = root / "CK+48"
    trees.image(folder / "anger" / "selfie.png", side=48)
    trees.image(folder / "boredom" / "S010_001_00000001.png", side=48)
    (folder / "fear" / "S011_002_00000009.png").unlink()
    shutil.copytree(folder / "disgust", folder / "contempt", dirs_exist_ok=True)
    dataset = ck_plus_48.load(root)
    assert "1 images are not named after a sequence and are left out (anger/selfie.png)" in dataset.notes
    assert "folders that are no class of CK+48 are left out (boredom)" in dataset.notes
    assert "1 sequences have not 3 frames (S011_002)" in dataset.notes
    (twice,) = [note for note in dataset.notes if "two classes" in note]
    assert twice == "2 sequences lie in two classes and are left out (S011_001, S014_002)"
    assert len(dataset.samples) == 10


def test_a_class_folder_may_be_given(root):
    assert len(ck_plus_48.load(root / "CK+48" / "anger").samples) == 12


def test_images_of_no_sequence_are_not_ck_plus_48(tmp_path):
    for name in ("anger", "fear"):
        trees.image(tmp_path / name / "001.png")
    with pytest.raises(DataError, match=r"nothing of this data set.*Expected: CK\+48/<class>/S010_004_00000017.png"):
        ck_plus_48.load(tmp_path)


def test_a_complete_copy_has_981_images_and_no_note(tmp_path):
    names = [f"S{sequence % 118:03d}_{sequence // 118 + 1:03d}" for sequence in range(327)]
    for sequence, name in enumerate(names):
        folder = tmp_path / "CK+48" / ck_plus.CLASSES[sequence % 7]
        folder.mkdir(parents=True, exist_ok=True)
        for frame in (9, 10, 11):
            (folder / f"{name}_{frame:08d}.png").touch()
    dataset = ck_plus_48.load(tmp_path)
    assert (len(dataset.samples), len(dataset.folds), dataset.notes) == (327, 10, ())
    assert sum(len(sample.paths) for sample in dataset.samples) == 981
