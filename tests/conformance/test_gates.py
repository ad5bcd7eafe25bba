"""What every gate promises: each line of `GATES` is tested here, alone and in every trainable with a field `attention`."""

import dataclasses
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from tests.support.networks import assert_padding_is_unseen, noisy_clips
from trainables.core import lookup
from trainables.core.config import make_config
from trainables.models.attention import GATES, attention, start_as_identity

CASES = [pytest.param(name, axes, id=f"{name}-{axes}d") for name, gate in GATES.items() for axes in gate.axes]
TRAINABLES = [lookup.load("trainables", name, "trainable") for name in lookup.names("trainables")]
GATED = [module for module in TRAINABLES if "attention" in {field.name for field in dataclasses.fields(module.Config)}]


def maps(axes: int, channels: int = 32) -> Tensor:
    shape = (3, channels, *{2: (6, 5), 3: (4, 6, 5)}[axes])
    return torch.randn(shape, generator=torch.Generator().manual_seed(1))


def gate_of(name: str, channels: int = 32) -> nn.Module:
    torch.manual_seed(0)
    return attention(name, channels)


def refused(make: Callable[[], object]) -> str:
    """The words of the `ValueError` that `make` raises, `""` where it raises none."""
    try:
        make()
    except ValueError as error:
        return str(error)
    return ""


def gated(module, name: str) -> nn.Module:
    """The small network of a trainable with the gate `name`. Raises `ValueError` where it has no use for it."""
    config = make_config(module.Config, module.SMALL | {"num_classes": 3, "attention": name})
    torch.manual_seed(0)
    model = module.build_model(config)
    for norm in (part for part in model.modules() if isinstance(part, nn.BatchNorm2d)):
        nn.init.ones_(norm.weight)  # a residual branch that begins faint would hide what its gate does
    return model


@pytest.mark.parametrize("name", GATES)
def test_it_says_what_it_is_and_for_which_maps(name):
    said = (GATES[name].module.__doc__ or "").split("\n")[0]
    assert len(said) > 10, "a docstring: what the gate does, and its source or that it is your own"
    assert set(GATES[name].axes) <= {2, 3}
    assert GATES[name].axes


@pytest.mark.parametrize(("name", "axes"), CASES)
def test_it_keeps_the_shape_and_reaches_every_parameter(name, axes):
    gate, x = gate_of(name), maps(axes).requires_grad_()
    out = gate(x)
    assert (out.shape, out.dtype) == (x.shape, x.dtype)
    out.square().sum().backward()
    assert all(parameter.grad.abs().sum() > 0 for parameter in gate.parameters())
    assert x.grad.abs().sum() > 0


@pytest.mark.parametrize(("name", "axes"), CASES)
def test_it_takes_a_number_of_channels_or_names_it(name, axes):
    """Even ones always, as networks have them; an odd one it may refuse."""
    for channels in (8, 24):
        assert gate_of(name, channels)(maps(axes, channels)).shape == maps(axes, channels).shape
    refusal = refused(lambda: gate_of(name, 7)(maps(axes, 7)))
    assert not refusal or "7" in refusal


@pytest.mark.parametrize(("name", "axes"), CASES)
def test_maps_of_a_batch_are_gated_each_by_itself(name, axes):
    gate, x = gate_of(name).eval(), maps(axes)
    alone = torch.cat([gate(x[row : row + 1]) for row in range(len(x))])
    assert torch.allclose(gate(x), alone, atol=1e-6)


@pytest.mark.parametrize(("name", "axes"), CASES)
def test_under_published_weights_it_starts_as_one_half_and_learns(name, axes):
    """With the parameters at 0 that `last` of its line names: the layer before it is doubled then, to the last bit."""
    gate, x = gate_of(name), maps(axes)
    doubled = torch.ones(2)
    start_as_identity(gate, doubled)
    if not list(gate.parameters()):
        assert torch.equal(gate(x), x)
        assert doubled.tolist() == [1, 1]
        return
    assert torch.equal(gate(x), x / 2)
    assert doubled.tolist() == [2, 2]
    for _ in range(2):  # what stands before its last layer gets a gradient from the second step on
        gate.zero_grad()
        gate(x).square().sum().backward()
        with torch.no_grad():
            for parameter in gate.parameters():
                parameter -= 1e-4 * parameter.grad
    assert all(parameter.grad.abs().sum() > 0 for parameter in gate.parameters()), "name its last layer: `last=...`"


@pytest.mark.parametrize("name", [name for name, gate in GATES.items() if 3 in gate.axes])
def test_over_time_padding_stays_zero_and_unseen(name):
    gate, x = gate_of(name).eval(), maps(3)
    padded = torch.cat((x, torch.zeros_like(x)), 2)
    valid, padding = gate(padded).chunk(2, 2)
    assert torch.allclose(valid, gate(x), atol=1e-6)
    assert not padding.any()


@pytest.mark.parametrize("name", GATES)
@pytest.mark.parametrize("module", GATED, ids=lambda module: module.__name__.rpartition(".")[2])
def test_a_trainable_takes_every_gate_that_fits_its_maps(module, name):
    if refusal := refused(lambda: gated(module, name)):
        assert 2 not in GATES[name].axes, f"a gate for single frames fits every trainable: {refusal}"
        assert f"{name!r}, a gate over time; this network sees each frame by itself" in refusal
        return
    model, x, lengths = gated(module, name), noisy_clips(4), torch.tensor([4, 1, 2])
    model.train()(x, lengths)  # running statistics no longer those of the first day
    assert_padding_is_unseen(model.eval(), x, lengths, ((7.0, 0), (float("nan"), 2)), atol=1e-4)
    model.train()(x, lengths).square().sum().backward()
    gates = [part for part in model.modules() if type(part) is GATES[name].module]
    assert gates
    assert all(parameter.grad.isfinite().all() for gate in gates for parameter in gate.parameters())


@pytest.mark.parametrize("name", GATES)
def test_some_trainable_takes_it(name):
    given = {"attention": name}
    assert any(not refused(lambda module=module: make_config(module.Config, module.SMALL | given)) for module in GATED)
