"""What is learned: labels as ever, or the votes for them; classes counted among those who are trained on alone."""

import dataclasses

import pytest
import torch

from tests.support.builders import make_spec, train
from tests.support.extension import tiny
from trainables.core.prepared.batches import Clips
from trainables.core.training.losses import class_balanced_weights
from trainables.core.training.targets import Targets
from trainables.core.training.trainer import Training
from trainables.core.training.workers import Group
from trainables.data.core.dataset import Fold

pytestmark = pytest.mark.usefixtures("tiny")
FOLD = Fold(train=(0, 2, 4, 1), validation=(3, 5, 7), test=(9, 11))  # three happy and one sad


def begin(prepared, **settings):
    config = tiny.Config(num_classes=2, num_frames=2, image_size=32, batch_size=4, epochs=2, **settings)
    torch.manual_seed(0)
    return Training(tiny.build_model(config), Clips.of(prepared, config), FOLD, config, seed=0, group=Group())


# By settings, the losses of training and of validation in two epochs, as they were before there were other losses.
GOLDEN = {
    (): ((0.680423641204834, 0.697375268485971), (0.7006060123443604, 0.6986385544538999)),
    (("batch_by", "subject"), ("label_smoothing", 0.1), ("masking_rate", 0.2), ("optimizer", "sgd")): (
        (0.6996515274047852, 0.6962420923013316),
        (0.6862306594848633, 0.6960332385436802),
    ),
    (("augmentation", "x14"),): ((0.704526846749442, 0.6951081290153821), (0.6913205827985491, 0.6938033098164641)),
}


@pytest.mark.parametrize("settings", GOLDEN, ids=str)
def test_a_training_with_all_of_it_off_is_the_one_of_before(prepared, settings):
    drift = {"max_drift": 0.5} if dict(settings).get("optimizer") == "sgd" else {}
    config = tiny.Config(num_classes=2, num_frames=2, image_size=32, batch_size=4, epochs=2, **dict(settings), **drift)
    torch.manual_seed(0)
    fold = Fold(train=tuple(range(10)), validation=(10, 11, 12), test=())
    training = Training(tiny.build_model(config), Clips.of(prepared, config), fold, config, seed=0, group=Group())
    rows = [training.run_epoch() for _ in range(2)]
    found = [value for row in rows for value in (row["train_loss"], row["val_loss"])]
    assert found == pytest.approx(
        [value for row in GOLDEN[settings] for value in row], rel=5e-5
    )  # other CPUs round otherwise


def test_classes_are_counted_among_the_clips_that_are_trained_on(prepared):
    training = begin(prepared, class_balance_beta=0.9)
    assert training.targets.counts.tolist() == [3, 1]
    assert torch.equal(training.loss.class_weights, class_balanced_weights(torch.tensor([3, 1]), 0.9))


@pytest.mark.parametrize(
    "settings",
    [
        {"loss": "focal"},
        {"class_balance_beta": 0.9},
        {"logit_adjustment": 1.0},
        {"batch_by": "class"},
        {"mixup_alpha": 0.4},
    ],
    ids=str,
)
def test_each_field_changes_the_training_and_the_same_way_again(prepared, settings):
    plain, one, other = (begin(prepared, **given).run_epoch() for given in ({}, settings, settings))
    assert one == other != plain


VOTES = ((3.0, 1.0), (), *[(0.0, 2.0)] * 18)


def test_soft_labels_are_the_shares_of_the_votes_and_else_the_label(prepared):
    given = dataclasses.replace(prepared, votes=VOTES)
    training = begin(given, soft_labels=True)
    targets, weights = training.targets.of_batch([0, 1, 2], torch.tensor([0, 1, 0]))
    assert targets.tolist() == [[0.75, 0.25], [0, 1], [0, 1]]
    assert weights is None
    assert training.run_epoch() != begin(given).run_epoch()


@pytest.mark.parametrize("votes", [(), ((), (), (), (1.0, 2.0), *[()] * 16)])
def test_soft_labels_without_votes_to_train_on_are_refused(prepared, votes):
    given = dataclasses.replace(prepared, votes=votes)
    config = tiny.Config(num_classes=2, num_frames=2, image_size=32, soft_labels=True)
    with pytest.raises(
        ValueError, match=r"soft_labels was given as True, but no clip to train on has votes.*fer2013_plus"
    ):
        Targets.of(Clips.of(given, config), FOLD, config)


def test_a_whole_trial_runs_with_all_of_it(prepared, tmp_path):
    settings = {"loss": "focal", "class_balance_beta": 0.9, "logit_adjustment": 1.0, "batch_by": "class"}
    curve, metrics = train(make_spec(prepared, tmp_path / "t", **settings, mixup_alpha=0.2, ema_decay=0.9))
    assert len(curve) == 2
    assert 0 <= metrics["accuracy"] <= 1
