"""The seconds of each step, measured so that no step waits for the device."""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence

import torch


class StepClock:
    """`begin` and `end` around each step; `seconds` once, after the epoch, gives their times in order.

    On a GPU the steps are marked in its stream of work and read afterwards: asking for the time between them would
    make the device wait for the processor, in every step. `seconds` waits for the last mark.
    """

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._marks: list[tuple[float, float]] = []
        self._events: list[tuple[torch.cuda.Event, torch.cuda.Event]] = []
        self._began = 0.0

    def begin(self) -> None:
        if self._device.type == "cuda":
            self._events.append((torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)))
            self._events[-1][0].record(torch.cuda.current_stream(self._device))
        else:
            self._began = time.perf_counter()

    def end(self) -> None:
        if self._device.type == "cuda":
            self._events[-1][1].record(torch.cuda.current_stream(self._device))
        else:
            self._marks.append((self._began, time.perf_counter()))

    def seconds(self) -> list[float]:
        if self._events:
            self._events[-1][1].synchronize()
            return [began.elapsed_time(ended) / 1000 for began, ended in self._events]  # of milliseconds
        return [ended - began for began, ended in self._marks]


def scheduled_time_s(step_times_s: Sequence[float], phases: Sequence[int]) -> float:
    """Seconds of a schedule whose `phases` have so many steps each, from those of the steps that were done, in order.

    Of each phase the median step after a warm-up of three counts; of one that was not reached, that of the last before it.
    """
    total, median, begun = 0.0, 0.0, 0
    for num_steps in phases:
        done = step_times_s[begun : begun + num_steps]
        if done:
            median = statistics.median(done[min(3, len(done) // 2) :])
        total += median * num_steps
        begun += num_steps
    return total
