"""CK+: two trees that belong together, and what is wrong in copies of them."""

import shutil

import numpy as np
import pytest
from PIL import Image

from tests.support import trees
from trainables.data import ck_plus
from trainables.data.core.dataset import DataError

FRAMES, LABELS = "cohn-kanade-images", "Emotion"


def note(dataset, message: str) -> str:
    (found,) = [note for note in dataset.notes if message in note]
    return found


def test_labelled_sequences_come_with_their_class_their_subject_and_their_frames_in_order(root):
    dataset = ck_plus.load(root)
    assert dataset.classes == ("anger", "contempt", "disgust", "fear", "happy", "sadness", "surprise")
    assert len(dataset.samples) == 18
    sample = next(sample for sample in dataset.samples if sample.clip_id == "S012/003")
    assert (sample.label, sample.subject) == ((3 * 2 + 2) % 7, "S012")
    assert [path.name for path in sample.paths] == [f"S012_003_{i:08d}.png" for i in (1, 2, 3, 4)]
    assert (dataset.faces, dataset.crop_size) == ("find", None)


def test_unpadded_numbers_are_put_in_the_order_of_time(root):
    folder = root / FRAMES / "S010" / "001"
    shutil.rmtree(folder)
    for number in (2, 10, 1, 11):
        trees.image(folder / f"S010_001_{number}.png")
    label = root / LABELS / "S010" / "001" / "S010_001_00000002_emotion.txt"
    label.rename(label.with_name("S010_001_00000011_emotion.txt"))
    dataset = ck_plus.load(root)
    assert [path.stem[9:] for path in dataset.samples[0].paths] == ["1", "2", "10", "11"]
    assert not [note for note in dataset.notes if "do not end" in note]


def test_grey_colour_palette_alpha_and_16_bit_frames_of_any_size_make_one_clip(root):
    folder = root / FRAMES / "S010" / "003"
    for number, kind in ((1, "rgb"), (2, "rgba"), (3, "deep")):
        trees.image(folder / f"S010_003_{number:08d}.png", kind=kind, side=10 + number)
    Image.fromarray(np.arange(100, dtype=np.uint8).reshape(10, 10)).convert("P").save(folder / "S010_003_00000004.png")
    trees.image(folder / "S010_003_00000005.JPG")
    dataset = ck_plus.load(root)
    frames = list(dataset.read(next(sample for sample in dataset.samples if sample.clip_id == "S010/003")))
    assert [frame.shape for frame in frames] == [(n, n, 3) for n in (11, 12, 13, 10, 12)]
    assert {frame.dtype for frame in frames} == {np.dtype(np.uint8)}


def test_subjects_are_dealt_in_turn_and_fewer_subjects_give_fewer_folds(root):
    dataset = ck_plus.load(root)
    tested = [{dataset.samples[i].subject for i in fold.test} for fold in dataset.folds]
    assert tested == [{f"S{10 + k:03d}"} for k in range(6)]
    assert note(dataset, "folds") == "6 subjects, so 6 folds instead of the 10 of the protocol"
    for subject in range(20, 33):
        shutil.copytree(root / FRAMES / "S010", root / FRAMES / f"S{subject:03d}")
        shutil.copytree(root / LABELS / "S010", root / LABELS / f"S{subject:03d}")
    dataset = ck_plus.load(root)
    assert len(dataset.folds) == 10
    assert {dataset.samples[i].subject for i in dataset.folds[2].test} == {"S012", "S026"}
    assert {dataset.samples[i].subject for i in dataset.folds[2].validation} == {"S013", "S027"}


def test_two_subjects_are_too_few(root):
    for subject in range(12, 16):
        shutil.rmtree(root / FRAMES / f"S{subject:03d}")
    with pytest.raises(DataError, match=r"2 subjects \(S010, S011\); at least 3"):
        ck_plus.load(root)


def test_a_partial_copy_is_read_and_what_is_missing_is_said(root):
    shutil.rmtree(root / FRAMES / "S011" / "002")
    (root / FRAMES / "S013" / "001" / "S013_001_00000001.png").rename(root / "elsewhere.png")
    (root / FRAMES / "S013" / "001" / "S013_001_00000002.png").unlink()
    (root / FRAMES / "S014" / "003" / "S014_003_00000004.png").unlink()
    dataset = ck_plus.load(root)
    assert len(dataset.samples) == 16
    assert "22 of 593 sequences" in dataset.notes
    assert "16 of 327 labelled sequences" in dataset.notes
    assert note(dataset, "without frames") == "2 label files without frames (S011/002, S013/001)"
    assert note(dataset, "without a label").startswith("6 sequences without a label are left out (S010/004, S011/004,")
    assert note(dataset, "do not end") == "1 sequences do not end with the frame that is labelled (S014/003)"


@pytest.mark.parametrize("text", ["", "happy", "0.0", "8", "nan"])
def test_a_label_file_without_a_class_costs_its_sequence_alone(root, text):
    (root / LABELS / "S010" / "001" / "S010_001_00000002_emotion.txt").write_text(text)
    dataset = ck_plus.load(root)
    assert len(dataset.samples) == 17
    assert note(dataset, "hold no class") == ("1 label files hold no class (S010/001); a number from 1 to 7 is needed")


def test_either_tree_alone_is_told_with_the_other(root, tmp_path):
    shutil.move(root / LABELS, tmp_path / "far" / LABELS)
    with pytest.raises(DataError, match=r"cohn-kanade-images holds frames, but no labels.*S005_001_00000011_emotion"):
        ck_plus.load(root)
    with pytest.raises(DataError, match=r"Emotion holds labels, but no frames"):
        ck_plus.load(tmp_path / "far")


def test_the_trees_may_lie_apart_under_other_names_and_either_may_be_given(root):
    shutil.move(root / FRAMES, root / "extended-cohn-kanade-images" / FRAMES)
    shutil.move(root / LABELS, root / "Emotion labels (1)" / LABELS)
    for given in (root, root / "extended-cohn-kanade-images" / FRAMES, root / "Emotion labels (1)"):
        assert len(ck_plus.load(given).samples) == 18


def test_a_truncated_frame_is_an_error_of_its_clip(root):
    path = root / FRAMES / "S010" / "001" / "S010_001_00000002.png"
    path.write_bytes(path.read_bytes()[:60])
    dataset = ck_plus.load(root)
    with pytest.raises(DataError, match=r"S010_001_00000002\.png: the image is truncated"):
        list(dataset.read(dataset.samples[0]))


def test_a_complete_copy_has_593_sequences_and_327_labels(tmp_path):
    """118 people show 327 labelled sequences, five more none; the rest is without a label."""
    pixel = trees.image(tmp_path / "pixel.png", side=2).read_bytes()
    sequences = 0
    for subject in range(123):
        for take in range(5 if subject < 101 else 4):
            sequences += 1
            name = f"S{subject + 1:03d}/{take + 1:03d}"
            stem = f"{name.replace('/', '_')}_00000001"
            folder = tmp_path / FRAMES / name
            folder.mkdir(parents=True)
            (folder / f"{stem}.png").write_bytes(pixel)
            if take < 3 and subject < (118, 118, 91)[take]:
                labels = tmp_path / LABELS / name
                labels.mkdir(parents=True)
                (labels / f"{stem}_emotion.txt").write_text(f"   {1 + sequences % 7:.7e}")
    assert sequences == 593
    dataset = ck_plus.load(tmp_path)
    assert len(dataset.samples) == 327
    assert len(dataset.folds) == 10
    assert dataset.notes == ("266 sequences without a label are left out (S001/004, S001/005, S002/004 and 263 more)",)
