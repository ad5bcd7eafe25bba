"""Own clips and drawn faces: one layout, told apart by a marker."""

from pathlib import Path

import pytest

from tests.support.trees import write_image
from trainables.core.prepared.fingerprint import fingerprint_of
from trainables.data import clip_folder, drawn_faces
from trainables.data.core.dataset import DataError


@pytest.fixture
def root(tmp_path) -> Path:
    """Two classes, six people, videos and folders of frames, and what operating systems leave behind."""
    root = tmp_path / "my clips (new)"
    for name in ("happy", "sad [2]"):
        for subject in range(6):
            if subject % 2:
                write_image(root / name / f"P{subject}_a b%d" / "2.PNG")
                write_image(root / name / f"P{subject}_a b%d" / "10.png")
                write_image(root / name / f"P{subject}_a b%d" / "._2.PNG")
            else:
                (root / name).mkdir(parents=True, exist_ok=True)
                (root / name / f"P{subject}_take.MP4").write_text("a video")
        (root / name / "._P0_take.MP4").write_text("twin")
        (root / name / ".DS_Store").write_text("junk")
    (root / ".cache").mkdir()
    (root / "readme.txt").write_text("notes")
    return root


def test_classes_subjects_and_frames_are_found_in_order(root):
    dataset = clip_folder.load(root)
    assert (dataset.name, dataset.classes) == ("clip_folder", ("happy", "sad [2]"))
    assert (len(dataset.samples), len(dataset.folds), dataset.cut_by_subject) == (12, 5, True)
    sample = next(sample for sample in dataset.samples if sample.clip_id == "happy/P1_a b%d")
    assert (sample.label, sample.subject, [path.name for path in sample.paths]) == (0, "P1", ["2.PNG", "10.png"])
    assert {sample.clip_id for sample in dataset.samples} >= {"happy/P0_take.MP4", "sad [2]/P5_a b%d"}
    assert len(list(dataset.read(sample))) == 2


def test_fewer_subjects_give_fewer_folds_down_to_three(tmp_path):
    for count in (2, 3, 4):
        root = tmp_path / str(count)
        for name in ("a", "b"):
            for subject in range(count):
                write_image(root / name / f"P{subject}_x" / "1.png")
        if count == 2:
            with pytest.raises(DataError, match=r"2 subjects \(P0, P1\); at least 3"):
                clip_folder.load(root)
        else:
            assert len(clip_folder.load(root).folds) == count


def test_an_empty_folder_of_frames_is_kept_to_be_named_and_dropped(root):
    (root / "happy" / "P3_empty").mkdir()
    dataset = clip_folder.load(root)
    sample = next(sample for sample in dataset.samples if sample.clip_id == "happy/P3_empty")
    with pytest.raises(DataError, match="happy/P3_empty"):
        list(dataset.read(sample))


def test_what_is_wrong_with_the_folder_is_said(tmp_path):
    with pytest.raises(DataError, match="no such folder"):
        clip_folder.load(tmp_path / "missing")
    (tmp_path / "file").write_text("x")
    with pytest.raises(DataError, match="this is a file"):
        clip_folder.load(tmp_path / "file")
    (tmp_path / "root").mkdir()
    with pytest.raises(DataError, match="no class folders"):
        clip_folder.load(tmp_path / "root")
    write_image(tmp_path / "root" / "happy" / "P1_x" / "1.png")
    with pytest.raises(DataError, match=r"only one class \(happy\)"):
        clip_folder.load(tmp_path / "root")
    (tmp_path / "root" / "sad").mkdir()
    with pytest.raises(DataError, match="sad: this class folder has no clips"):
        clip_folder.load(tmp_path / "root")
    write_image(tmp_path / "root" / "sad" / "loose.png")
    with pytest.raises(DataError, match="It holds images"):
        clip_folder.load(tmp_path / "root")


@pytest.mark.parametrize("name", ["nobody", "_x"])
def test_a_clip_without_a_subject_is_named_with_what_is_allowed(root, name):
    write_image(root / "happy" / name / "1.png")
    with pytest.raises(DataError, match=rf"happy/{name}: .*<subject>_<anything>"):
        clip_folder.load(root)


def test_drawn_faces_and_real_ones_are_never_taken_for_each_other(root):
    assert not clip_folder.load(root).drawn
    with pytest.raises(DataError, match=r"not drawn faces.*clip_folder"):
        drawn_faces.load(root)
    (root / "DRAWN.json").write_text('{"difficulty": "easy", "num_subjects": 6, "seed": 0}')
    assert clip_folder.load(root).drawn
    dataset = drawn_faces.load(root)
    assert dataset.drawn
    assert (dataset.name, len(dataset.samples)) == ("drawn_faces", 12)
    with pytest.raises(DataError, match="no such folder"):
        drawn_faces.load(root / "missing")


def test_a_closed_clip_is_one_dropped_clip_with_the_reason(root, closed):
    closed(root / "happy" / "P1_a b%d")
    dataset = clip_folder.load(root)
    assert len(dataset.samples) == 12
    sample = next(sample for sample in dataset.samples if sample.clip_id == "happy/P1_a b%d")
    with pytest.raises(DataError, match=r"P1_a b%d: this folder cannot be read \(Permission denied\)"):
        list(dataset.read(sample))
    assert fingerprint_of(dataset, {})


def test_a_class_that_one_subject_shows_is_called_by_its_name(root):
    write_image(root / "calm" / "P3_a" / "1.png")
    with pytest.raises(DataError, match=r"my clips \(new\): Class 'calm' has one subject only \(P3\)"):
        clip_folder.load(root)
