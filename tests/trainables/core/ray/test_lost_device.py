"""A device that answers a process no more costs the process, and not the trials after the one that broke it."""

import pickle
from types import SimpleNamespace

import pytest
import torch

from trainables.core.ray import trainer, worker_loop
from trainables.core.training import workers
from trainables.core.training.workers import Group


class Remote:
    """A method of an actor that answers at once."""

    def __init__(self, answer):
        self.remote = answer


def work(monkeypatch, *, lost, outcomes, group=Group):
    """What a worker reports of trials that end as `outcomes` say."""
    specs = [{"trial_id": f"t{number}", **outcome} for number, outcome in enumerate(outcomes)]
    reports, trials = [], iter([*((f"turn of {spec['trial_id']}", spec) for spec in specs), None])

    class Queue:
        take = Remote(lambda slot, name, done, node: next(trials))
        report = Remote(lambda trial_id, turn, last: reports.append((turn, last)))

    monkeypatch.setattr(trainer, "join", group)
    monkeypatch.setattr(workers, "is_lost", lambda device: lost)
    monkeypatch.setattr(worker_loop.ray, "get", lambda answer: answer)
    monkeypatch.setattr(worker_loop.ray, "get_runtime_context", lambda: SimpleNamespace(get_node_id=lambda: "node"))
    monkeypatch.setattr(
        worker_loop, "_run", lambda spec, turn, queue, group: {key: spec[key] for key in spec if key != "trial_id"}
    )
    config = {"queue": Queue, "slot": "s", "threads": torch.get_num_threads(), "folder": "."}
    return reports, lambda: worker_loop.work(config)


def test_a_worker_that_lost_its_device_reports_the_trial_and_ends(monkeypatch):
    reports, go = work(
        monkeypatch, lost=True, outcomes=[{"metrics": {}}, {"failed": "device-side assert"}, {"metrics": {}}]
    )
    with pytest.raises(RuntimeError, match="device-side assert"):
        go()
    assert reports == [
        ("turn of t0", {"metrics": {}, "done": True}),
        ("turn of t1", {"failed": "device-side assert", "done": True}),
    ]


def test_a_worker_whose_device_still_answers_goes_on(monkeypatch):
    reports, go = work(monkeypatch, lost=False, outcomes=[{"failed": "a value"}, {"metrics": {}}])
    go()
    assert [turn for turn, _ in reports] == ["turn of t0", "turn of t1"]


def test_an_error_among_several_workers_is_for_the_controller_to_judge(monkeypatch):
    def pair():
        return SimpleNamespace(world_size=2, leads=True, device=torch.device("cpu"), agree=lambda one: one)

    reports, go = work(monkeypatch, lost=False, outcomes=[{"failed": "connection reset"}], group=pair)
    with pytest.raises(trainer.TrialFailed, match="connection reset") as raised:
        go()
    assert reports == []
    copy = pickle.loads(pickle.dumps(raised.value))
    assert (copy.trial_id, copy.turn, copy.last) == ("t0", "turn of t0", {"failed": "connection reset"})


def test_a_machine_that_does_not_see_the_study_takes_no_trial(monkeypatch, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"does not see .*/ray, which all machines have to share"):
        worker_loop.work({"folder": str(tmp_path / "ray")})


def test_a_device_is_lost_when_it_answers_nothing(monkeypatch):
    def assert_triggered(device):
        raise RuntimeError("CUDA error: device-side assert triggered")

    assert not workers.is_lost(torch.device("cpu"))
    monkeypatch.setattr(torch.cuda, "synchronize", lambda device: None)
    assert not workers.is_lost(torch.device("cuda"))
    monkeypatch.setattr(torch.cuda, "synchronize", assert_triggered)
    assert workers.is_lost(torch.device("cuda"))
