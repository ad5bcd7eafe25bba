"""The time of each step, read without a step that waits."""

import time

import torch

from trainables.core.training.timing.step_clock import StepClock


def test_on_a_cpu_each_step_has_its_own_time():
    clock = StepClock(torch.device("cpu"))
    for pause in (0.0, 0.05):
        time.sleep(0.05)  # between steps: of no step
        clock.begin()
        time.sleep(pause)
        clock.end()
    short, long = clock.seconds()
    assert 0 <= short < 0.04
    assert 0.05 <= long < 0.5


def test_on_a_gpu_nothing_waits_until_the_times_are_asked_for(monkeypatch):
    class Event:
        def __init__(self, enable_timing):
            assert enable_timing
            events.append(self)

        def record(self, stream):
            assert stream == "stream"
            self.at = len(marks)
            marks.append(self)

        def synchronize(self):
            waited.append(self)

        def elapsed_time(self, other):
            assert waited == [events[-1]], "only once, for the last mark"
            return 250.0 * (other.at - self.at)

    events, marks, waited = [], [], []
    monkeypatch.setattr(torch.cuda, "Event", Event)
    monkeypatch.setattr(torch.cuda, "current_stream", lambda device: "stream")
    clock = StepClock(torch.device("cuda"))
    for _ in range(3):
        clock.begin()
        clock.end()
    assert waited == []
    assert clock.seconds() == [0.25, 0.25, 0.25]
