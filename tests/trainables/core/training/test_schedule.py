"""What a training does step by step: the learning rate to the digit, clipped gradients, fresh draws, counted compute."""

import contextlib
import math

import pytest
import torch

from tests.support.builders import SETTINGS, make_spec, prepare_random, train
from tests.support.extension import tiny
from trainables.core.prepared.batches import Clips
from trainables.core.training import trainer
from trainables.core.training.trainer import Training
from trainables.core.training.workers import Group
from trainables.data.core.dataset import Fold

FOLD = Fold(train=tuple(range(10)), validation=(10, 11, 12), test=())


class Alone(Group):
    """One of several workers, without the others."""

    def gather(self, value):
        return [value]

    def share_buffers(self, model):
        """Nobody is there to share them with."""

    def one_batch(self, model, *, counts):
        return contextlib.nullcontext()


pytestmark = pytest.mark.usefixtures("tiny")


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    return prepare_random(tmp_path_factory.mktemp("schedule"))


def begin(prepared, **settings):
    """A training of 3 steps an epoch, none of them done."""
    config = tiny.Config(**{**SETTINGS, "num_classes": 2, **settings})
    torch.manual_seed(0)
    clips = Clips(prepared, num_frames=config.num_frames, image_size=config.image_size)
    return Training(tiny.build_model(config), clips, FOLD, config, seed=0, group=Group())


def test_the_learning_rate_climbs_in_equal_steps_and_falls_along_half_a_cosine(prepared):
    training = begin(prepared, epochs=3, warmup_epochs=1.0, lr=0.1, optimizer="sgd")
    rates = []
    for _ in range(10):
        rates.append(training.schedule.get_last_lr()[0])
        training.optimizer.step()
        training.schedule.step()
    falling = [0.1 * (1 + math.cos(math.pi * step / 6)) / 2 for step in range(7)]
    assert rates == pytest.approx([0.025, 0.05, 0.075, *falling])


def test_without_a_warm_up_it_begins_at_the_top(prepared):
    training = begin(prepared, epochs=2, warmup_epochs=0.0, lr=0.1)
    assert training.schedule.get_last_lr() == [0.1, 0.1]


@pytest.mark.parametrize(("gradient_clip", "moves"), [(1e-7, False), (1e9, True)])
def test_gradients_are_clipped_before_they_move_anything(prepared, gradient_clip, moves):
    training = begin(
        prepared, optimizer="sgd", lr=0.1, weight_decay=0.0, warmup_epochs=0.0, gradient_clip=gradient_clip
    )
    before = [parameter.detach().clone() for parameter in training.bare.parameters()]
    training.run_epoch()
    changes = [
        float((now - was).detach().abs().max()) for now, was in zip(training.bare.parameters(), before, strict=True)
    ]
    assert (max(changes) > 1e-5) == moves


def test_every_epoch_and_every_worker_draws_anew_and_all_take_the_same_order(prepared, monkeypatch):
    drawn, ordered = [], []

    def augment(frames, lengths, config, generator, copies):
        drawn.append(generator.initial_seed())
        return trainer.to_input(frames, config.image_size)

    def batches(indices, *given, shuffle, **named):
        if shuffle is not None:
            ordered.append(shuffle.initial_seed())
        return real(indices, *given, shuffle=shuffle, **named)

    real = trainer.batches
    monkeypatch.setattr(trainer, "augment", augment)
    monkeypatch.setattr(trainer, "batches", batches)
    for rank in (0, 1):
        training = begin(prepared)
        training.group = Alone(rank=rank, world_size=2)
        training.run_epoch()
        training.run_epoch()
    assert len(set(drawn)) == 4, "two epochs of two workers"
    assert ordered[:2] == ordered[2:]
    assert len(set(ordered)) == 2


def test_compute_is_counted_for_the_epochs_that_were_trained(prepared, tmp_path):
    found = {}
    for epochs, num_epochs in ((1, None), (4, None), (4, 2)):
        spec = make_spec(
            prepared, tmp_path / f"{epochs}-{num_epochs}", phase="refit", epochs=epochs, num_epochs=num_epochs
        )
        found[epochs, num_epochs] = train(spec)[1]["train_flops"]
    one = found[1, None]
    assert one > 0
    assert found == {(1, None): one, (4, None): 4 * one, (4, 2): 2 * one}
