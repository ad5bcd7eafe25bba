"""The trainer: the same numbers every time, resumed or not; the right epoch chosen; the full schedule timed."""

import dataclasses
import math
import statistics
from pathlib import Path

import pytest
import torch

from tests.support.builders import (
    SETTINGS,
    assert_resumed_equals_uninterrupted,
    make_spec,
    same_weights,
    train,
)
from tests.support.extension import tiny
from trainables.core.prepared.batches import Clips
from trainables.core.training.trainer import NonFiniteLoss, Training, predict
from trainables.core.training.trial import Stopped, run_trial
from trainables.core.training.workers import Group
from trainables.data.core.dataset import Fold

FOLD = Fold(train=tuple(range(10)), validation=(10, 11, 12), test=())
NOTHING_TO_CHOOSE = Fold(train=FOLD.train, validation=(), test=())


pytestmark = pytest.mark.usefixtures("tiny")


def begin(prepared, fold=FOLD, seed=0, **settings):
    """A training on `fold`, not a step done."""
    config = tiny.Config(**{**SETTINGS, "num_classes": 2, **settings})
    torch.manual_seed(seed)
    clips = Clips(prepared, num_frames=config.num_frames, image_size=config.image_size)
    return Training(tiny.build_model(config), clips, fold, config, seed=seed, group=Group())


def run(training, epochs):
    for _ in range(epochs):
        training.run_epoch()
    return training


@pytest.mark.parametrize("optimizer", ["adamw", "sgd"])
def test_the_same_seed_gives_the_same_weights_to_the_last_bit(prepared, optimizer):
    one, other = (run(begin(prepared, optimizer=optimizer), 2) for _ in range(2))
    assert same_weights(one.bare.state_dict(), other.bare.state_dict())
    assert one.curve == other.curve


def test_clips_that_weigh_alike_train_as_if_they_had_no_weights(prepared):
    one, alike = (run(begin(given), 1) for given in (prepared, dataclasses.replace(prepared, weights=(2.0,) * 20)))
    assert same_weights(one.bare.state_dict(), alike.bare.state_dict())


def test_a_clip_counts_by_its_weight_in_the_loss_of_training_alone(prepared):
    """The weights of those who are trained on are 1 on average."""
    heavy = 3
    weights = tuple(1.0 if index == heavy else 1e-9 for index in range(len(prepared)))
    training = begin(dataclasses.replace(prepared, weights=weights), label_smoothing=0.0)
    given = training.targets.weights
    assert given is not None
    assert float(given[list(FOLD.train)].mean()) == pytest.approx(1)
    logits, labels = torch.randn(10, 2), torch.tensor([index % 2 for index in FOLD.train])
    found = training.loss(logits, labels, given[list(FOLD.train)])
    expected = torch.nn.functional.cross_entropy(logits[heavy : heavy + 1], labels[heavy : heavy + 1])
    assert float(found) == pytest.approx(float(expected), rel=1e-5)
    unweighted = run(begin(prepared, label_smoothing=0.0), 1).bare.state_dict()
    assert not same_weights(run(training, 1).bare.state_dict(), unweighted)


def test_another_seed_gives_other_weights(prepared):
    one, other = run(begin(prepared), 1), begin(prepared)
    other.seed = 1  # the same first weights, another order of clips and another augmentation
    assert not same_weights(one.bare.state_dict(), run(other, 1).bare.state_dict())


@pytest.mark.slow
@pytest.mark.parametrize("optimizer", ["adamw", "sgd"])
@pytest.mark.parametrize("stop_after", [1, 3])
def test_a_resumed_trial_equals_an_uninterrupted_one(prepared, tmp_path, stop_after, optimizer):
    settings = {"epochs": 4, "warmup_epochs": 1.5, "masking_rate": 0.3, "optimizer": optimizer, "folds": (0, 1)}
    assert_resumed_equals_uninterrupted(prepared, tmp_path, stop_after, **settings)


