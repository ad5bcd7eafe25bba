"""Features of frames that nothing is trained for."""

import shutil

import pytest
import torch
from torch import nn

from trainables.core.baselines import features
from trainables.core.baselines.features import BEST_FIRST, NETWORK_SIZE, faces_of, frozen_features, oriented_gradients
from trainables.models.backbones import BACKBONES
from trainables.models.sources import SOURCES, source_of

CPU = torch.device("cpu")


@pytest.fixture
def at_hand(tmp_path, monkeypatch):
    """Where published weights are looked for: an empty folder of this test."""
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    (tmp_path / "checkpoints").mkdir()
    return tmp_path / "checkpoints"


def stripes(angle: str) -> torch.Tensor:
    """A face of nothing but stripes, (1, 3, 64, 64) in 0 to 255."""
    wave = 127.5 + 127.5 * torch.sin(torch.arange(64) / 3)
    grey = wave.expand(64, 64) if angle == "upright" else wave.expand(64, 64).T
    return grey.expand(1, 3, 64, 64)


def test_gradients_tell_directions_apart_and_not_brightness():
    upright, lying = (oriented_gradients(stripes(angle)) for angle in ("upright", "lying"))
    assert upright.shape == (1, 49 * 36)
    assert torch.allclose(upright, oriented_gradients(0.5 * stripes("upright") + 20), atol=1e-4)
    assert (upright * lying).sum() < 0.1 * (upright * upright).sum()


def test_a_face_without_edges_has_features_too():
    assert oriented_gradients(torch.full((2, 3, 40, 40), 90.0)).isfinite().all()


def test_faces_are_stored_frames_without_their_margin(prepared):
    faces = faces_of(torch.from_numpy(prepared.frames[:3].copy()), prepared)
    size, top = prepared.face_size, (prepared.crop_size - prepared.face_size) // 2
    assert faces.shape == (3, 3, size, size)
    assert faces[1, 2, 0, 0] == prepared.frames[1, top, top, 2]


def test_published_weights_that_may_lie_at_hand_fit_their_backbones():
    assert all(source_of(name, backbone) and backbone in BACKBONES for name, backbone in BEST_FIRST)
    of_frames = {name for name, sources in SOURCES.items() for one in sources if {*one.backbones} & {*BACKBONES}}
    assert {name for name, _ in BEST_FIRST} == of_frames, "a source that is added is looked for too"


def test_without_weights_gradients_and_with_those_at_hand_a_network(at_hand, face_weights):
    assert frozen_features("none", "resnet18", CPU).of is oriented_gradients
    (at_hand / "face_expression.safetensors").write_bytes(b"damaged")
    assert frozen_features("none", "resnet18", CPU).of is oriented_gradients
    shutil.copy(face_weights / "face_expression.safetensors", at_hand)
    found = frozen_features("none", "resnet18", CPU)
    assert found.what == "frozen features of expression_net (face_api)"
    assert found.of(torch.rand(2, 3, 128, 128) * 255).shape == (2, 256)


def test_the_weights_of_the_study_come_first_and_a_missing_file_is_said(at_hand, monkeypatch):
    shown = []

    class Network(nn.Module):
        def forward(self, frames):
            shown.append(frames)
            return frames.mean((2, 3))

    monkeypatch.setattr(features, "frame_network", lambda backbone, gate, weights: (Network(), 3))
    found = frozen_features("/weights/own.safetensors", "resnet18", CPU)
    assert found.what == "frozen features of resnet18 (own.safetensors)"
    assert found.of(torch.full((1, 3, 40, 40), 0.485 * 255))[0, 0] == pytest.approx(0, abs=1e-5)
    assert shown[0].shape == (1, 3, NETWORK_SIZE, NETWORK_SIZE)
    monkeypatch.undo()
    with pytest.raises(ValueError, match=r"own\.safetensors"):
        frozen_features("/weights/own.safetensors", "resnet18", CPU)
