"""Fine-tuning: what is frozen stays as it was to the last bit, and stages are trained when and as fast as they should be."""

import copy

import pytest
import torch

from tests.support.builders import (
    SETTINGS,
    assert_resumed_equals_uninterrupted,
    same_weights,
)
from tests.support.extension import tiny
from trainables import deep_residual_attention
from trainables.core.config import make_config
from trainables.core.prepared.batches import Clips
from trainables.core.training.costs import train_flops
from trainables.core.training.fine_tuning import FineTuning
from trainables.core.training.trainer import Training
from trainables.core.training.workers import Group
from trainables.data.core.dataset import Fold

FOLD = Fold(train=tuple(range(10)), validation=(10, 11, 12), test=())
FIRST, SECOND, HEAD = "frames.", "gru.", "head."  # the stages of the tiny network, and what is above them

pytestmark = pytest.mark.usefixtures("tiny")


def begin(prepared, module=tiny, **settings):
    """A training of 3 steps an epoch, none of them done."""
    config = make_config(module.Config, {**SETTINGS, "num_classes": 2, "warmup_epochs": 0.0, **settings})
    torch.manual_seed(0)
    return Training(module.build_model(config), Clips.of(prepared, config), FOLD, config, seed=0, group=Group())


def copied(model):
    return {name: tensor.detach().clone() for name, tensor in model.state_dict().items()}


def moved(training, before):
    """The first parts of the names of what is no longer as it was."""
    now = training.bare.state_dict()
    return {f"{name.split('.')[0]}." for name in now if not torch.equal(now[name], before[name])}


def moves_by_step(training, num_epochs):
    """Which parts each step moves."""
    found, before = [], copied(training.bare)

    def look():
        found.append(moved(training, before))
        before.update(copied(training.bare))

    training.after_step = look
    for _ in range(num_epochs):
        training.run_epoch()
    return found


@pytest.mark.parametrize("optimizer", ["adamw", "sgd"])
@pytest.mark.parametrize(("frozen_stages", "moving"), [(1, {SECOND, HEAD}), (2, {HEAD})])
def test_frozen_stages_stay_to_the_last_bit_with_their_statistics_and_without_a_state(
    prepared, optimizer, frozen_stages, moving
):
    training = begin(prepared, frozen_stages=frozen_stages, optimizer=optimizer, weight_decay=0.5, ema_decay=0.9)
    before = copied(training.bare)
    training.run_epoch()
    assert moved(training, before) == moving
    kept = [name for name in before if name.startswith(FIRST)]
    assert any("running_mean" in name for name in kept)
    averaged = training.chosen_from.state_dict()
    assert all(torch.equal(averaged[name], before[name]) for name in kept)
    in_optimizer = [one for group in training.optimizer.param_groups for one in group["params"]]
    trained = [one for name, one in training.bare.named_parameters() if f"{name.split('.')[0]}." in moving]
    assert {id(one) for one in in_optimizer} == {id(one) for one in trained}


def test_what_is_frozen_is_not_back_propagated_through(prepared):
    settings = {"backbone": "expression_net", "attention": "none", "image_size": 32}
    plain, stem, all_of_it = (
        begin(prepared, deep_residual_attention, **settings, frozen_stages=number) for number in (0, 1, 4)
    )
    flops = [train_flops(one.bare, one.config) for one in (plain, stem, all_of_it)]
    assert flops[0] > flops[1] > flops[2]
    assert flops[2] < 0.4 * flops[0], "a pass forward, and the head's backward"
    all_of_it.train_epoch()
    assert all(one.grad is None for one in all_of_it.bare.backbone.parameters())


def test_a_gate_in_a_frozen_trunk_is_fresh_and_trained(prepared):
    training = begin(prepared, deep_residual_attention, backbone="expression_net", attention="eca", frozen_stages=4)
    before = copied(training.bare)
    training.train_epoch()
    now = training.bare.state_dict()
    names = {name for name in now if not torch.equal(now[name], before[name])}
    assert {"backbone.blocks.0.gate.conv.weight", "perceptron.0.weight"} <= names
    assert all(".gate." in name or name.startswith("perceptron.") for name in names)


