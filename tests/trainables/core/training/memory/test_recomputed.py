"""A training that computes activations again: the numbers of one that keeps them, from less memory."""

import copy

import pytest
import torch

from tests.support.builders import same_weights
from tests.support.networks import network, noisy_clips
from trainables import deep_residual_attention, res_rbg, static_cnn, tdrag
from trainables.core.prepared.batches import Clips
from trainables.core.training.losses import Loss
from trainables.core.training.memory.live_bytes import LiveBytes
from trainables.core.training.memory.recomputed import can_be_split, recomputed
from trainables.core.training.trainer import AUXILIARY_WEIGHT, Training, as_tuple
from trainables.core.training.workers import Group
from trainables.data.core.dataset import Fold

NETWORKS = {
    "res_rbg": (res_rbg, {"backbone": "resnet18", "gru_hidden": 8, "dropout": 0.3}),
    "bottlenecks": (res_rbg, {"backbone": "resnet50", "attention": "se", "gru_hidden": 8, "shortcut": "linear"}),
    "faces": (res_rbg, {"backbone": "mobilenet_tf", "gru_hidden": 8, "dropout": 0.3}),
    "tdrag": (tdrag, {"width": 8, "gru_hidden": 8, "gru_layers": 2}),
    "deep_residual_attention": (deep_residual_attention, {"backbone": "resnet18", "dropout": 0.3}),
    "vgg16": (static_cnn, {"architecture": "vgg16"}),
    "densenet121": (static_cnn, {"architecture": "densenet121"}),
    "googlenet": (static_cnn, {"architecture": "googlenet"}),
    "efficientnet_v2_s": (static_cnn, {"architecture": "efficientnet_v2_s"}),
    "repvgg_a0": (static_cnn, {"architecture": "repvgg_a0"}),
}
LENGTHS = torch.tensor([4, 2, 3])


def step(model, parts):
    """Loss, gradients and what the buffers are after a step; draws follow seed 5."""
    torch.manual_seed(5)
    model = copy.deepcopy(model).train()
    with recomputed(model, parts):
        outputs = as_tuple(model(noisy_clips(4, size=48), LENGTHS))
        losses = [Loss()(logits, torch.tensor([0, 1, 2])) for logits in outputs]
        loss = losses[0] + AUXILIARY_WEIGHT * sum(losses[1:])
        loss.backward()
    gradients = {name: parameter.grad for name, parameter in model.named_parameters() if parameter.grad is not None}
    drawn = torch.rand(())
    return {"loss": loss.detach(), "drawn": drawn, **gradients, **dict(model.named_buffers())}


@pytest.mark.parametrize("parts", [1, 3])
@pytest.mark.parametrize("name", NETWORKS)
def test_the_numbers_are_those_of_a_step_that_keeps_everything(name, parts):
    """Loss, gradients, running statistics and later draws; padded frames, dropout and auxiliary heads among it."""
    trainable, settings = NETWORKS[name]
    model = network(trainable, **settings, num_classes=3, image_size=48, num_frames=4)
    whole, found = step(model, 0), step(model, parts)
    assert found.keys() == whole.keys()
    if parts == 1 or not can_be_split(model.train()):
        assert all(torch.equal(found[key], expected) for key, expected in whole.items())  # the same sums, to the bit
    else:
        floats = [key for key, value in whole.items() if value.is_floating_point()]
        values = torch.stack([torch.stack([found[key].norm(), (found[key] - whole[key]).norm()]) for key in floats])
        norm, difference = values.norm(dim=0)
        assert float(difference) <= 1e-6 * float(norm)


def test_it_takes_less_memory():
    def peak(trainable, parts, **settings):
        with torch.device("meta"):
            model = trainable.build_model(trainable.Config(**settings)).train()
        with LiveBytes() as live, recomputed(model, parts):
            model(torch.zeros(2, 16, 3, 112, 112, device="meta"), torch.tensor([16, 16])).sum().backward()
        return live.peak

    assert peak(res_rbg, 1, gru_hidden=64) < 0.5 * peak(res_rbg, 0, gru_hidden=64)
    assert peak(tdrag, 1) < 0.8 * peak(tdrag, 0)
    faces = [peak(res_rbg, parts, backbone="mobilenet_tf", gru_hidden=64) for parts in (0, 1, 8)]
    assert faces[1] < 0.6 * faces[0]
    assert faces[2] < 0.6 * faces[1]


@pytest.mark.parametrize(
    "changes", [{}, {"mixup_alpha": 0.4}, {"frozen_stages": 2, "batch_norm": "kept"}, {"frozen_stages": 5}]
)
def test_a_training_has_the_same_weights_whatever_it_computes_again(prepared, changes):
    """Order, augmentation, mixup, class weights, clipping, the average of the weights and what is frozen among it."""
    settings = {**changes, "class_balance_beta": 0.9, "ema_decay": 0.9, "masking_rate": 0.2}
    config = res_rbg.Config(**res_rbg.SMALL | settings, num_classes=2)
    fold = Fold(train=tuple(range(10)), validation=(10, 11, 12), test=())

    def trained(parts):
        torch.manual_seed(0)
        training = Training(
            res_rbg.build_model(config), Clips.of(prepared, config), fold, config, seed=0, group=Group()
        )
        training.parts = parts
        row = training.run_epoch()
        return row, training.bare.state_dict(), training.chosen_from.state_dict()

    (row, *weights), (again, *others) = trained(0), trained(1)
    assert again == row
    assert all(same_weights(one, other) for one, other in zip(weights, others, strict=True))
