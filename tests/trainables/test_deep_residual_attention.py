"""Deep residual attention: spatial gates in every block, an average that padding does not enter, a perceptron."""

import functools

import pytest
import torch
from torch import nn

from tests.support.networks import assert_padding_is_unseen, network, noisy_clips
from trainables import deep_residual_attention
from trainables.core.config import make_config
from trainables.deep_residual_attention import Config
from trainables.models.attention import SpatialAttention2d, SpatialAttention3d, attention
from trainables.models.deep_residual_attention import DeepResidualAttention

SHAPES = {"spatial": (2, 8, 6, 5), "spatial_3d": (2, 8, 4, 6, 5)}


small = functools.partial(network, deep_residual_attention, **deep_residual_attention.SMALL, num_classes=3)


@pytest.mark.parametrize("name", SHAPES)
def test_a_spatial_gate_has_one_weight_a_place_and_reaches_every_parameter(name: str) -> None:
    torch.manual_seed(0)
    gate = attention(name, 8)
    x = torch.rand(SHAPES[name], requires_grad=True)
    out = gate(x)
    ratio = (out / x).detach()
    assert torch.allclose(ratio, ratio[:, :1].expand_as(ratio), atol=1e-6)
    assert 0 < ratio.min() < ratio.max() < 1
    out.square().sum().backward()
    assert all(parameter.grad.abs().sum() > 0 for parameter in gate.parameters())


@pytest.mark.parametrize("name", SHAPES)
def test_a_spatial_gate_sees_the_average_and_the_maximum_over_channels(name: str) -> None:
    torch.manual_seed(0)
    gate = attention(name, 8)
    x = torch.rand(SHAPES[name])
    assert torch.allclose(gate(x) / x, gate(x.flip(1)) / x.flip(1), atol=1e-6)  # not their order
    louder = x.clone()
    louder[:, 0] += 1  # moves both
    assert not torch.allclose(gate(x)[:, 1], gate(louder)[:, 1], atol=1e-6)
    assert {parameter.numel() for parameter in gate.parameters()} == {1, 2 * 49 * (3 if name == "spatial_3d" else 1)}


def test_a_gate_in_time_leaks_no_further_than_its_neighbours() -> None:
    torch.manual_seed(0)
    gate, x = SpatialAttention3d(8), torch.rand(1, 8, 6, 4, 4)
    other = x.clone()
    other[:, :, 4] += 1
    changed = (gate(x) - gate(other)).abs().amax((0, 1, 3, 4)) > 1e-6
    assert changed.tolist() == [False, False, False, True, True, True]


def test_every_block_has_a_spatial_gate_before_the_residual_sum() -> None:
    model = small()
    gates = [module for module in model.modules() if isinstance(module, SpatialAttention2d)]
    assert len(gates) == 8
    block = model.backbone.layer1[1].eval()
    nn.init.zeros_(block.gate.conv.weight)
    nn.init.constant_(block.gate.conv.bias, -100.0)  # the gate is shut
    x = torch.rand(1, 64, 4, 4)
    assert torch.allclose(block(x), x)


def test_padding_enters_neither_the_average_nor_batch_statistics() -> None:
    frames = nn.Sequential(nn.Conv2d(3, 4, 8, stride=8), nn.BatchNorm2d(4), nn.Flatten())
    model = DeepResidualAttention(frames, 64, 3, hidden=5)
    lengths = torch.tensor([4, 2, 1])
    assert_padding_is_unseen(model, noisy_clips(4), lengths, ((7.0, 0), (float("nan"), 0)), atol=1e-5)


def test_a_clip_is_the_average_of_its_frames_whatever_their_order() -> None:
    model = small().eval()
    x, lengths = noisy_clips(4, 1), torch.tensor([4])
    assert torch.allclose(model(x, lengths), model(x.flip(1), lengths), atol=1e-5)
    twice = torch.cat((x, x), 1)
    assert torch.allclose(model(x, lengths), model(twice, torch.tensor([8])), atol=1e-5)


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("backbone", "resnet19", "Did you mean 'resnet18'"),
        ("attention", "spatial_3d", "a gate over time; this network sees each frame by itself"),
        ("weights", "imagenet21k", "Did you mean 'imagenet'"),
        ("mlp_hidden", 0, "given as 0; a whole number of at least 1"),
        ("dropout", 1.0, "given as 1.0; 0 .off. up to below 1"),
    ],
)
def test_a_value_that_is_not_allowed_is_named_with_what_is(field: str, value: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make_config(Config, {field: value})
