"""The published gates: their kernels, what they listen to, their parameters; conformance/test_gates.py tests every gate."""

import re

import pytest
import torch

from trainables.models.attention import FrameGate, attention, eca_kernel

PUBLISHED = ("se", "eca", "g_eca")


@pytest.mark.parametrize(("channels", "kernel"), [(256, 5), (512, 5), (1024, 5), (2048, 7)])
def test_eca_kernels_are_the_published_ones(channels: int, kernel: int) -> None:
    assert eca_kernel(channels) == kernel
    assert attention("eca", channels).conv.kernel_size == (kernel,)


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_gate_scales_whole_channels_by_less_than_one(name: str) -> None:
    torch.manual_seed(0)
    x = torch.rand(2, 32, 4, 4) + 0.5
    ratio = attention(name, 32)(x) / x
    assert torch.allclose(ratio, ratio[:, :, :1, :1].expand_as(ratio), atol=1e-6)
    assert 0 < ratio.min() < ratio.max() < 1


def test_the_gate_none_changes_nothing() -> None:
    x = torch.randn(1, 8, 2, 2)
    assert torch.equal(attention("none", 8)(x), x)


def test_a_g_eca_gate_listens_to_its_own_neighbourhood() -> None:
    torch.manual_seed(0)
    gate = attention("g_eca", 256)
    x = torch.rand(1, 256, 2, 2)
    for channel in (0, 1, 100, 101, 254, 255):
        other = x.clone()
        other[:, channel] += 1
        before, after = (gate(maps) / maps for maps in (x, other))
        changed = (before - after).abs().amax((0, 2, 3)).gt(1e-6).nonzero().flatten()
        assert channel in changed
        assert (changed - channel).abs().max() <= 6


def test_parameter_counts_of_one_gate() -> None:
    counts = {name: sum(p.numel() for p in attention(name, 256).parameters()) for name in PUBLISHED}
    assert counts == {"se": 2 * 256 * 16 + 16 + 256, "eca": 5, "g_eca": 5 + 128 * 3}


def test_an_unknown_gate_names_the_nearest() -> None:
    with pytest.raises(ValueError, match=r"Did you mean 'eca'.*g_eca"):
        attention("ecaa", 16)


def test_a_network_of_single_frames_has_no_use_for_a_gate_over_time() -> None:
    gates = FrameGate()
    assert gates.allows("spatial")
    assert not gates.allows("spatial_3d")
    assert re.match(
        r".*'spatial_3d', a gate over time; .* Allowed are: none, se, eca, g_eca, spatial",
        gates.refusal("attention", "spatial_3d", str),
    )
    assert gates.refusal("attention", ["spatial"], str).startswith("There is no attention named")
    said = gates.refusal("attention", "spacial", str)
    assert said.startswith("There is no attention named 'spacial'. Did you mean 'spatial'?")
