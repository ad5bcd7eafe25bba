"""Strided convolutions of 1 x 1 on few channels: right gradients, on the processors where oneDNN's own are not."""

import os
import subprocess
import sys

import pytest
import torch
from torch import nn

from trainables.core.training.layout import channels_last

GRADIENTS = """
import torch
from torch import nn
from trainables.core.training.layout import LAYOUTS, channels_last

for kind, stride, size in ((nn.Conv2d, 2, (48, 48)), (nn.Conv3d, (1, 2, 2), (4, 24, 24))):
    torch.manual_seed(0)
    model = nn.Sequential(kind(3, 12, kernel_size=1, stride=stride, bias=False))
    truth = kind(3, 12, kernel_size=1, stride=stride, bias=False).double()
    truth.load_state_dict(model[0].state_dict())
    x = torch.randn(2, 3, *size)
    grad = torch.randn_like(truth(x.double()))
    truth(x.double()).backward(grad)
    model = channels_last(model)
    model(x.contiguous(memory_format=LAYOUTS[x.ndim])).backward(grad.float())
    torch.testing.assert_close(model[0].weight.grad.double(), truth.weight.grad, rtol=1e-4, atol=1e-3)
"""


def test_gradients_are_right_where_onednn_writes_past_its_memory():
    env = {**os.environ, "ONEDNN_MAX_CPU_ISA": "AVX2"}
    done = subprocess.run([sys.executable, "-c", GRADIENTS], env=env, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("stride", [1, 2, (2, 3)])
@pytest.mark.parametrize("channels", [3, 16])
def test_the_answers_stay_the_same(stride, channels):
    torch.manual_seed(0)
    model = nn.Conv2d(channels, 8, kernel_size=1, stride=stride)
    x = torch.randn(2, channels, 13, 13)
    before = model(x)
    assert channels_last(channels_last(model)) is model
    torch.testing.assert_close(model(x), before)
    assert model.weight.is_contiguous(memory_format=torch.channels_last)
