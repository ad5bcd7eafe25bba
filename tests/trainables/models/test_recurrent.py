"""Recurrent layers compute in float32 whatever the precision around them, and as torch's to the last bit."""

import pytest
import torch
from torch import nn

from trainables.models.recurrent import in_float32


@pytest.fixture
def layer():
    torch.manual_seed(0)
    return nn.GRU(6, 4, 2, batch_first=True)


def test_without_autocast_it_is_torchs_to_the_last_bit(layer):
    x = torch.randn(3, 5, 6)
    assert torch.equal(in_float32(layer, x), layer(x)[0])


@pytest.mark.parametrize("given", [torch.float32, torch.bfloat16])
def test_under_autocast_it_computes_in_float32_and_so_do_its_gradients(layer, given):
    x = torch.randn(3, 5, 6).to(given)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        out = in_float32(layer, x)
    assert out.dtype == torch.float32
    assert torch.equal(out, layer(x.float())[0])
    out.sum().backward()
    assert {parameter.grad.dtype for parameter in layer.parameters()} == {torch.float32}


def test_it_works_without_values():
    assert in_float32(nn.GRU(6, 4, device="meta"), torch.zeros(5, 6, device="meta")).shape == (5, 4)