def test_a_run_cut_short_between_checkpoints_repeats_the_same_epochs(prepared, tmp_path):
    spec = dataclasses.replace(make_spec(prepared, tmp_path / "trial", epochs=3), checkpoint_interval_s=3600.0)
    with pytest.raises(Stopped):
        train(spec, stop_after=1)
    first = (tmp_path / "trial" / "last.pt").read_bytes()

    class WorkerDied(BaseException):
        pass

    seen = []

    def die(row):
        seen.append(dict(row))
        raise WorkerDied

    with pytest.raises(WorkerDied):
        run_trial(spec, die, Group())
    assert (tmp_path / "trial" / "last.pt").read_bytes() == first
    again, _ = train(spec)
    assert again[0] == seen[0]
    assert [row["epoch"] for row in again] == [2, 3]


def test_a_checkpoint_holds_no_code_and_stays_until_the_metrics_are_safe(prepared, tmp_path):
    spec = make_spec(prepared, tmp_path / "trial")
    with pytest.raises(Stopped):
        train(spec, stop_after=1)
    path = tmp_path / "trial" / "last.pt"
    stored = torch.load(path, weights_only=True)
    assert [row["val_loss"] for row in stored["folds"][0]["curve"]] == [stored["folds"][0]["best"]["chosen_by"]]
    assert sorted(file.name for file in path.parent.iterdir()) == ["best-0-1.pt", "last.pt", "wall_time.json"]
    assert torch.load(path.with_name("best-0-1.pt"), weights_only=True).keys() == stored["folds"][0]["model"].keys()
    train(spec)
    assert path.exists(), "whoever keeps the ledger removes it"


@pytest.mark.parametrize("damage", ["cut", "words", "empty"])
def test_a_damaged_checkpoint_is_set_aside_in_one_message_and_the_trial_begins_anew(prepared, tmp_path, damage):
    spec = make_spec(prepared, tmp_path / "trial")
    with pytest.raises(Stopped):
        train(spec, stop_after=1)
    path = tmp_path / "trial" / "last.pt"
    damaged = {"cut": path.read_bytes()[:-3000], "words": b"not a checkpoint", "empty": b""}[damage]
    path.write_bytes(damaged)
    seen, _ = train(spec)
    assert [row["epoch"] for row in seen] == [1, 2]
    assert [row.get("note", "")[:14] for row in seen] == ["The checkpoint", ""]
    assert str(path) in seen[0]["note"]
    assert seen[0]["note"].endswith("set aside as damaged.last.pt, and the trial begins anew.")
    assert "\n" not in seen[0]["note"]
    assert path.with_name("damaged.last.pt").read_bytes() == damaged
    whole, _ = train(make_spec(prepared, tmp_path / "other"))
    assert [row["val_loss"] for row in whole] == [row["val_loss"] for row in seen]


def test_a_checkpoint_that_cannot_be_read_just_now_stays_where_it_is(prepared, tmp_path, monkeypatch):
    spec = make_spec(prepared, tmp_path / "trial")
    with pytest.raises(Stopped):
        train(spec, stop_after=1)

    def fails(path):
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as for_a_while:
        for_a_while.setattr(Path, "read_bytes", fails)
        with pytest.raises(OSError, match="Input/output"):
            train(spec)
    assert [row["epoch"] for row in train(spec)[0]] == [2]


def test_a_checkpoint_of_another_trial_is_not_gone_on_with(prepared, tmp_path):
    spec = make_spec(prepared, tmp_path / "trial")
    with pytest.raises(Stopped):
        train(spec, stop_after=1)
    other = dataclasses.replace(spec, seed=spec.seed + 1)
    assert next(row["epoch"] for row in train(other)[0]) == 1


@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")
@pytest.mark.parametrize("batch_size", [4, 16])  # seen by the next step of the epoch, and by validation alone
def test_a_loss_that_is_not_finite_names_the_epoch_and_the_learning_rate(prepared, batch_size):
    settings = {"lr": 1e30, "warmup_epochs": 0.0, "optimizer": "sgd", "gradient_clip": 1e9, "batch_size": batch_size}
    training = begin(prepared, **settings)
    with pytest.raises(NonFiniteLoss, match=r"became (nan|inf) in epoch 1 at learning rate 1e\+30.*smaller `lr`"):
        run(training, 1)


