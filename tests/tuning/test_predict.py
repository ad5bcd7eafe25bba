"""What `predict` asks a model about: each clip of a folder by itself, so that its answer comes at once."""

from pathlib import Path

import pytest

from tests.support.trees import write_image, write_video
from tuning import predict


@pytest.fixture
def asked(monkeypatch, tmp_path):
    """The paths that the model was asked about so far."""
    paths = []

    def served(model, uri, clips):
        for clip in clips:
            paths.append(clip)
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


def test_what_is_no_clip_is_the_models_to_judge(asked, tmp_path):
    missing = tmp_path / "missing.mp4"
    assert [answer.path for answer in predict.predict([missing], model="models:/m/1")] == [str(missing)]


def test_a_folder_of_frames_is_asked_about_once(asked, tmp_path):
    write_image(tmp_path / "frames" / "1.png")
    write_image(tmp_path / "frames" / "more" / "1.png")
    assert len(list(predict.predict(tmp_path / "frames", model="models:/m/1"))) == 1
    assert asked == [tmp_path / "frames"]
