"""Oulu-CASIA: one of six lights."""

import shutil

import pytest

from tests.support import trees
from trainables.data import oulu_casia
from trainables.data.core.dataset import DataError


def test_visible_strong_light_alone_is_read(root):
    dataset = oulu_casia.load(root)
    assert dataset.classes == ("anger", "disgust", "fear", "happiness", "sadness", "surprise")
    assert len(dataset.samples) == 36
    assert all("VL/Strong" in path.as_posix() for sample in dataset.samples for path in sample.paths)
    sample = dataset.samples[7]
    assert (sample.clip_id, sample.subject, sample.label) == ("P002/Disgust", "P002", 1)
    assert [path.name for path in sample.paths] == ["000.jpeg", "001.jpeg"]
    assert dataset.notes == ("36 of 480 sequences", "6 subjects, so 6 folds instead of the 10 of the protocol")


@pytest.mark.parametrize("inside", ["..", "VL", "VL/Strong", "VL/Strong/P003", "VL/Strong/P003/Anger"])
def test_the_root_may_begin_anywhere(root, inside):
    assert len(oulu_casia.load(root / inside).samples) == 36


def test_other_light_is_refused_by_name(root):
    shutil.rmtree(root / "VL" / "Strong")
    with pytest.raises(DataError, match=r"only VL/Dark, NI/Strong in here|only NI/Strong, VL/Dark in here"):
        oulu_casia.load(root)
    with pytest.raises(DataError, match=r"only NI/Strong in here.*visible light"):
        oulu_casia.load(root / "NI" / "Strong")


def test_a_copy_of_the_subjects_alone_is_taken_for_it_and_that_is_said(root, tmp_path):
    shutil.copytree(root / "VL" / "Strong", tmp_path / "faces")
    dataset = oulu_casia.load(tmp_path / "faces")
    assert len(dataset.samples) == 36
    assert any("do not say VL/Strong" in note for note in dataset.notes)


def test_empty_folders_and_strange_ones_are_said(root):
    subject = root / "VL" / "Strong" / "P004"
    shutil.rmtree(subject / "Fear")
    (subject / "Fear").mkdir()
    (subject / "Anger").rename(subject / "ANGER")
    trees.image(subject / "Boredom" / "000.JPEG")
    trees.image(root / "VL" / "Strong" / "P005" / "Sadness" / "002.JPG", side=20)
    dataset = oulu_casia.load(root)
    assert len(dataset.samples) == 35
    assert "1 sequences without frames (P004/Fear)" in dataset.notes
    assert "1 folders of no known expression are left out (P004/Boredom)" in dataset.notes
    mixed = next(sample for sample in dataset.samples if sample.clip_id == "P005/Sadness")
    assert [frame.shape for frame in dataset.read(mixed)] == [(12, 12, 3), (12, 12, 3), (20, 20, 3)]


def test_a_second_copy_is_left_aside_and_named(root):
    shutil.copytree(root / "VL", root / "VL_cropped" / "VL")
    shutil.move(root / "VL", root / "A_original" / "VL")
    dataset = oulu_casia.load(root)
    assert len(dataset.samples) == 36
    (note,) = [note for note in dataset.notes if "left aside" in note]
    assert "A_original/VL/Strong is read" in note
    assert "VL_cropped/VL/Strong left aside" in note


def test_a_complete_copy_gives_480_sequences_in_ten_folds_of_eight_subjects(tmp_path):
    pixel = trees.image(tmp_path / "pixel.jpeg", side=2).read_bytes()
    for subject in range(80):
        for name in ("Anger", "Disgust", "Fear", "Happiness", "Sadness", "Surprise"):
            folder = tmp_path / "VL" / "Strong" / f"P{subject + 1:03d}" / name
            folder.mkdir(parents=True)
            (folder / "000.jpeg").write_bytes(pixel)
    dataset = oulu_casia.load(tmp_path)
    assert (len(dataset.samples), dataset.notes) == (480, ())
    assert [len(fold.test) for fold in dataset.folds] == [48] * 10


def test_the_owners_preprocessed_copy_is_read_in_visible_light(root, tmp_path):
    copy = tmp_path / "PreProcess Img"
    for camera in ("NI", "VL"):
        for illumination in ("Dark", "Strong", "Weak"):
            shutil.copytree(root / "VL" / "Strong", copy / f"{camera}_Acropped" / illumination)
    dataset = oulu_casia.load(copy)
    assert len(dataset.samples) == 36
    assert all("VL_Acropped/Strong" in path.as_posix() for sample in dataset.samples for path in sample.paths)
    assert dataset.notes == ("36 of 480 sequences", "6 subjects, so 6 folds instead of the 10 of the protocol")
    shutil.rmtree(copy / "VL_Acropped")
    with pytest.raises(DataError, match=r"only NI/Dark, NI/Strong, NI/Weak in here"):
        oulu_casia.load(copy)
