"""The shared features of a frozen trunk: computed once, and a training on them is the one without them to the last bit."""

import dataclasses
import threading

import numpy as np
import pytest
import torch
from filelock import FileLock

from tests.support.builders import SETTINGS, make_spec, prepare_random, same_weights, train
from trainables import deep_residual_attention, res_rbg, static_cnn, tdrag
from trainables.core.config import make_config
from trainables.core.prepared.batches import Clips
from trainables.core.prepared.stored import lock_path
from trainables.core.serving.classifier import Classifier
from trainables.core.training import features, trainer
from trainables.core.training.costs import train_flops
from trainables.core.training.features import Features, hindrances
from trainables.core.training.trainer import Training, predict
from trainables.core.training.trial import run_trial
from trainables.core.training.workers import Group
from trainables.data.core.dataset import DataError, Fold
from trainables.models.backbones import frame_network
from trainables.models.resnet3d import ResNet3d

FOLD = Fold(train=tuple(range(10)), validation=(10, 11, 12), test=())
FROZEN = {"num_classes": 2, "augmentation": "none", "masking_rate": 0.0, "attention": "none"}
pytestmark = pytest.mark.usefixtures("tiny")


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """By trainable, its settings with the weights of a trunk that is frozen whole."""
    folder = tmp_path_factory.mktemp("weights")
    torch.manual_seed(3)
    for name in ("expression_net", "resnet18"):
        torch.save(frame_network(name, "none")[0].state_dict(), folder / f"{name}.pth")
    torch.save(ResNet3d(width=8).state_dict(), folder / "r3d.pth")
    small = {"backbone": "expression_net", "frozen_stages": 4, "weights": str(folder / "expression_net.pth")}
    norms = {"backbone": "resnet18", "frozen_stages": 5, "weights": str(folder / "resnet18.pth")}
    over_time = {"width": 8, "frozen_stages": 5, "weights": str(folder / "r3d.pth")}
    return {res_rbg: small | {"gru_hidden": 8, "rbg_depth": 1}, deep_residual_attention: norms, tdrag: over_time}


@pytest.fixture
def own(tmp_path):
    """Prepared data that no other test has computed features of."""
    return prepare_random(tmp_path)


def begin(prepared, module, settings, seed=0, **changes):
    config = make_config(module.Config, {**SETTINGS, **FROZEN, **settings, **changes})
    torch.manual_seed(seed)
    return Training(module.build_model(config), Clips.of(prepared, config), FOLD, config, seed=seed, group=Group())


def files_of(prepared):
    return {path.name: path.stat().st_mtime_ns for path in prepared.folder.glob("features_*")}


@pytest.mark.parametrize(
    ("module", "augmentation", "precision"),
    [
        (res_rbg, "none", "float32"),
        (res_rbg, "none", "bfloat16"),
        (res_rbg, "x14", "float32"),
        (deep_residual_attention, "none", "float32"),
        (tdrag, "none", "float32"),
        (tdrag, "x14", "float32"),
    ],
)
def test_a_training_is_the_same_with_and_without_them(own, weights, module, augmentation, precision, monkeypatch):
    monkeypatch.setattr("trainables.core.training.precision.computes_bfloat16", lambda kind: True)
    changes = {"augmentation": augmentation, "dropout": 0.2, "ema_decay": 0.9, "epochs": 2, "precision": precision}
    shared = begin(own, module, weights[module], **changes)
    monkeypatch.setattr(trainer.Features, "of", lambda *given: None)
    plain = begin(own, module, weights[module], **changes)
    assert shared.features
    assert plain.features is None
    rows = [[training.run_epoch() for _ in range(2)] for training in (shared, plain)]
    mine, others = (training.bare.state_dict() for training in (shared, plain))
    if module is tdrag:  # a convolution over time rounds by the batch that it is in
        assert all(row == pytest.approx(other, rel=1e-5) for row, other in zip(*rows, strict=True))
        assert all(torch.allclose(mine[name], others[name], atol=1e-5) for name in mine)
    else:
        assert rows[0] == rows[1]
        assert same_weights(mine, others)
        assert same_weights(shared.best["weights"], plain.best["weights"])


