"""TDRAG: torchvision's 3-D ResNet-18 as the base, padding without influence through every halving of time."""

import functools
import itertools
from pathlib import Path

import pytest
import torch
from torch import nn
from torchvision.models.video import r3d_18

from tests.support.networks import assert_padding_is_unseen, blanked, gradients, network, noisy_clips
from trainables import tdrag
from trainables.core.config import make_config
from trainables.models.attention import SpatialAttention3d
from trainables.models.resnet3d import ResNet3d
from trainables.tdrag import PRESETS, Config, build_model

LENGTHS = torch.tensor([6, 5, 1])


small = functools.partial(network, tdrag, **tdrag.SMALL, num_classes=3)


def test_the_base_has_the_parameters_of_the_published_network() -> None:
    with torch.device("meta"):
        theirs = r3d_18(num_classes=7)
        ours = build_model(make_config(Config, PRESETS["r3d_18"]))
    assert sum(p.numel() for p in ours.parameters()) == sum(p.numel() for p in theirs.parameters()) == 33_169_863


@pytest.mark.slow
def test_the_base_computes_what_torchvision_computes() -> None:
    torch.manual_seed(0)
    theirs = r3d_18(num_classes=3)
    with torch.device("meta"):  # the values are theirs
        ours = build_model(make_config(Config, PRESETS["r3d_18"] | {"num_classes": 3}))
    state = {
        key.replace("fc.", "head.linear.") if key.startswith("fc.") else f"backbone.{key}": value.clone()
        for key, value in theirs.state_dict().items()
    }
    ours.load_state_dict(state, assign=True)
    x = noisy_clips(4, 2)[..., :16, :16]
    for training in (True, False):
        with torch.no_grad():
            expected = theirs.train(training)(x.transpose(1, 2))
            found = ours.train(training)(x, torch.tensor([4, 4]))
        assert torch.allclose(found, expected, atol=1e-3 * expected.abs().max())
    assert torch.allclose(ours.backbone.layer4[1].conv2[1].running_var, theirs.layer4[1].conv2[1].running_var)


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("changes", [{}, {"temporal": "mean"}, {"attention": "none"}], ids=str)
@pytest.mark.parametrize("halvings", [0, 1, 3])
def test_padding_never_changes_the_logits_of_a_clip(changes: dict[str, object], halvings: int, training: bool) -> None:
    model = small(temporal_halvings=halvings, **changes).train(training)
    paddings = ((7.0, 3), (float("nan"), 2))
    logits = assert_padding_is_unseen(model, noisy_clips(6), LENGTHS, paddings, atol=1e-4)
    assert not torch.allclose(logits[0], logits[1], atol=1e-3)


def test_what_stands_in_padded_frames_never_changes_a_gradient() -> None:
    found = [gradients(small(), blanked(noisy_clips(6), LENGTHS, value), LENGTHS) for value in (0.0, float("nan"))]
    assert all(torch.allclose(a, b, atol=1e-5) for a, b in zip(*found, strict=True))
    assert all(gradient.abs().sum() > 0 for gradient in found[0])


def test_a_clip_alone_has_the_logits_it_has_in_a_batch() -> None:
    model = small(temporal_halvings=2).eval()
    x = noisy_clips(6)
    batch = model(x, LENGTHS)
    for row, length in enumerate(LENGTHS.tolist()):
        alone = model(x[row : row + 1, :length], torch.tensor([length]))
        assert torch.allclose(alone[0], batch[row], atol=1e-5)


@pytest.mark.parametrize(
    ("halvings", "steps"), [(0, [6, 5, 1]), (1, [3, 3, 1]), (2, [2, 2, 1]), (3, [1, 1, 1])], ids=str
)
def test_lengths_shrink_as_time_is_halved(halvings: int, steps: list[int]) -> None:
    backbone = ResNet3d("none", halvings, width=8).eval()
    features, lengths = backbone(noisy_clips(8), LENGTHS)
    assert lengths.tolist() == steps
    assert features.shape == (3, -(-8 // 2**halvings), 64)
    for row, length in zip(features, steps, strict=True):
        assert not row[length:].any()
        assert row[:length].any(-1).all()


def test_order_matters_to_the_network() -> None:
    model = small().eval()
    x, lengths = noisy_clips(6), torch.full((3,), 6)
    assert not torch.allclose(model(x, lengths), model(x.flip(1), lengths), atol=1e-5)


def test_the_gate_scales_the_residual_branch_alone() -> None:
    model = small().eval()
    gates = [module for module in model.modules() if isinstance(module, SpatialAttention3d)]
    assert len(gates) == 8
    plain = small(attention="none").eval()
    for gate in gates:
        nn.init.zeros_(gate.conv.weight)
        nn.init.constant_(gate.conv.bias, 100.0)  # the gates stand open
    plain.load_state_dict({key: value for key, value in model.state_dict().items() if ".gate." not in key})
    assert torch.allclose(model(noisy_clips(6), LENGTHS), plain(noisy_clips(6), LENGTHS), atol=1e-5)


def test_each_preset_writes_out_every_field_and_adds_one_component() -> None:
    rows = [PRESETS[name] for name in ("r3d_18", "resnet3d", "keyframes", "attention", "full")]
    assert len({frozenset(row) for row in rows}) == 1
    changes = [{key for key in a if a[key] != b[key]} for a, b in itertools.pairwise(rows)]
    assert changes == [{"temporal_halvings"}, {"frame_selection"}, {"attention"}, {"temporal"}]
    assert make_config(Config, PRESETS["full"]) == Config()


def test_weights_of_kinetics_are_read_from_the_local_file(hub: Path) -> None:
    backbone = ResNet3d("spatial_3d", width=8)
    with pytest.raises(ValueError, match=r"r3d_18-b3b3357e\.pth.*nothing is downloaded"):
        backbone.start_from("kinetics")
    torch.manual_seed(1)
    published = ResNet3d("none", width=8).state_dict() | {
        "fc.weight": torch.zeros(400, 64),
        "fc.bias": torch.zeros(400),
    }
    torch.save(published, hub / "r3d_18-b3b3357e.pth")
    backbone.start_from("kinetics")
    assert torch.equal(backbone.layer4[1].conv2[0].weight, published["layer4.1.conv2.0.weight"])
    with pytest.raises(ValueError, match="does not hold the weights of r3d_18"):
        ResNet3d("none", width=4).start_from("kinetics")
    (hub / "r3d_18-b3b3357e.pth").write_bytes(b"half a file")
    with pytest.raises(ValueError, match=r"cannot be read .*once more"):
        backbone.start_from("kinetics")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"attention": "spatial_4d"}, "Did you mean 'spatial_3d'"),
        ({"temporal": "grus"}, "Did you mean 'gru'"),
        ({"weights": "kinetic"}, "Did you mean 'kinetics'"),
        ({"temporal_halvings": 4}, "given as 4; a whole number from 0 to 3"),
        ({"gru_hidden": 0}, "gru_hidden was given as 0; a whole number of at least 1"),
        ({"weights": "kinetics", "width": 32}, "32 with weights 'kinetics', which have a width of 64"),
        ({"dropout": 1.0}, "given as 1.0"),
    ],
)
def test_a_value_that_is_not_allowed_is_named_with_what_is(changes: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make_config(Config, changes)
