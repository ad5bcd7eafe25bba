"""What a trial goes on from: within an epoch too, beside the training, within a budget, one of it, nothing left behind."""

import errno
import threading
from pathlib import Path

import pytest
import torch

from tests.support.builders import SETTINGS, same_weights
from tests.support.extension import tiny as network
from trainables.core.prepared.batches import Clips
from trainables.core.training import checkpoint as module
from trainables.core.training.checkpoint import Checkpoint
from trainables.core.training.trainer import Training
from trainables.core.training.workers import Group
from trainables.data.core.dataset import Fold

pytestmark = pytest.mark.usefixtures("tiny")

FOLD = Fold(train=tuple(range(10)), validation=(10, 11, 12), test=())


class WorkerDied(BaseException):
    pass


class Clock:
    """Seconds that pass when the test says so; a write takes `write_s`."""

    now, write_s = 100.0, 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock(monkeypatch):
    clock, save = Clock(), torch.save

    def timed(*given):
        clock.now += clock.write_s
        save(*given)

    monkeypatch.setattr(module.torch, "save", timed)
    return clock


@pytest.fixture
def training(prepared):
    config = network.Config(**SETTINGS, num_classes=2)
    torch.manual_seed(0)
    return Training(network.build_model(config), Clips.of(prepared, config), FOLD, config, seed=0, group=Group())


def at(folder, clock, *, interval_s=10.0, identity="one"):
    return Checkpoint(folder, identity, Group(), interval_s=interval_s, clock=clock)


def written(folder):
    """Which steps of the schedule `last.pt` has done; `None` without one."""
    path = folder / "last.pt"
    return torch.load(path, weights_only=True)["folds"][0]["schedule"]["last_epoch"] if path.exists() else None


def left(folder):
    return sorted(path.name for path in folder.iterdir())


def test_writing_takes_a_fiftieth_of_the_time_at_most(training, tmp_path, clock):
    clock.write_s = 1.0  # of each of the two files
    with at(tmp_path, clock) as checkpoint:
        training.run_epoch()
        due = []
        for second in range(250):
            before = written(tmp_path)
            training.schedule.last_epoch += 1
            clock.now += 1.0
            checkpoint.save_if_due([training])
            checkpoint._wait()
            if written(tmp_path) != before:
                due.append(second)
    first, second, third, *_ = due
    assert first == 9, "after the interval"
    assert second - first == 98, "two seconds are 2 % of 100"
    assert third - second == 49, "the weights of the best epoch are there already"


def test_until_one_was_written_the_cost_is_guessed_from_the_size(training, tmp_path, clock, monkeypatch):
    weights = sum(value.nbytes for value in training.bare.state_dict().values())
    monkeypatch.setattr(module, "ASSUMED_BYTES_PER_S", 4 * weights)  # a second
    with at(tmp_path, clock) as checkpoint:
        clock.now += 48.9
        checkpoint.save_if_due([training])
        assert written(tmp_path) is None
        clock.now += 0.2
        checkpoint.save_if_due([training])
    assert written(tmp_path) == 0


def test_the_training_goes_on_while_a_thread_writes_what_was_then(training, tmp_path, clock, monkeypatch):
    may_write, save = threading.Event(), torch.save

    def slow(*given):
        assert may_write.wait(timeout=60)
        save(*given)

    monkeypatch.setattr(module.torch, "save", slow)
    training.run_epoch()
    then = {name: value.clone() for name, value in training.bare.state_dict().items()}
    moments = [value["exp_avg"].clone() for value in training.optimizer.state.values()]
    with at(tmp_path, clock) as checkpoint:
        clock.now += 20
        checkpoint.save_if_due([training])
        training.run_epoch()
        clock.now += 1000
        checkpoint.save_if_due([training])  # one at a time
        assert not list(tmp_path.glob("*.pt"))
        may_write.set()
    stored = torch.load(tmp_path / "last.pt", weights_only=True)["folds"][0]
    assert len(stored["curve"]) == 1
    assert same_weights(stored["model"], then)
    assert all(map(torch.equal, [value["exp_avg"] for value in stored["optimizer"]["state"].values()], moments))
    assert left(tmp_path) == ["best-0-1.pt", "last.pt"]


def test_one_that_is_wanted_now_waits_for_the_one_before_and_is_there_on_return(training, tmp_path, clock):
    training.run_epoch()
    with at(tmp_path, clock) as checkpoint:
        clock.now += 20
        checkpoint.save_if_due([training])
        training.run_epoch()
        checkpoint.save_if_due([training], now=True)
        assert written(tmp_path) == 6


def test_the_weights_of_the_best_epoch_are_written_once(training, tmp_path, clock, monkeypatch):
    saved, save = [], torch.save

    def noted(value, file):
        saved.append(Path(file.name).name.split(".")[0])
        save(value, file)

    monkeypatch.setattr(module.torch, "save", noted)
    with at(tmp_path, clock) as checkpoint:
        for _ in range(2):
            training.run_epoch()
            training.best["epoch"] = 1
            checkpoint.save_if_due([training], now=True)
        training.best["epoch"] = 2
        checkpoint.save_if_due([training], now=True)
        assert left(tmp_path) == ["best-0-2.pt", "last.pt"]
    with at(tmp_path, clock) as checkpoint:
        assert checkpoint.load_into([training]) == ""
        checkpoint.save_if_due([training], now=True)
    assert saved == ["best-0-1", "last", "last", "best-0-2", "last", "last"]
    with at(tmp_path, clock, identity="other") as checkpoint:  # what lies there is another's
        checkpoint.load_into([training])
        checkpoint.save_if_due([training], now=True)
    assert saved[-2:] == ["best-0-2", "last"]


def test_an_interruption_between_the_two_files_leaves_the_checkpoint_before_whole(
    training, tmp_path, clock, monkeypatch
):
    with at(tmp_path, clock) as checkpoint:
        training.run_epoch()
        checkpoint.save_if_due([training], now=True)
        training.run_epoch()
        training.best |= {"epoch": 2, "weights": training.bare.state_dict()}
        put = checkpoint._put

        def dies(value, name):
            if name == "last.pt":
                raise WorkerDied
            put(value, name)

        monkeypatch.setattr(checkpoint, "_put", dies)
        with pytest.raises(WorkerDied):
            checkpoint.save_if_due([training], now=True)
    assert left(tmp_path) == ["best-0-1.pt", "best-0-2.pt", "last.pt"]
    with at(tmp_path, clock) as checkpoint:
        assert checkpoint.load_into([training]) == ""
    assert (training.epoch, training.best["epoch"]) == (1, 1)


@pytest.mark.parametrize("now", [True, False])
def test_what_the_writer_meets_is_told_and_leaves_nothing(training, tmp_path, clock, monkeypatch, now):
    def full(value, file):
        file.write(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(module.torch, "save", full)

    def saves(error=None):
        with at(tmp_path, clock) as checkpoint:
            clock.now += 20
            checkpoint.save_if_due([training], now=now)
            assert not now
            if error:
                raise error

    with pytest.raises(OSError, match="No space left"):
        saves()
    assert left(tmp_path) == []
    with pytest.raises(OSError if now else WorkerDied):
        saves(WorkerDied())  # this one came first
