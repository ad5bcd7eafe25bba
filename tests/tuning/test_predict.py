"""What `predict` asks a model about: each clip of a folder by itself, so that its answer comes at once."""

from pathlib import Path

import pytest

from tests.support.trees import write_image, write_video
from tuning import predict


class Asked(list):
    """Paths, and of each whether everybody was asked for."""

    for_everybody: list[bool]


@pytest.fixture
def asked(monkeypatch, tmp_path):
    """The paths that the model was asked about so far."""
    paths, everybody = Asked(), []
    paths.for_everybody = everybody

    def served(model, uri, clips, *, every_face):
        for clip in clips:
            paths.append(clip)
            everybody.append(every_face)
            yield {"path": str(clip), "label": "a", "probabilities": {"a": 1.0}, "error": None}

    monkeypatch.setattr(predict.served, "predict", served)
    monkeypatch.setattr(predict, "open_store", lambda home: "sqlite://")
    return paths


def test_each_clip_of_a_folder_is_answered_before_the_next_is_asked_for(asked, tmp_path):
    for name in ("1.avi", "2.avi"):
        write_video(tmp_path / "clips" / name)
    write_image(tmp_path / "clips" / "frames" / "1.png")
    answers = predict.predict(tmp_path / "clips", model="models:/m/1")
    assert asked == []
    assert next(answers).path == str(tmp_path / "clips" / "1.avi")
    assert asked == [tmp_path / "clips" / "1.avi"]
    assert [Path(answer.path).name for answer in answers] == ["2.avi", "frames"]


def test_everybody_is_asked_for_where_that_is_wanted(asked, tmp_path):
    video = write_video(tmp_path / "1.avi")
    list(predict.predict(video, model="models:/m/1", every_face=True))
    list(predict.predict(video, model="models:/m/1"))
    assert asked.for_everybody == [True, False]


class Noted(list):
    """Hears notes."""

    noted = list.append


def test_what_a_folder_holds_besides_its_clips_is_told_before_the_first_answer(asked, tmp_path):
    video = write_video(tmp_path / "P1_a.avi")
    for name in ("P1_a.webp.jpg", "P1_a/1.png", "P1_a/2.png"):
        write_image(tmp_path / name)
    for name in ("P2_a.mp4.part", ".P3_a.mp4.icloud", "P4_a.heic"):
        (tmp_path / name).touch()
    (tmp_path / "P5_a.mp4").symlink_to(tmp_path / "annex")
    heard = Noted()
    answers = predict.predict(tmp_path, model="models:/m/1", progress=heard)
    assert heard == [
        f"not read: 1 .heic file (P4_a.heic) in {tmp_path}",
        f"not read: 1 folder of frames of a video that is read (P1_a) in {tmp_path}",
        f"not read: 1 link that leads nowhere (P5_a.mp4) in {tmp_path}",
        f"not read: 1 loose picture (P1_a.webp.jpg) in {tmp_path}",
        f"not read: 2 unfinished downloads (.P3_a.mp4.icloud, P2_a.mp4.part) in {tmp_path}",
    ]
    assert [answer.path for answer in answers] == [str(video)]


def test_what_the_model_tells_of_a_clip_stands_with_its_answer(asked, monkeypatch, tmp_path):
    video = write_video(tmp_path / "a.avi")
    (answer,) = predict.predict(video, model="models:/m/1")
    assert answer.clip is None  # a model of an earlier version tells nothing
    row = {"path": str(video), "label": "a", "probabilities": {"a": 1.0}, "error": None, "clip": {"faces": 1}}
    monkeypatch.setattr(predict.served, "predict", lambda model, uri, clips, **asked: iter([row]))
    (answer,) = predict.predict(video, model="models:/m/1")
    assert answer.clip == {"faces": 1}


def test_what_is_no_clip_is_the_models_to_judge(asked, tmp_path):
    missing = tmp_path / "missing.mp4"
    assert [answer.path for answer in predict.predict([missing], model="models:/m/1")] == [str(missing)]


def test_a_folder_of_frames_is_asked_about_once(asked, tmp_path):
    write_image(tmp_path / "frames" / "1.png")
    write_image(tmp_path / "frames" / "more" / "1.png")
    assert len(list(predict.predict(tmp_path / "frames", model="models:/m/1"))) == 1
    assert asked == [tmp_path / "frames"]
