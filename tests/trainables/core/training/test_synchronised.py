"""BatchNorm over the workers of a group; here there is one, so it is to be as without (two: `test_workers.py`)."""

import copy

import pytest
import torch
from torch import nn

from trainables.core.training import synchronised as module
from trainables.core.training.synchronised import synchronised
from trainables.models.padding import BatchNorm1d, BatchNorm2d

SHAPES = [
    (nn.BatchNorm1d, (6, 5)),
    (BatchNorm1d, (6, 5)),
    (BatchNorm2d, (3, 5, 4, 2)),
    (nn.BatchNorm3d, (2, 5, 3, 4, 2)),
]


@pytest.fixture
def others(monkeypatch):
    """What the other workers add to every sum: nothing, until something is put here."""
    added = []
    monkeypatch.setattr(module.dist, "all_reduce", lambda values: values.add_(added.pop(0)) if added else values)
    return added


def outcome(norm, x, *, counts=True, within=True):
    """Output, gradients of input, weight and bias, and the state afterwards."""
    norm, x = copy.deepcopy(norm), x.clone().requires_grad_()
    if within:
        with synchronised(norm, counts=counts):
            out = norm(x)
    else:
        out = norm(x)
    out.square().mul(torch.arange(out.numel()).view_as(out)).sum().backward()
    return [out.detach(), x.grad, norm.weight.grad, norm.bias.grad, *norm.state_dict().values()]


@pytest.mark.parametrize(("kind", "shape"), SHAPES)
def test_of_one_worker_it_is_the_norm_itself(others, kind, shape):
    torch.manual_seed(0)
    norm = kind(5)
    nn.init.uniform_(norm.weight)
    x = 10 + torch.randn(shape)  # a mean far from zero loses no digits of the variance
    for found, expected in zip(outcome(norm, x), outcome(norm, x, within=False), strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-3)


def test_what_does_not_count_is_normalised_as_the_others_are(others):
    norm, x = nn.BatchNorm1d(2, affine=False), torch.full((3, 2), 5.0)
    others += [
        torch.tensor([2.0, 4.0, 2.0]),
        torch.tensor([8.0, 8.0]),
    ]  # two clips: sums 2 and 4, squares about the mean 8
    with synchronised(norm, counts=False):
        found = norm(x)
    torch.testing.assert_close(found, ((x - torch.tensor([1.0, 2.0])) / 2), rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(norm.running_mean, torch.tensor([0.1, 0.2]))
    torch.testing.assert_close(norm.running_var, torch.tensor([0.9 + 0.8] * 2))


@pytest.mark.parametrize("kind", [nn.BatchNorm1d, BatchNorm1d])
def test_a_single_value_in_all_takes_the_running_statistics(others, kind):
    norm = kind(2)
    with synchronised(norm, counts=True):
        found = norm(torch.tensor([[3.0, -1.0]]))
    torch.testing.assert_close(found, torch.tensor([[3.0, -1.0]]), rtol=1e-4, atol=1e-4)
    assert norm.running_mean.tolist() == [0, 0]
    assert norm.running_var.tolist() == [1, 1]


def test_a_norm_in_evaluation_and_what_a_norm_does_beside_stay_as_they_are(others):
    class Activated(nn.BatchNorm1d):
        def forward(self, input):
            return super().forward(input).relu()

    torch.manual_seed(0)
    both, x = nn.Sequential(nn.BatchNorm1d(3).eval(), Activated(3)), torch.randn(4, 3)
    with synchronised(both, counts=True):
        found = both(x)
    assert both[0].running_mean.tolist() == [0, 0, 0]
    torch.testing.assert_close(found, nn.BatchNorm1d(3)(nn.BatchNorm1d(3).eval()(x)).relu())
    assert "forward" not in vars(both[1])


def test_a_worker_that_asks_for_running_statistics_does_not_leave_the_others_waiting(others):
    """A network may do so on seeing a part of one frame (`trainables/models/cnn.py`)."""
    torch.manual_seed(0)
    norm, x = nn.BatchNorm1d(3), torch.randn(4, 3)
    with synchronised(norm, counts=True):
        norm.eval()
        found = norm(x)
    torch.testing.assert_close(found, nn.BatchNorm1d(3)(x))


def test_half_precision_keeps_its_type(others):
    norm, x = nn.BatchNorm1d(3), torch.randn(4, 3).bfloat16()
    with synchronised(norm, counts=True):
        assert norm(x).dtype == torch.bfloat16
