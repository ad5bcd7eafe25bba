"""Face crops that the owners give: stored so that the network is shown the whole of them, in training and in serving."""

import contextlib
import dataclasses
import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from drawing.sequence import DIFFICULTIES, draw_clip, sample_subject
from tests.support.trees import ck_plus_48, fer2013
from trainables.core.faces import given
from trainables.core.faces.clip import NoFace
from trainables.core.faces.given import GivenFaces
from trainables.core.faces.mtcnn import Face
from trainables.core.prepared.batches import Clips
from trainables.core.prepared.cache import prepare
from trainables.core.prepared.stored import open_prepared
from trainables.core.serving.classifier import Classifier
from trainables.core.training.trainer import predict
from trainables.core.training.trial import write_model
from trainables.core.training.workers import Group
from trainables.data import ck_plus_48 as ck_plus_48_reader
from trainables.data import fer2013 as fer2013_reader
from trainables.data.core.dataset import DataError
from trainables.data.core.image import read_image


def noise(height: int, width: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)


def test_the_middle_is_the_given_crop_and_the_margin_repeats_its_border():
    frame = noise(48, 48)
    clip = GivenFaces().crop_clip([frame, frame[::-1]], 60)
    assert clip.frames.shape == (2, 60, 60, 3)
    assert np.array_equal(clip.frames[0, 6:54, 6:54], frame)
    assert np.array_equal(clip.frames[0, 0, 6:54], frame[0])
    assert np.array_equal(clip.frames[0, 6:54, 59], frame[:, -1])
    assert (clip.num_frames_with_face, clip.num_faces, clip.score) == (2, 1, 1.0)


def test_a_crop_of_another_size_fills_the_middle_and_keeps_its_proportions():
    frame = noise(100, 50)
    (stored,) = GivenFaces().crop_clip([frame], 60).frames
    assert np.array_equal(stored[6:54, 18:42], cv2.resize(frame, (24, 48), interpolation=cv2.INTER_AREA))
    with pytest.raises(DataError, match="no frames"):
        GivenFaces().crop_clip([], 60)


@pytest.fixture
def root(tmp_path) -> Path:
    return ck_plus_48(tmp_path / "data")


def test_given_crops_are_prepared_without_a_search_at_the_size_of_the_data_set(root, tmp_path):
    dataset = ck_plus_48_reader.load(root)
    prepared = prepare(dataset, tmp_path)  # noise shows no face: a search would drop every clip
    assert (len(prepared), prepared.dropped, prepared.crop_size, prepared.face_size) == (12, [], 60, 48)
    assert (prepared.faces, prepared.drawn, prepared.notes) == ("given", False, dataset.notes)
    frames = np.stack([frame for sample in dataset.samples for frame in dataset.read(sample)])
    clips = Clips(prepared, num_frames=3, image_size=48)
    shown = clips.batch(range(12))[0][:, :, 6:54, 6:54].flatten(0, 1)
    assert np.array_equal(shown.numpy(), frames)


def test_a_table_is_prepared_from_its_rows(tmp_path):
    dataset = fer2013_reader.load(fer2013(tmp_path / "data"))
    prepared = prepare(dataset, tmp_path)
    assert np.array_equal(prepared.frames[5, 6:54, 6:54], next(dataset.read(dataset.samples[5])))


def test_the_fingerprint_tells_given_from_found_and_drawn_from_real(root, tmp_path):
    dataset = ck_plus_48_reader.load(root)
    given = prepare(dataset, tmp_path)
    found = prepare(dataclasses.replace(dataset, faces="find"), tmp_path, finder=_WholeFrame())
    (root / "DRAWN.json").write_text("{}")
    drawn = prepare(dataset, tmp_path)
    assert len({given.fingerprint, found.fingerprint, drawn.fingerprint}) == 3
    assert (given.drawn, drawn.drawn) == (False, True)
    assert open_prepared(drawn.folder).drawn


def test_data_prepared_before_these_fields_were_kept_still_opens(root, tmp_path):
    prepared = prepare(ck_plus_48_reader.load(root), tmp_path)
    path = prepared.folder / "index.json"
    index = json.loads(path.read_text())
    for field in ("faces", "drawn", "notes"):
        del index[field]
    path.write_text(json.dumps(index))
    opened = open_prepared(prepared.folder)
    assert (opened.faces, opened.drawn, opened.notes) == ("find", False, ())


