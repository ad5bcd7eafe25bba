"""A device that answers a process no more costs the process, and not the trials after the one that broke it."""

import pytest
import torch

from trainables.core.ray import slot, trainer
from trainables.core.training import workers
from trainables.core.training.workers import Group


class Remote:
    """A method of an actor that answers at once."""

    def __init__(self, answer):
        self.remote = answer


def work(monkeypatch, *, lost, outcomes):
    """What a worker reports of trials that end as `outcomes` say."""
    reports, jobs = [], iter([*enumerate(outcomes, 1), None])

    class Mailbox:
        take = Remote(lambda done, name: next(jobs))
        report = Remote(lambda number, last: reports.append((number, last)))

    monkeypatch.setattr(trainer, "join", Group)
    monkeypatch.setattr(workers, "is_lost", lambda device: lost)
    monkeypatch.setattr(slot.ray, "get", lambda answer: answer)
    monkeypatch.setattr(slot, "_run", lambda job, number, mailbox, group: job)
    return reports, lambda: slot._work({"mailbox": Mailbox, "threads": torch.get_num_threads()})


def test_a_worker_that_lost_its_device_reports_the_trial_and_ends(monkeypatch):
    reports, go = work(
        monkeypatch, lost=True, outcomes=[{"metrics": {}}, {"failed": "device-side assert"}, {"metrics": {}}]
    )
    with pytest.raises(RuntimeError, match="device-side assert"):
        go()
    assert reports == [(1, {"metrics": {}, "done": True}), (2, {"failed": "device-side assert", "done": True})]


def test_a_worker_whose_device_still_answers_goes_on(monkeypatch):
    reports, go = work(monkeypatch, lost=False, outcomes=[{"failed": "a value"}, {"metrics": {}}])
    go()
    assert [number for number, _ in reports] == [1, 2]


def test_a_device_is_lost_when_it_answers_nothing(monkeypatch):
    def assert_triggered(device):
        raise RuntimeError("CUDA error: device-side assert triggered")

    assert not workers.is_lost(torch.device("cpu"))
    monkeypatch.setattr(torch.cuda, "synchronize", lambda device: None)
    assert not workers.is_lost(torch.device("cuda"))
    monkeypatch.setattr(torch.cuda, "synchronize", assert_triggered)
    assert workers.is_lost(torch.device("cuda"))
