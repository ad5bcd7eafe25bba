"""A trained model in other hands: from the folder of a trial."""

import json

import cv2
import numpy as np
import pytest
import torch

from drawing.media import save_video
from drawing.scenes import draw_scene
from tests.support.builders import of_earlier_version
from tests.support.networks import CLASSES, CONFIG, write_model
from trainables.core.faces.clip import CroppedClip, NoFace
from trainables.core.faces.finder import FaceFinder
from trainables.core.faces.fixed_box import FixedBox
from trainables.core.faces.given import GivenFaces
from trainables.core.prepared.batches import Clips
from trainables.core.prepared.cache import prepare
from trainables.core.serving.classifier import Classifier
from trainables.core.training.trainer import predict
from trainables.core.training.workers import Group
from trainables.data.core.dataset import Dataset, Fold, Sample
from trainables.data.core.frames import read_frames


class WholeFrame:
    """Stands for the detector: the whole frame is the face, unless it is black."""

    settings = {"detector": "whole frame"}  # noqa: RUF012

    def crop_clip(self, frames, size):
        kept = [cv2.resize(frame, (size, size)) for frame in frames]
        if not np.any(kept):
            raise NoFace(f"no face in any of {len(kept)} frames")
        return CroppedClip(np.stack(kept), len(kept), 1.0)

    crop_shown = crop_clip


def write_frames(folder, num_frames, seed):
    folder.mkdir(parents=True)
    rng = np.random.default_rng(seed)
    for i in range(num_frames):
        cv2.imwrite(str(folder / f"{i}.png"), rng.integers(1, 255, (60, 50, 3), dtype=np.uint8))
    return folder


@pytest.mark.slow
@pytest.mark.parametrize(("image_size", "crop_size", "earlier"), [(32, 48, False), (40, 48, True), (224, 280, False)])
def test_the_same_frames_get_the_same_answer_as_in_the_trainers_evaluation(image_size, crop_size, earlier, tmp_path):
    lengths = [2, 6, 11, 12]  # shorter than, equal to and longer than what the network reads; 10 before 2 by name
    paths = [write_frames(tmp_path / f"clip{i}", length, seed=i) for i, length in enumerate(lengths)]
    samples = [
        Sample(clip_id=path.name, label=i % 4, subject=str(i), paths=tuple(path / f"{k}.png" for k in range(length)))
        for i, (path, length) in enumerate(zip(paths, lengths, strict=True))
    ]
    folds = [Fold(train=(0, 1), validation=(2,), test=(3,))]
    dataset = Dataset(name="noise", classes=CLASSES, samples=samples, folds=folds, read=read_frames)
    prepared = prepare(dataset, tmp_path / "storage", crop_size=crop_size, finder=WholeFrame(), num_processes=1)
    prepared = of_earlier_version(prepared) if earlier else prepared
    folder = write_model(tmp_path / "trial", {**CONFIG, "image_size": image_size}, crop_size=crop_size)
    classifier = Classifier.load(folder, device="cpu")
    classifier.finder = WholeFrame()
    clips = Clips(prepared, num_frames=CONFIG["num_frames"], image_size=image_size)
    expected = predict(classifier.model, clips, (0, 1, 2, 3), classifier.config, Group())
    expected = torch.from_numpy(expected.logits).softmax(dim=1).numpy()
    found = classifier.predict(paths)
    np.testing.assert_allclose([list(p.probabilities.values()) for p in found], expected, atol=1e-5)
    assert [p.label for p in found] == [CLASSES[i] for i in expected.argmax(axis=1)]


def test_a_bad_file_keeps_no_other_from_its_answer(folder, tmp_path):
    classifier = Classifier.load(folder, device="cpu")
    classifier.finder = WholeFrame()
    good = write_frames(tmp_path / "clips" / "good", 3, seed=0)
    (tmp_path / "x.mp4").write_text("words, not frames")
    (tmp_path / "empty").mkdir()
    black = tmp_path / "black.png"
    cv2.imwrite(str(black), np.zeros((40, 40, 3), np.uint8))
    given = [tmp_path / "x.mp4", tmp_path / "absent.avi", tmp_path / "empty", black, good / "0.png", tmp_path / "clips"]
    found = classifier.predict(given)
    assert [p.path for p in found] == [str(path) for path in (*given[:5], good)]
    for prediction in found[:4]:
        assert prediction.error
        assert prediction.label is None
        assert prediction.probabilities is None
    assert "no face" in found[3].error
    for prediction in found[4:]:
        assert prediction.error is None
        assert tuple(prediction.probabilities) == CLASSES
        assert sum(prediction.probabilities.values()) == pytest.approx(1)
        assert prediction.label == max(prediction.probabilities, key=prediction.probabilities.get)