def test_the_trunk_runs_once_for_all_trainings_and_in_none_of_their_steps(own, weights, monkeypatch):
    ran = []

    def counted(self, *given):
        ran.append(len(given[0]))
        return forward(self, *given)

    forward = res_rbg.ResRBG.features
    monkeypatch.setattr(res_rbg.ResRBG, "features", counted)
    first = begin(own, res_rbg, weights[res_rbg])
    assert sum(ran) == len(own)
    first.run_epoch()
    begin(own, res_rbg, weights[res_rbg], seed=1, lr=0.01, gru_hidden=4, batch_size=3, epochs=5).run_epoch()
    assert sum(ran) == len(own)
    before = files_of(own)
    assert len(before) == 1
    begin(own, res_rbg, weights[res_rbg], augmentation="x14")
    assert sum(ran) == 15 * len(own), "14 views of each, and what is validated on is there"
    assert files_of(own).items() > before.items()


@pytest.mark.parametrize(
    "changes", [{"num_frames": 2}, {"image_size": 24}, {"frame_selection": "keyframes"}, {"precision": "bfloat16"}]
)
def test_whatever_changes_them_has_a_file_of_its_own(own, weights, changes, monkeypatch):
    monkeypatch.setattr("trainables.core.training.precision.computes_bfloat16", lambda kind: True)
    begin(own, res_rbg, weights[res_rbg])
    begin(own, res_rbg, weights[res_rbg], **changes)
    assert len(files_of(own)) == 2


def test_another_trunk_has_a_file_of_its_own(own, weights, tmp_path):
    begin(own, res_rbg, weights[res_rbg])
    torch.manual_seed(4)
    torch.save(frame_network("expression_net", "none")[0].state_dict(), tmp_path / "other.pth")
    begin(own, res_rbg, weights[res_rbg] | {"weights": str(tmp_path / "other.pth")})
    begin(own, tdrag, weights[tdrag])
    begin(own, tdrag, weights[tdrag], temporal_halvings=3)
    assert len(files_of(own)) == 4, "the last two have the same weights"


def test_who_needs_them_waits_for_who_computes_them(own, weights, monkeypatch):
    begun, go_on, found = threading.Event(), threading.Event(), []

    def slowly(*given):
        begun.set()
        assert go_on.wait(60)
        yield from computed(*given)

    computed = features._computed
    monkeypatch.setattr(features, "_computed", slowly)
    config = make_config(res_rbg.Config, {**SETTINGS, **FROZEN, **weights[res_rbg]})
    model, clips = res_rbg.build_model(config), Clips.of(own, config)

    def ask():
        found.append(features._stored(model, clips, config, torch.device("cpu"), "none"))

    threads = [threading.Thread(target=ask) for _ in range(2)]
    threads[0].start()
    assert begun.wait(60)
    monkeypatch.setattr(features, "_computed", None)
    threads[1].start()
    assert not files_of(own) or all(name.endswith(".tmp") for name in files_of(own))
    go_on.set()
    for thread in threads:
        thread.join()
    (one, one_s), (other, other_s) = found
    assert np.array_equal(one, other)
    assert sorted([one_s > 0, other_s > 0]) == [False, True], "one has computed, the other has waited"


def test_nothing_half_written_is_left_or_taken(own, weights, monkeypatch):
    def failing(*given):
        yield next(computed(*given))
        raise OSError(28, "No space left on device")

    computed = features._computed
    with monkeypatch.context() as patch:
        patch.setattr(features, "_computed", failing)
        with pytest.raises(DataError, match="no room for"):
            begin(own, res_rbg, weights[res_rbg])
    assert not files_of(own)
    (own.folder / "features_00.npy.1234.tmp").write_bytes(b"of a process that died")
    with FileLock(lock_path(own.folder)):
        pass
    assert begin(own, res_rbg, weights[res_rbg]).features
    assert [name.endswith(".tmp") for name in files_of(own)] == [False]


