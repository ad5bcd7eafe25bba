"""The reference runs seldom, and leaves everything of a training as it was."""

import random
import time

import numpy as np
import pytest
import torch

from trainables.core.training.timing import reference
from trainables.core.training.timing.reference import EARLY, FEW, INTERVAL, SHARE, Reference, Workload, idle_time_s
from trainables.core.training.timing.step_clock import StepClock, clock_of
from trainables.core.training.workers import Group


class Blink:
    def __init__(self, device):
        self.runs = 0

    def run(self):
        self.runs += 1


@pytest.fixture
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def runs_of(group, num_steps, step_s, cost_s, monkeypatch):
    """After how many of `num_steps` steps of `step_s` seconds it ran, where a run takes `cost_s`."""
    monkeypatch.setattr(reference, "Workload", Blink)
    now = [0.0]

    def wall():
        now[0] += cost_s
        return now[0]

    one, clock, ran = Reference(group, wall), StepClock(torch.device("cpu")), []
    for step in range(1, num_steps + 1):
        one.step_took(step_s)
        if one.run_if_due(clock):
            ran.append(step)
    assert len(clock.seconds()) == len(ran)
    return ran


def test_it_takes_a_fiftieth_of_a_training_at_most(monkeypatch):
    ran = runs_of(Group(), 2000, 1.0, 4.0, monkeypatch)
    assert ran[:FEW] == [EARLY, 2 * EARLY, 3 * EARLY], "a short training has a few blocks"
    assert len(ran) * 4.0 <= SHARE * 2000
    assert len(ran) > 8, "and it is used"


def test_workers_of_a_group_run_it_at_the_same_steps_whatever_it_costs_each(monkeypatch):
    ranks = [Group(rank=rank, world_size=2) for rank in (0, 1)]
    slow, fast = runs_of(ranks[0], 200, 1.0, 9.0, monkeypatch), runs_of(ranks[1], 200, 0.1, 0.001, monkeypatch)
    assert slow == fast == [4, 8, 12, 12 + INTERVAL, 12 + 2 * INTERVAL, 12 + 3 * INTERVAL]


def test_it_touches_no_random_state_no_gradient_no_flag(one_thread):
    weight = torch.ones(3, requires_grad=True)
    torch.manual_seed(0)
    states = (torch.get_rng_state(), random.getstate(), np.random.get_state()[1].copy())
    flags = (torch.backends.cudnn.benchmark, torch.is_grad_enabled(), torch.is_autocast_enabled("cpu"))
    Workload(torch.device("cpu")).run()
    assert torch.equal(torch.get_rng_state(), states[0])
    assert random.getstate() == states[1]
    assert (np.random.get_state()[1] == states[2]).all()
    assert flags == (torch.backends.cudnn.benchmark, torch.is_grad_enabled(), torch.is_autocast_enabled("cpu"))
    assert weight.grad is None


def test_one_thread_alone_is_timed_by_its_processor(one_thread):
    assert clock_of(Group()) is time.thread_time
    assert clock_of(Group(world_size=2)) is time.perf_counter, "it waits for the other"
    torch.set_num_threads(2)
    assert clock_of(Group()) is time.perf_counter, "threads that wait spin"


def test_an_idle_time_is_that_of_the_fast_runs(one_thread):
    seconds, _ = idle_time_s(Group(), repeats=10, tries=1)
    assert 0 < seconds < 10