def test_a_model_trained_on_given_crops_takes_what_it_reads_for_such_crops(root, tmp_path, tiny, monkeypatch):
    monkeypatch.setattr(given, "Detector", _Trusting)
    dataset = ck_plus_48_reader.load(root)
    prepared = prepare(dataset, tmp_path)
    from tests.support.extension import tiny as trainable

    config = trainable.Config(num_classes=7, image_size=48, num_frames=3)
    write_model(tmp_path / "model", trainable.build_model(config), "tiny", config, prepared)
    described = json.loads((tmp_path / "model" / "model.json").read_text())
    assert (described["faces"], described["drawn"], "cropping" in described) == ("given", False, False)
    classifier = Classifier.load(tmp_path / "model", device="cpu")
    pictures = [sample.paths[0] for sample in dataset.samples]
    singles = dataclasses.replace(
        dataset, samples=[dataclasses.replace(s, paths=s.paths[:1]) for s in dataset.samples], name="singles"
    )
    clips = Clips(prepare(singles, tmp_path), num_frames=3, image_size=48)
    expected = predict(classifier.model, clips, tuple(range(12)), config, Group()).logits
    found = [list(prediction.probabilities.values()) for prediction in classifier.predict(pictures)]
    np.testing.assert_allclose(found, torch.from_numpy(expected).softmax(dim=1).numpy(), atol=1e-5)


class _Trusting:
    """A detector that sees a face in noise too."""

    def detect(self, frames, look):
        return [[Face(np.array([0.0, 0, 40, 40]), 0.8, np.zeros((5, 2)))] for _ in frames]


def test_a_frame_that_shows_no_face_is_not_answered_for():
    with pytest.raises(NoFace, match="no face in any of 2 frames looked at; the model was trained on crops of faces"):
        GivenFaces().crop_shown([noise(48, 48)] * 2, 60)


@pytest.mark.parametrize("grey", [False, True])
def test_a_drawn_crop_of_48_px_is_answered_for_with_the_score_of_the_detector(grey):
    world = DIFFICULTIES["medium"]
    subject = sample_subject(np.random.default_rng(0), world)
    frames = draw_clip(np.random.default_rng(0), subject, "happiness", world, num_frames=4, size=110).frames
    crops = [cv2.resize(frame, (48, 48), interpolation=cv2.INTER_AREA) for frame in frames[:, 20:90, 20:90]]
    if grey:
        crops = [np.repeat(crop.mean(axis=-1, keepdims=True).astype(np.uint8), 3, axis=-1) for crop in crops]
    clip = GivenFaces().crop_shown(crops, 60)
    assert np.array_equal(clip.frames, GivenFaces().crop_clip(crops, 60).frames)
    assert (clip.num_frames_with_face, clip.face_share) == (4, 1.0)
    assert 0.3 <= clip.score <= 1


@pytest.mark.parametrize(("name", "is_face"), [("coffee", False), ("chelsea", False), ("lisa1", True), ("lisa3", True)])
@pytest.mark.parametrize("side", [48, 224])
def test_a_cup_and_a_cat_are_not_answered_for_and_real_faces_are(faces, name, is_face, side):
    picture = read_image(next((faces / "stills").glob(f"{name}.*")))
    crop = cv2.resize(picture, (side, side), interpolation=cv2.INTER_AREA)
    with contextlib.nullcontext() if is_face else pytest.raises(NoFace):
        assert GivenFaces().crop_shown([crop], 60).score > 0.9


def test_frames_in_which_no_face_shows_count_against_it():
    world = DIFFICULTIES["easy"]
    subject = sample_subject(np.random.default_rng(0), world)
    frames = list(draw_clip(np.random.default_rng(0), subject, "happiness", world, num_frames=2, size=96).frames)
    assert GivenFaces().crop_shown([*frames, noise(96, 96), noise(96, 96)], 60).face_share == 0.5


class _WholeFrame(GivenFaces):
    """Stands for the search, which finds nothing in noise."""

    settings = {"detector": "whole frame"}  # noqa: RUF012