@pytest.mark.parametrize(
    ("described", "finder"),
    [({}, FixedBox), ({"cropping": "path"}, FaceFinder), ({"faces": "given", "cropping": "path"}, GivenFaces)],
)
def test_a_model_is_shown_crops_as_it_was_trained_on(described, finder, tmp_path):
    folder = write_model(tmp_path / "model")
    file = folder / "model.json"
    known = {key: value for key, value in json.loads(file.read_text()).items() if key not in ("cropping", "faces")}
    file.write_text(json.dumps(known | described))
    assert isinstance(Classifier.load(folder, device="cpu").finder, finder)


@pytest.fixture(scope="module")
def scenes(tmp_path_factory):
    """Videos of drawn people by name."""
    folder = tmp_path_factory.mktemp("scenes")
    for name in ("two people", "mostly away"):
        save_video(folder / f"{name}.mp4", draw_scene(name, num_frames=12).frames)
    return folder


def test_everybody_in_a_clip_is_answered_for_with_the_place_of_each(folder, scenes, tmp_path):
    classifier = Classifier.load(folder, device="cpu")
    (tmp_path / "x.mp4").write_text("words, not frames")
    first, second, failed = classifier.predict([scenes / "two people.mp4", tmp_path / "x.mp4"], every_face=True)
    assert first.clip["box"]["right"] < second.clip["box"]["left"]
    assert (first.clip["faces"], first.clip["remarks"], second.clip["remarks"]) == (2, [], [])
    (alone,) = classifier.predict([scenes / "two people.mp4"])
    assert alone.probabilities == pytest.approx(first.probabilities)
    assert failed.error


def test_a_model_of_given_crops_answers_for_faces_that_it_finds_and_says_so(folder, scenes):
    classifier = Classifier.load(folder, device="cpu")
    classifier.faces, classifier.finder = "given", GivenFaces()
    found = classifier.predict([scenes / "two people.mp4"], every_face=True)
    assert [prediction.clip["box"]["frame"] for prediction in found] == [0, 0]
    remark = "a face that was found here, framed otherwise than those that the model was trained on"
    assert [prediction.clip["remarks"] for prediction in found] == [[remark], [remark]]


def test_an_answer_from_frames_mostly_without_a_face_says_so(folder, scenes):
    classifier = Classifier.load(folder, device="cpu")
    classifier.finder = FaceFinder()
    (found,) = classifier.predict([scenes / "mostly away.mp4"])
    assert found.label in CLASSES
    assert "a face that shows in part of the frames (33 %)" in found.clip["remarks"]


def test_a_model_started_from_published_weights_needs_no_such_file_to_serve(tmp_path):
    assert Classifier.load(write_model(tmp_path / "a", {**CONFIG, "weights": "imagenet"}), device="cpu").model


@pytest.mark.slow
def test_a_folder_without_a_model_or_with_a_damaged_one_is_refused(folder, tmp_path):
    with pytest.raises(ValueError, match=r"model\.json and model\.safetensors belong here"):
        Classifier.load(tmp_path)
    damaged = write_model(tmp_path / "damaged")
    (damaged / "model.safetensors").write_bytes(b"\x00" * 40)
    with pytest.raises(ValueError, match="no model that can be read"):
        Classifier.load(damaged)
    with pytest.raises(ValueError, match="do not fit"):
        Classifier.load(write_model(tmp_path / "other", described={**CONFIG, "gru_hidden": 24}))
    with pytest.raises(ValueError, match="res_rgb"):
        Classifier.load(write_model(tmp_path / "unknown", trainable="res_rgb"))


def test_a_model_of_before_serves_whatever_its_training_was_begun_with(tmp_path):
    folder = write_model(tmp_path / "now")
    earlier = {key: value for key, value in CONFIG.items() if key != "max_drift"} | {"gradient_clip": 0, "lr": -1}
    before = write_model(tmp_path / "before", described=earlier)
    now, then = (Classifier.load(one, device="cpu") for one in (folder, before))
    assert (then.config.gradient_clip, then.config.max_drift) == (0, 0.0), "what its record lacks is off"
    crops = np.random.default_rng(0).integers(0, 255, (3, 48, 48, 3), np.uint8)
    assert np.array_equal(now._probabilities(crops), then._probabilities(crops))
    with pytest.raises(ValueError, match="Did you mean 'gru_hidden'"):
        Classifier.load(write_model(tmp_path / "strange", described={**CONFIG, "gru_hiden": 8}))