def test_the_epoch_with_the_lowest_validation_loss_is_chosen(prepared):
    training = begin(prepared, epochs=6, lr=0.05)
    best, weights = math.inf, {}
    for _ in range(6):
        loss = training.run_epoch()["val_loss"]
        if loss < best:
            best, weights = loss, {name: value.clone() for name, value in training.bare.state_dict().items()}
    losses = [row["val_loss"] for row in training.curve]
    assert training.best["epoch"] == 1 + losses.index(min(losses))
    assert training.best["row"] == training.curve[training.best["epoch"] - 1]
    assert same_weights(training.restore_best().state_dict(), weights)
    again = predict(training.bare, training.clips, FOLD.validation, training.config, Group())
    assert again.loss == min(losses)


def test_of_equal_epochs_the_earliest_is_chosen(prepared):
    training = begin(prepared, lr=1e-30, epochs=3)  # nothing moves, so every epoch has the same validation loss
    training.bare.frames[1].momentum = 0.0
    run(training, 3)
    assert len({row["val_loss"] for row in training.curve}) == 1
    assert training.best["epoch"] == 1


@pytest.mark.slow
def test_a_refit_takes_its_last_epoch_and_may_end_before_its_schedule(prepared, tmp_path):
    spec = make_spec(prepared, tmp_path / "short", phase="refit", epochs=8, num_epochs=3)
    curve, metrics = train(spec)
    assert [row["epoch"] for row in curve] == [1, 2, 3]
    assert not any(key.startswith("val_") for row in curve for key in row)
    assert metrics["best_epoch"] == 3
    assert "accuracy" not in metrics
    whole, _ = train(make_spec(prepared, tmp_path / "whole", phase="refit", epochs=8))
    assert whole[:3] == curve  # the schedule is that of 8 epochs, ended early
    last = run(begin(prepared, NOTHING_TO_CHOOSE, epochs=3), 3)
    assert same_weights(last.bare.state_dict(), last.best["weights"])


def test_the_time_is_that_of_the_full_schedule_on_all_workers(prepared):
    training = run(begin(prepared, epochs=8), 2)  # 10 clips in batches of 4: 3 steps an epoch
    assert len(training.step_times_s) == 6
    ((after, beside),) = training.references
    assert (after, beside > 0) == (4, True)
    training.reference.idle_s = 2 * beside  # the device was twice as fast as an idle one
    expected = 2 * statistics.median(training.step_times_s[3:]) * 3 * 8
    assert training.train_time.seconds == pytest.approx(expected)
    assert training.train_time.spread_s is None, "one block"
    training.group = Group(rank=0, world_size=4)
    assert training.train_time.seconds == pytest.approx(4 * expected)


def test_slow_first_steps_do_not_count(prepared):
    training = begin(prepared, epochs=2)
    training.step_times_s = [60.0, 9.0, 5.0, 0.1, 0.1, 0.3]
    assert training.train_time.seconds == pytest.approx(0.1 * 3 * 2)


def test_the_learning_rate_warms_up_and_falls_to_zero(prepared):
    training = begin(prepared, epochs=4, warmup_epochs=1.0, lr=0.1)
    rates = []
    for _ in range(4):
        rates.append(training.schedule.get_last_lr()[0])
        training.run_epoch()
    assert rates[0] < rates[1]
    assert rates[1:] == sorted(rates[1:], reverse=True)
    assert max(rates) <= 0.1
    assert training.schedule.get_last_lr()[0] == pytest.approx(0, abs=1e-9)


def test_biases_and_norms_are_not_decayed(prepared):
    training = begin(prepared, weight_decay=0.5)
    decayed = {id(p) for group in training.optimizer.param_groups if group["weight_decay"] for p in group["params"]}
    for name, parameter in training.bare.named_parameters():
        assert (id(parameter) in decayed) == (parameter.ndim > 1), name