@pytest.mark.parametrize(
    ("module", "changes", "hindrance"),
    [
        (res_rbg, {"augmentation": "random"}, ["augmentation is random"]),
        (res_rbg, {"masking_rate": 0.1}, ["masking_rate is 0.1"]),
        (res_rbg, {"mixup_alpha": 0.2}, ["mixup_alpha is 0.2"]),
        (res_rbg, {"weights": "none"}, ["weights is none, as every seed has another trunk"]),
        (res_rbg, {"attention": "eca"}, ["attention gates in the trunk are trained"]),
        (res_rbg, {"frozen_stages": 3}, None),
        (res_rbg, {}, []),
        (res_rbg, {"augmentation": "x14"}, []),
    ],
)
def test_what_forbids_them_is_said_and_then_there_are_none(own, weights, module, changes, hindrance):
    training = begin(own, module, weights[module], **changes)
    assert hindrances(training.bare, training.config) == hindrance
    assert bool(training.features) == (hindrance == []) == bool(files_of(own))
    training.run_epoch()


def test_a_network_that_is_no_trunk_and_head_says_so():
    config = make_config(static_cnn.Config, {**static_cnn.SMALL, "augmentation": "none", "frozen_stages": 5})
    with torch.device("meta"):
        found = hindrances(static_cnn.build_model(config), config)
    assert found == [
        "weights is none, as every seed has another trunk",
        "the network is not made of a trunk and a head",
    ]


def test_the_trial_that_computes_them_says_so_and_those_after_it_do_not(own, weights, tmp_path):
    settings = {**FROZEN, **weights[res_rbg]}
    del settings["num_classes"]
    notes = []
    for number in range(2):
        rows = []
        spec = make_spec(own, tmp_path / str(number), phase="search", trainable="res_rbg", **settings)
        run_trial(spec, lambda row, rows=rows: rows.append(row) is None, Group())
        notes.append([row["note"] for row in rows if "note" in row])
    assert [len(of_trial) for of_trial in notes] == [1, 0]
    assert notes[0][0].startswith(f"Computed the features of the frozen trunk for {len(own.labels)} clips in ")


def test_operations_are_those_of_the_head_alone(own, weights):
    settings = weights[res_rbg]
    shared, masked = (begin(own, res_rbg, settings, masking_rate=rate) for rate in (0.0, 0.1))
    assert train_flops(shared.bare, shared.config) < 0.1 * train_flops(masked.bare, masked.config)


def test_what_is_served_is_the_whole_network(own, weights, tmp_path):
    settings = {**FROZEN, **weights[res_rbg]}
    del settings["num_classes"]
    spec = make_spec(own, tmp_path / "trial", phase="refit", trainable="res_rbg", **settings)
    train(spec)
    classifier = Classifier.load(tmp_path / "trial", device="cpu")
    training = begin(own, res_rbg, weights[res_rbg])
    training.bare.load_state_dict(classifier.model.state_dict())
    whole = predict(classifier.model, training.clips, FOLD.validation, classifier.config, Group())
    assert np.array_equal(whole.logits, training._validated().logits)
    described = dataclasses.asdict(classifier.config)
    assert described["frozen_stages"] == 4


def test_they_are_given_as_clips_are(own, weights):
    training = begin(own, res_rbg, weights[res_rbg], augmentation="x14")
    assert isinstance(training.features, Features)
    (plain, lengths), (views, same) = (
        training.features.batch([3, 0], copies) for copies in (None, torch.tensor([13, 2]))
    )
    assert plain.shape == views.shape == (2, SETTINGS["num_frames"], 256)
    assert torch.equal(lengths, same)
    assert lengths.tolist() == training.clips.batch([3, 0])[1].tolist()
    assert not torch.equal(plain, views)
