"""Averaged weights: by their formula, validated, chosen, kept over a resumption to the last bit."""

import copy

import pytest
import torch

from tests.support.builders import assert_resumed_equals_uninterrupted, same_weights
from tests.support.extension import tiny
from trainables.core.prepared.batches import Clips
from trainables.core.training.averaging import Average
from trainables.core.training.trainer import Training, predict
from trainables.core.training.workers import Group
from trainables.data.core.dataset import Fold

pytestmark = pytest.mark.usefixtures("tiny")


def begin(prepared, **settings):
    config = tiny.Config(num_classes=2, num_frames=3, image_size=32, batch_size=4, epochs=4, **settings)
    torch.manual_seed(0)
    fold = Fold(train=tuple(range(10)), validation=(10, 11, 12), test=())
    return Training(tiny.build_model(config), Clips.of(prepared, config), fold, config, seed=0, group=Group())


@pytest.mark.parametrize("decay", [0.5, 0.999])
def test_weights_and_running_statistics_are_averaged_step_by_step(prepared, decay, monkeypatch):
    training, states, update = begin(prepared, ema_decay=decay), [], Average.update
    states.append(copy.deepcopy(training.bare.state_dict()))

    def remember(average, model, step):
        states.append(copy.deepcopy(model.state_dict()))
        assert step == len(states) - 1
        update(average, model, step)

    monkeypatch.setattr(Average, "update", remember)
    training.run_epoch()
    training.run_epoch()
    assert len(states) == 7
    expected = states[0]
    for step, state in enumerate(states[1:], 1):
        kept = min(decay, (1 + step) / (10 + step))
        expected = {name: kept * expected[name] + (1 - kept) * value for name, value in state.items()}
    for name, value in training.average.model.state_dict().items():
        wanted = states[-1][name] if name.endswith("num_batches_tracked") else expected[name]
        torch.testing.assert_close(value, wanted, msg=name)


def test_the_average_is_what_is_validated_and_kept(prepared):
    training = begin(prepared, ema_decay=0.9)
    row = training.run_epoch()
    found = predict(training.average.model, training.clips, training.fold.validation, training.config, Group())
    assert row["val_loss"] == found.loss
    averaged = copy.deepcopy(training.average.model.state_dict())
    assert not same_weights(averaged, training.bare.state_dict())
    assert same_weights(training.restore_best().state_dict(), averaged)


def test_the_steps_themselves_are_those_without_an_average(prepared):
    plain, averaged = begin(prepared), begin(prepared, ema_decay=0.9)
    rows = [[training.run_epoch() for _ in range(2)] for training in (plain, averaged)]
    assert same_weights(plain.bare.state_dict(), averaged.bare.state_dict())
    assert [row["train_loss"] for row in rows[0]] == [row["train_loss"] for row in rows[1]]
    assert "average" not in plain.state()


def test_a_resumed_trial_equals_an_uninterrupted_one(prepared, tmp_path):
    settings = {"epochs": 3, "ema_decay": 0.9, "mixup_alpha": 0.4, "batch_by": "class", "loss": "focal"}
    assert_resumed_equals_uninterrupted(prepared, tmp_path, 1, phase="refit", **settings)
