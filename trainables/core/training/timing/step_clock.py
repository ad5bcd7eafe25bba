"""The seconds of each step and of what runs beside some, measured so that no step waits for the device."""

from __future__ import annotations

import time
from collections.abc import Callable

import torch

from trainables.core.training.workers import Group


def clock_of(group: Group) -> Callable[[], float]:
    """The clock of a worker on a CPU, in seconds.

    One that computes in one thread and waits for nobody is measured by the time that its processor worked for it: what
    others took of the processor is not in it. Threads that wait for each other spin, so theirs is the time on the wall.
    """
    return time.thread_time if group.world_size == 1 and torch.get_num_threads() == 1 else time.perf_counter


class StepClock:
    """`begin` and `end` around each step; `seconds` once, after the epoch, gives their times in order.

    On a GPU the steps are marked in its stream of work and read afterwards: asking for the time between them would
    make the device wait for the processor, in every step. `seconds` waits for the last mark. `clock` is a CPU's.
    """

    def __init__(self, device: torch.device, clock: Callable[[], float] = time.perf_counter) -> None:
        self._device, self._clock = device, clock
        self._marks: list[tuple[float, float]] = []
        self._events: list[tuple[torch.cuda.Event, torch.cuda.Event]] = []
        self._began = 0.0

    def begin(self) -> None:
        if self._device.type == "cuda":
            self._events.append((torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)))
            self._events[-1][0].record(torch.cuda.current_stream(self._device))
        else:
            self._began = self._clock()

    def end(self) -> None:
        if self._device.type == "cuda":
            self._events[-1][1].record(torch.cuda.current_stream(self._device))
        else:
            self._marks.append((self._began, self._clock()))

    def seconds(self) -> list[float]:
        if self._events:
            self._events[-1][1].synchronize()
            return [began.elapsed_time(ended) / 1000 for began, ended in self._events]  # of milliseconds
        return [ended - began for began, ended in self._marks]
