"""The reference workload: always the same few operations of a training, whose time says how busy the device is."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Generator

import torch

from trainables.core.training.timing.step_clock import StepClock, clock_of
from trainables.core.training.workers import Group, device_name

SHARE = 0.02  # of the time of the steps, at most, that the reference takes
FEW = 3  # runs of it that even a short training has, one every `EARLY` steps
EARLY = 4
INTERVAL = 50  # steps between two where their cost is not known at once: on a GPU, and where workers keep step
_MOST_IDLE = 1.1  # times the smallest: what half of the runs on an idle machine stay within


def kind_of(group: Group) -> str:
    """What an idle time is true of: the model of the device, and of a CPU the number of threads."""
    name = device_name(group.device)
    return name if group.device.type == "cuda" else f"{name}, {torch.get_num_threads()} threads"


class Workload:
    """A convolution forward and backward, a product of matrices, a sum over more than a cache, an optimiser's update.

    Some 6 ms on a CPU core. It has its own tensors and generator: no random state, gradient, flag or autocast of a training
    is touched. One run goes before the one that counts, as what a step left in the caches differs from step to step.
    """

    def __init__(self, device: torch.device) -> None:
        draws = torch.Generator().manual_seed(0)

        def drawn(*shape: int) -> torch.Tensor:
            return torch.rand(*shape, generator=draws).to(device)

        self._images = drawn(8, 64, 20, 20).to(memory_format=torch.channels_last).requires_grad_()
        self._kernel = drawn(64, 64, 3, 3).to(memory_format=torch.channels_last).requires_grad_()
        self._matrix = drawn(256, 256) / 256
        self._long, self._sum = drawn(1 << 22), drawn(1 << 22)
        self._weights, self._gradient, self._mean, self._square = (drawn(1 << 20) for _ in range(4))
        self._device = device

    def run(self) -> None:
        with torch.autocast(self._device.type, enabled=False):
            with torch.enable_grad():
                summed = torch.nn.functional.conv2d(self._images, self._kernel, padding=1).relu().sum()
                torch.autograd.grad(summed, (self._images, self._kernel))
            with torch.no_grad():
                product = self._matrix
                for _ in range(4):
                    product = product @ self._matrix
                self._sum.mul_(0.5).add_(self._long)
                self._mean.lerp_(self._gradient, 0.1)
                self._square.mul_(0.999).addcmul_(self._gradient, self._gradient, value=0.001)
                self._weights.addcdiv_(self._mean, self._square.sqrt().add_(1e-8), value=-1e-9)


class Reference:
    """When the workload of a training's worker runs: seldom enough to take `SHARE` of the time, and `FEW` times at least.

    `step_took` is told the seconds of each step on the wall; `run_if_due` runs it within `clock` and says whether it did. No
    rank waits for another: where there are several, or a GPU, it runs at the same steps on all.
    """

    def __init__(self, group: Group, wall: Callable[[], float] = time.perf_counter) -> None:
        self._group, self._wall = group, wall
        self._by_cost = group.device.type == "cpu" and group.world_size == 1
        self.idle_s: float | None = None  # on an idle device of this kind, where that is known
        self._workload: Workload | None = None
        self._num_steps = self._num_runs = self._since = 0
        self._steps_s = self._cost_s = self._last_s = 0.0

    def step_took(self, seconds: float) -> None:
        self._steps_s += seconds
        self._num_steps += 1
        self._since += 1

    def run_if_due(self, clock: StepClock) -> bool:
        if not self._is_due():
            return False
        began = self._wall()
        self._workload = self._workload or Workload(self._group.device)
        self._workload.run()
        clock.begin()
        self._workload.run()
        clock.end()
        self._last_s = self._wall() - began
        self._cost_s += self._last_s
        self._num_runs += 1
        self._since = 0
        return True

    def _is_due(self) -> bool:
        if self._num_runs < FEW:
            return self._since >= EARLY
        if self._by_cost:
            return self._cost_s + self._last_s <= SHARE * self._steps_s
        return self._since >= INTERVAL


def idle_time_s(group: Group, *, repeats: int = 60, tries: int = 3) -> tuple[float, bool]:
    """Seconds of the workload on this device, by the tenth part of `repeats` runs that is fastest, and whether it is idle.

    It is where half of the runs take at most 10 % more than that; else it is tried again, and the smallest counts.
    """
    workload, found = Workload(group.device), []
    for _ in range(10):
        workload.run()
    for _ in range(tries):
        clock = StepClock(group.device, clock_of(group))
        wall = StepClock(group.device)
        for _ in range(repeats):
            workload.run()  # as in a training, one goes before
            wall.begin()
            clock.begin()
            workload.run()
            clock.end()
            wall.end()
        times, walls = sorted(clock.seconds()), sorted(wall.seconds())
        found.append(times[repeats // 10])
        if walls[repeats // 2] <= _MOST_IDLE * times[repeats // 10]:
            return min(found), True
    return min(found), False


def measured_here() -> Generator[tuple[str, float, bool]]:
    """`kind_of`, and `idle_time_s`, of the CPU with one thread and with all, and of the first GPU."""
    cpus = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1  # not on macOS
    before = torch.get_num_threads()
    try:
        for threads in sorted({1, cpus}):
            torch.set_num_threads(threads)
            yield kind_of(Group()), *idle_time_s(Group())
        if torch.cuda.is_available():
            group = Group(device=torch.device("cuda", 0))
            yield kind_of(group), *idle_time_s(group)
    finally:
        torch.set_num_threads(before)
