"""Covered and turned faces: what is done to a clip, that nothing else is, and that it is measured on the holdout alone."""

import dataclasses
import json

import numpy as np
import pytest
import torch

from tests.support.builders import make_spec, train
from tests.trainables.core.training.augmentation.moved_frames import noise
from trainables.core.prepared.batches import Clips
from trainables.core.prepared.splits import load_splits
from trainables.core.serving.classifier import Classifier
from trainables.core.training import precision
from trainables.core.training.augmentation.augment import rotated, to_input
from trainables.core.training.augmentation.robustness import (
    OCCLUSIONS_PERCENT,
    ROTATIONS_DEG,
    occlusion,
    rotation,
    write_robustness,
)
from trainables.core.training.metrics import scores
from trainables.core.training.trainer import predict
from trainables.core.training.workers import Group
from tuning.records.artifacts import DISTURBED, read_robustness

pytestmark = pytest.mark.usefixtures("tiny")


@pytest.fixture(scope="module")
def confirmed(prepared, tmp_path_factory):
    """The folder and the metrics of a confirmed trial."""
    folder = tmp_path_factory.mktemp("trials") / "confirm-0000"
    return folder, train(make_spec(prepared, folder, phase="confirm", epochs=1))[1]


@pytest.mark.parametrize("percent", OCCLUSIONS_PERCENT)
def test_a_square_of_the_share_is_blank_on_all_frames_and_nothing_else_changes(percent):
    frames, plain = noise(num_clips=4), to_input(noise(num_clips=4), 32)
    out = occlusion(percent, 32, 9)(frames, [3, 8, 0, 5])
    blank = out != plain
    assert (out[blank] == 0).all()
    covered = blank.any(2)  # (B, T, R, R)
    assert torch.equal(covered, covered[:, :1].expand_as(covered))
    side = round((percent / 100) ** 0.5 * 32)
    for clip in covered[:, 0]:
        rows, columns = clip.any(1).nonzero(), clip.any(0).nonzero()
        assert len(rows) == len(columns) == side == rows[-1] - rows[0] + 1 == columns[-1] - columns[0] + 1
        assert clip.sum() == side**2
        assert side**2 / 32**2 == pytest.approx(percent / 100, abs=0.025)


def test_a_clip_is_covered_at_its_own_place_which_grows():
    frames = noise(num_clips=1)
    small, large = (occlusion(percent, 32, 9)(frames, [4]) == 0 for percent in (10, 40))
    assert large[small].all()
    others = {tuple((occlusion(10, 32, 9)(frames, [clip]) == 0)[0, 0, 0].flatten().tolist()) for clip in range(9)}
    assert len(others) > 5
    beside = occlusion(10, 32, 9)(noise(num_clips=3), [7, 4, 1])[1] == 0  # in another batch, the same place
    assert torch.equal(beside, occlusion(10, 32, 9)(noise(num_clips=2), [4, 0])[0] == 0)


def test_a_rotation_turns_some_clips_each_way_and_always_the_same():
    frames = noise(num_clips=9)
    out = rotation(20, 32, 9)(frames, list(range(9)))
    ways = [rotated(frames, torch.full((9,), angle), 32) for angle in (20.0, -20.0)]
    turned = [[torch.equal(out[clip], way[clip]) for way in ways] for clip in range(9)]
    assert all(sum(one) == 1 for one in turned)
    assert len({tuple(one) for one in turned}) == 2
    assert torch.equal(rotation(20, 32, 9)(frames[3:5], [3, 4]), out[3:5])


def test_strength_zero_changes_nothing():
    frames = noise()
    assert torch.equal(occlusion(0, 32, 2)(frames, [0, 1]), to_input(frames, 32))
    assert torch.allclose(rotation(0, 32, 2)(frames, [0, 1]), to_input(frames, 32), atol=2e-3)


@pytest.mark.parametrize("percent", [-1, 101, float("nan")])
def test_a_share_that_is_none_is_refused(percent):
    with pytest.raises(ValueError, match=r"share to cover was given as .*; 0 to 100 is allowed"):
        occlusion(percent, 32, 2)


def test_a_confirmation_leaves_curves_that_start_at_its_accuracy(prepared, confirmed):
    folder, metrics = confirmed
    curves = read_robustness(folder)
    assert tuple(curves) == DISTURBED
    assert [list(curve) for curve in curves.values()] == [[0, *OCCLUSIONS_PERCENT], [0, *ROTATIONS_DEG]]
    assert [curve[0] for curve in curves.values()] == [metrics["accuracy"]] * 2
    classifier = Classifier.load(folder, device="cpu")
    clips, holdout = Clips(prepared, num_frames=3, image_size=32), load_splits(folder.parent / "splits.json").holdout
    for view, found in (
        (occlusion(30, 32, 20), curves[DISTURBED[0]][30]),
        (rotation(15, 32, 20), curves[DISTURBED[1]][15]),
    ):
        seen = predict(classifier.model, clips, holdout, classifier.config, Group(), view)
        assert found == scores(seen)["accuracy"]
        assert not np.array_equal(
            seen.logits, predict(classifier.model, clips, holdout, classifier.config, Group()).logits
        )
    stored = json.loads((folder / "confusion.json").read_text())
    assert stored["split"] == "holdout"
    assert stored["classes"] == ["happy", "sad"]
    assert np.trace(stored["counts"]) / np.sum(stored["counts"]) == metrics["accuracy"]


def test_what_is_shown_to_a_network_in_bfloat16_is_turned_in_float32(prepared, confirmed, monkeypatch):
    monkeypatch.setattr(precision, "computes_bfloat16", lambda kind: True)
    classifier = Classifier.load(confirmed[0], device="cpu")
    config, turn = dataclasses.replace(classifier.config, precision="bfloat16"), rotation(15, 32, 20)
    shown, types = [], []

    def view(frames, indices):
        shown.append((turn(frames, indices), frames, indices))
        return shown[-1][0]

    watch = classifier.model.frames[0].register_forward_hook(lambda *given: types.append(given[-1].dtype))
    predict(classifier.model, Clips(prepared, num_frames=3, image_size=32), (0, 1), config, Group(), view)
    watch.remove()
    assert types == [torch.bfloat16]
    assert all(torch.equal(seen, turn(frames, indices)) for seen, frames, indices in shown)


@pytest.mark.parametrize("phase", ["search", "refit"])
def test_other_phases_measure_no_robustness(prepared, tmp_path, phase):
    train(make_spec(prepared, tmp_path / "t", phase=phase, epochs=1))
    assert not (tmp_path / "t" / "robustness.json").exists()
    assert read_robustness(tmp_path / "t") == {}


def test_folds_are_averaged(tmp_path):
    one, other = {"accuracy_under_rotation": {0: 1.0, 5: 0.5}}, {"accuracy_under_rotation": {0: 0.5, 5: 0.0}}
    write_robustness(tmp_path, [one, other])
    stored = json.loads((tmp_path / "robustness.json").read_text())
    assert stored["accuracy_under_rotation"] == {"strengths": [0, 5], "accuracies": [0.75, 0.25]}


@pytest.mark.parametrize("damage", ["", "[]", '{"accuracy_under_occlusion": 1}'])
def test_curves_that_cannot_be_read_are_none(tmp_path, damage):
    (tmp_path / "robustness.json").write_text(damage)
    assert read_robustness(tmp_path) == {}