def test_each_stage_has_a_share_of_the_rate_of_the_one_above_it(prepared):
    training = begin(prepared, layer_decay=0.5, lr=0.1)
    names = {parameter: name for name, parameter in training.bare.named_parameters()}
    rates = {names[one]: group["lr"] for group in training.optimizer.param_groups for one in group["params"]}
    assert rates.keys() == set(names.values())
    expected = {FIRST: 0.025, SECOND: 0.05, HEAD: 0.1}
    assert rates == {name: pytest.approx(expected[f"{name.split('.')[0]}."]) for name in rates}
    decays = {names[one]: group["weight_decay"] for group in training.optimizer.param_groups for one in group["params"]}
    assert {name.rpartition(".")[2].split("_")[0] for name, decay in decays.items() if decay} == {"weight"}
    training.train_epoch()
    lowest, *_, highest = sorted(training.schedule.get_last_lr())
    assert highest == pytest.approx(4 * lowest), "one schedule of all"


def test_the_head_is_trained_first_and_then_all_of_it(prepared):
    steps = moves_by_step(begin(prepared, probe_epochs=1.0), 2)
    assert steps == [*[{HEAD}] * 3, *[{FIRST, SECOND, HEAD}] * 3]


def test_stages_are_unfrozen_from_the_last_one_on_also_within_an_epoch(prepared):
    steps = moves_by_step(begin(prepared, probe_epochs=1 / 3, unfreeze_epochs=2 / 3, epochs=3), 2)
    assert steps == [{HEAD}, *[{SECOND, HEAD}] * 2, *[{FIRST, SECOND, HEAD}] * 3]
    steps = moves_by_step(begin(prepared, unfreeze_epochs=1.0, frozen_stages=1, epochs=3), 3)
    assert steps == [{SECOND, HEAD}] * 9, "frozen stages are never unfrozen"


def test_kept_statistics_are_used_and_stay_while_the_weights_around_them_are_trained(prepared):
    for batch_norm, stays in (("kept", True), ("adapted", False)):
        training = begin(prepared, batch_norm=batch_norm)
        before = copied(training.bare)
        training.run_epoch()
        training.run_epoch()
        now = training.bare.state_dict()
        assert torch.equal(now["frames.1.running_mean"], before["frames.1.running_mean"]) == stays
        assert not torch.equal(now["frames.1.weight"], before["frames.1.weight"])


def test_the_phases_of_a_schedule_are_those_of_its_steps(prepared):
    settings = {"probe_epochs": 0.7, "unfreeze_epochs": 0.3, "epochs": 4}
    tuning = FineTuning(begin(prepared).bare, tiny.Config(**settings))
    assert tuning.phases(4) == [(0.7, 0), (pytest.approx(0.3), 1), (3.0, 2)]
    assert tuning.phases(0.5) == [(0.5, 0)]
    assert [tuning.num_trained(epoch) for epoch in (0, 0.69, 0.7, 0.99, 1.0, 3.9)] == [0, 0, 1, 1, 2, 2]
    assert FineTuning(begin(prepared).bare, tiny.Config()).phases(4) == [(4, 2)]


@pytest.mark.parametrize(
    "settings",
    [
        {"probe_epochs": 0.5, "unfreeze_epochs": 1.0, "layer_decay": 0.7, "ema_decay": 0.9},
        {"frozen_stages": 1, "probe_epochs": 1.5, "batch_norm": "kept", "optimizer": "sgd"},
    ],
    ids=["gradual", "frozen"],
)
@pytest.mark.parametrize("stop_after", [1, 2])
def test_a_resumed_trial_equals_an_uninterrupted_one(prepared, tmp_path, settings, stop_after):
    settings = {**settings, "epochs": 3, "batch_size": 2}
    assert_resumed_equals_uninterrupted(prepared, tmp_path, stop_after, phase="refit", **settings)


def test_a_training_goes_on_within_a_phase_to_the_last_bit(prepared):
    settings = {"probe_epochs": 1 / 3, "unfreeze_epochs": 2 / 3, "epochs": 3}
    whole = begin(prepared, **settings)
    states = []
    whole.after_step = lambda: states.append(copy.deepcopy(whole.state()))
    rows = [whole.run_epoch() for _ in range(2)]
    for state in (states[0], states[1], states[3]):
        other = begin(prepared, **settings)
        other.load_state(state)
        while other.epoch < 2:
            other.run_epoch()
        assert other.curve == rows
        assert same_weights(other.bare.state_dict(), whole.bare.state_dict())
