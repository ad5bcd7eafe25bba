"""What a device has, and what a step took of it."""

import subprocess
import sys

import pytest
import torch

from trainables import res_rbg
from trainables.core.training.memory import measured
from trainables.core.training.memory.forecast import GIB, Forecast, forecast
from trainables.core.training.memory.measured import capacity, gaps_of, measured_step, room_of

CPU = torch.device("cpu")


def test_a_container_has_what_its_group_may_use(tmp_path):
    own, groups = tmp_path / "cgroup", tmp_path / "groups"
    (groups / "jobs/mine").mkdir(parents=True)
    (groups / "jobs/mine/memory.max").write_text("max\n")
    (groups / "jobs/memory.max").write_text(f"{3 * GIB}\n")
    own.write_text("0::/jobs/mine\n")
    assert measured._limits(own, groups) == [3 * GIB]
    (groups / "memory/mine").mkdir(parents=True)
    (groups / "memory/mine/memory.limit_in_bytes").write_text(f"{2 * GIB}\n")
    own.write_text("4:memory:/mine\n2:cpu,cpuacct:/mine\n")
    assert measured._limits(own, groups) == [2 * GIB]
    assert measured._limits(tmp_path / "missing", groups) == []


def test_a_worker_may_take_its_share(monkeypatch):
    monkeypatch.setattr(measured, "capacity", lambda device: 10 * GIB)
    assert room_of(CPU, 0.5) == pytest.approx(0.5 * room_of(CPU))
    assert 0.7 * 10 * GIB < room_of(CPU) < 10 * GIB


def test_this_machine_has_memory():
    assert capacity(CPU) > GIB


@pytest.mark.slow
def test_a_measured_step_is_near_the_forecast():
    """In a process of its own, as one that ran other work holds memory that is free and not given back."""
    program = (
        "import torch; from trainables import res_rbg; from trainables.core.training.memory.measured import measured_step;"
        "torch.set_num_threads(1);"
        "config = res_rbg.Config(backbone='resnet18', attention='none', gru_hidden=16, image_size=112, batch_size=4);"
        "print(measured_step('res_rbg', config, torch.device('cpu')))"
    )
    told = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout
    config = res_rbg.Config(backbone="resnet18", attention="none", gru_hidden=16, image_size=112, batch_size=4)
    assert 0.8 < int(told) / forecast("res_rbg", config, "cpu").step < 2


def test_measuring_leaves_no_trace_in_random_numbers():
    config = res_rbg.Config(**res_rbg.SMALL)
    torch.manual_seed(0)
    expected = torch.rand(())
    torch.manual_seed(0)
    assert measured_step("res_rbg", config, CPU) >= 0
    assert torch.rand(()) == expected


def test_a_gpu_that_is_full_is_told_in_plain_words(monkeypatch):
    def full(*given, **about):
        raise torch.OutOfMemoryError("CUDA out of memory.")

    monkeypatch.setattr(measured, "measured_step", full)
    with pytest.raises(MemoryError, match="CUDA out of memory"):
        measured.step_here("res_rbg", res_rbg.Config(**res_rbg.SMALL), {"workers": 1, "parts": 0})


def test_a_step_that_takes_less_than_is_alive_was_measured_badly():
    found = Forecast(device="cpu", keeps=0, gradients=0, step=100)
    assert gaps_of(found, 130) == pytest.approx(1.3)
    assert gaps_of(found, 50) == 1.0
