"""A trial goes on from its checkpoint: within an epoch to the last bit, with other workers, from an earlier version's."""

import copy
import dataclasses

import pytest
import torch

from tests.support.builders import SETTINGS, make_spec, same_weights, train, untimed
from tests.support.extension import tiny as network
from trainables.core.prepared.batches import Clips
from trainables.core.serving.classifier import Classifier
from trainables.core.training.checkpoint import Checkpoint
from trainables.core.training.trainer import Training
from trainables.core.training.trial import Stopped
from trainables.core.training.workers import Group
from trainables.data.core.dataset import Fold

pytestmark = pytest.mark.usefixtures("tiny")

FOLD = Fold(train=tuple(range(10)), validation=(10, 11, 12), test=())


class WorkerDied(BaseException):
    pass


@pytest.fixture
def training(prepared):
    config = network.Config(**SETTINGS, num_classes=2)
    torch.manual_seed(0)
    return Training(network.build_model(config), Clips.of(prepared, config), FOLD, config, seed=0, group=Group())


def written(folder):
    """Which steps of the schedule `last.pt` has done; `None` without one."""
    path = folder / "last.pt"
    return torch.load(path, weights_only=True)["folds"][0]["schedule"]["last_epoch"] if path.exists() else None


def left(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize(
    ("step", "done"),
    [
        (1, [(0, 1), (0, 0)]),
        (6, [(1, 0), (0, 4)]),
        (11, [(1, 0), (1, 0)]),
        (20, [(2, 0), (1, 7)]),
        (24, [(2, 2), (2, 0)]),
    ],
)
def test_a_trial_goes_on_within_an_epoch_to_the_last_bit(prepared, tmp_path, monkeypatch, step, done):
    """Two folds of 2 and 8 steps an epoch; `done` are the epochs of each, and the steps of the one that is under way."""
    settings = {"epochs": 3, "masking_rate": 0.3, "folds": (0, 1), "batch_size": 1, "num_frames": 2}
    whole, metrics = train(make_spec(prepared, tmp_path / "whole", **settings))
    asked = []

    def is_due(self, trainings):
        asked.append(self)
        if len(asked) > step + 2:
            raise WorkerDied
        return len(asked) == step

    spec = make_spec(prepared, tmp_path / "halted", **settings)
    with monkeypatch.context() as patch:
        patch.setattr(Checkpoint, "_is_due", is_due)
        with pytest.raises(WorkerDied):
            train(spec)
    states = torch.load(tmp_path / "halted" / "last.pt", weights_only=True)["folds"]
    assert [(len(state["curve"]), (state["unfinished"] or {}).get("num_steps", 0)) for state in states] == done
    rest, resumed = train(spec)
    assert rest == whole[len(whole) - len(rest) :]
    assert len(rest) == 3 - min(len(state["curve"]) for state in states)
    assert untimed(resumed) == untimed(metrics)
    models = [Classifier.load(tmp_path / name, device="cpu").model.state_dict() for name in ("whole", "halted")]
    assert same_weights(*models)


def test_the_times_of_steps_before_and_after_are_kept(training, prepared):
    halted = []
    training.after_step = lambda: halted or halted.append(copy.deepcopy(training.state()))
    training.run_epoch()
    other = Training(network.build_model(training.config), training.clips, FOLD, training.config, seed=0, group=Group())
    other.load_state(halted[0])
    other.run_epoch()
    assert len(other.step_times_s) == len(training.step_times_s) == training.steps_per_epoch == 3
    assert other.step_times_s[0] == training.step_times_s[0]
    assert other.curve == training.curve


def test_a_training_of_two_workers_goes_on_with_one_at_the_same_rate_and_as_many_device_seconds(training):
    state = {}

    def halt():
        state.update(training.state())
        raise WorkerDied

    training.run_epoch()
    training.after_step = halt
    with pytest.raises(WorkerDied):
        training.run_epoch()
    rate = training.schedule.get_last_lr()
    other = Training(network.build_model(training.config), training.clips, FOLD, training.config, seed=0, group=Group())
    of_two = state | {"world_size": 2, "unfinished": state["unfinished"] | {"ranks": 2 * state["unfinished"]["ranks"]}}
    other.load_state(of_two)
    assert other.schedule.get_last_lr() == rate
    assert other.step_times_s == [2 * seconds for seconds in state["step_times_s"]]
    other.run_epoch()
    assert len(other.step_times_s) == 2 * other.steps_per_epoch
    assert other.schedule.last_epoch == 2 * other.steps_per_epoch


def test_a_checkpoint_whose_best_weights_are_gone_is_set_aside(prepared, tmp_path):
    spec = make_spec(prepared, tmp_path / "trial")
    with pytest.raises(Stopped):
        train(spec, stop_after=1)
    (tmp_path / "trial" / "best-0-1.pt").unlink()
    seen, _ = train(spec)
    assert [row["epoch"] for row in seen] == [1, 2]
    assert "FileNotFoundError" in seen[0]["note"]


@pytest.mark.parametrize(("told", "again"), [(0, [1, 2, 3]), (1, [2, 3]), (2, [3]), (3, [3])])
def test_rows_that_were_lost_on_their_way_are_told_again_from_the_checkpoint(prepared, tmp_path, told, again):
    whole, metrics = train(make_spec(prepared, tmp_path / "whole", epochs=3))
    spec = make_spec(prepared, tmp_path / "halted", epochs=3)
    with pytest.raises(Stopped):
        train(spec, stop_after=2)
    rest, resumed = train(dataclasses.replace(spec, epochs_told=told))
    assert [row["epoch"] for row in rest] == again
    assert rest == whole[-len(again) :]
    assert untimed(resumed) == untimed(metrics)


def test_what_an_interruption_left_half_written_goes_at_the_next_start(prepared, tmp_path):
    spec = make_spec(prepared, tmp_path / "trial")
    (tmp_path / "trial").mkdir()
    for name in ("last.123.tmp", "best-0-7.123.tmp", "predictions.parquet.123.tmp"):
        (tmp_path / "trial" / name).write_bytes(b"half")
    with pytest.raises(Stopped):
        train(spec, stop_after=1)
    assert left(tmp_path / "trial") == ["best-0-1.pt", "last.pt", "predictions.parquet.123.tmp", "wall_time.json"]


def as_before(path, **changes):
    """Make the checkpoint at `path` one of before: whole epochs, all in one file, without the number of workers."""
    stored = torch.load(path, weights_only=True)
    for state in stored["folds"]:
        del state["unfinished"], state["world_size"]
        best = path.with_name(state["best"].pop("file"))
        state["best"]["weights"] = torch.load(best, weights_only=True)
        best.unlink()
        state["schedule"] |= changes
    torch.save(stored, path)


def test_a_checkpoint_of_an_earlier_version_goes_on_at_its_epoch(prepared, tmp_path):
    settings = {"epochs": 3, "folds": (0, 1)}
    whole, metrics = train(make_spec(prepared, tmp_path / "whole", **settings))
    spec = make_spec(prepared, tmp_path / "halted", **settings)
    with pytest.raises(Stopped):
        train(spec, stop_after=2)
    as_before(tmp_path / "halted" / "last.pt")
    rest, resumed = train(spec)
    assert rest == whole[2:]
    assert untimed(resumed) == untimed(metrics)


def test_one_of_several_workers_with_a_batch_each_is_set_aside_with_words(prepared, tmp_path):
    spec = make_spec(prepared, tmp_path / "trial", batch_size=1)
    with pytest.raises(Stopped):
        train(spec, stop_after=1)
    steps = written(tmp_path / "trial")
    as_before(tmp_path / "trial" / "last.pt", last_epoch=steps // 2)
    seen, _ = train(spec)
    assert [row["epoch"] for row in seen] == [1, 2]
    told = f"has done {steps // 2} steps where batches of 1 clips are {steps}: each of several workers had batches of its own"
    assert told in seen[0]["note"]
