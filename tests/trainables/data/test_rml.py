"""RML: speakers in folders, whatever lies between."""

import shutil

import pytest

from tests.support import trees
from trainables.data import rml
from trainables.data.core.dataset import DataError


def test_the_first_two_letters_tell_the_emotion_and_the_folder_the_speaker(root):
    dataset = rml.load(root)
    assert dataset.classes == ("anger", "disgust", "fear", "happiness", "sadness", "surprise")
    assert len(dataset.samples) == 48
    assert [sample.label for sample in dataset.samples[:6]] == [0, 1, 2, 3, 4, 5]
    assert (dataset.samples[6].clip_id, dataset.samples[6].subject) == ("s2/an2.avi", "s2")
    assert dataset.notes == ("48 of 720 videos",)


def test_each_speaker_is_left_out_once(root):
    dataset = rml.load(root)
    tested = [{dataset.samples[i].subject for i in fold.test} for fold in dataset.folds]
    assert tested == [{f"s{k}"} for k in range(1, 9)]
    assert {dataset.samples[i].subject for i in dataset.folds[7].validation} == {"s1"}


def test_a_folder_for_each_download_and_language_may_lie_between(root):
    for speaker in range(1, 9):
        if speaker % 2:
            shutil.move(root / f"s{speaker}", root / f"rml-{speaker}" / f"S{speaker}")
        else:
            languages = root / f"s{speaker}" / "english (UK)"
            languages.mkdir()
            for path in list((root / f"s{speaker}").glob("*.avi")):
                path.rename(languages / path.name.upper())
    dataset = rml.load(root)
    assert len(dataset.samples) == 48
    assert {sample.subject for sample in dataset.samples} == {f"s{k}" for k in range(1, 9)}
    assert len({sample.clip_id for sample in dataset.samples}) == 48
    assert len(rml.load(root / "rml-3" / "S3").samples) == 48


def test_names_that_tell_nothing_are_left_out_and_said(root):
    trees.video(root / "s3" / "test.avi", 1)
    dataset = rml.load(root)
    assert len(dataset.samples) == 48
    assert "1 videos whose names tell no emotion are left out (s3/test.avi)" in dataset.notes


def test_fewer_speakers_give_fewer_folds_down_to_three(root):
    for speaker in range(4, 9):
        shutil.rmtree(root / f"s{speaker}")
    dataset = rml.load(root)
    assert len(dataset.folds) == 3
    assert "3 subjects, so 3 folds instead of the 8 of the protocol" in dataset.notes
    shutil.rmtree(root / "s3")
    with pytest.raises(DataError, match=r"2 subjects \(s1, s2\); at least 3"):
        rml.load(root)


def test_a_video_that_stops_early_gives_what_it_has_and_a_broken_one_is_an_error_of_its_clip(root):
    long = trees.video(root / "s1" / "an1.avi", 30)
    whole = long.read_bytes()
    long.write_bytes(whole[: len(whole) // 2])
    (root / "s1" / "di1.avi").write_bytes(b"no video")
    dataset = rml.load(root)
    by_id = {sample.clip_id: sample for sample in dataset.samples}
    assert 1 <= len(list(dataset.read(by_id["s1/an1.avi"]))) < 30
    with pytest.raises(DataError, match=r"di1\.avi: not a readable video"):
        list(dataset.read(by_id["s1/di1.avi"]))


def test_a_complete_copy_has_720_videos_of_eight_speakers_and_no_note(tmp_path):
    for speaker in range(1, 9):
        (tmp_path / f"s{speaker}").mkdir()
        for letters in rml.LETTERS:
            for take in range(1, 16):
                (tmp_path / f"s{speaker}" / f"{letters}{take}.avi").touch()
    dataset = rml.load(tmp_path)
    assert (len(dataset.samples), len(dataset.folds), dataset.notes) == (720, 8, ())
