"""Two processes that train and evaluate one model together do the work of one."""

import contextlib
import copy
import dataclasses
import datetime
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as mp

from tests.support.builders import SETTINGS, make_spec, same_weights, tiny_trainable
from tests.support.extension import tiny
from trainables import res_rbg
from trainables.core.prepared.batches import Clips
from trainables.core.prepared.stored import Prepared, open_prepared
from trainables.core.training.trainer import Training, predict
from trainables.core.training.trial import Stopped, TrialSpec, run_trial
from trainables.core.training.workers import Group
from trainables.data.core.dataset import Fold
from trainables.models.backbones import frame_network

pytestmark = pytest.mark.slow  # two processes that import torch

UNEVEN = (4, 1, 9, 3, 12, 0, 17)  # 7 clips: 4 for one process, 3 for the other
FOLD = Fold(train=tuple(range(10)), validation=(13, 14, 15, 16, 17), test=())
CONFIG = tiny.Config(**SETTINGS, num_classes=2)


def checkpoint(config: tiny.Config = CONFIG) -> torch.nn.Module:
    torch.manual_seed(3)
    return tiny.build_model(config)


def evaluate(clips: Clips, group: Group) -> dict[str, np.ndarray]:
    return dataclasses.asdict(predict(checkpoint(), clips, UNEVEN, CONFIG, group))


# No draws, and an optimiser that does not blow up what is zero but for rounding.
PLAIN = dataclasses.replace(CONFIG, augmentation="none", dropout=0.0, optimizer="sgd", lr=0.05, epochs=4, batch_size=3)
UNFROZEN = dataclasses.replace(PLAIN, frozen_stages=1, probe_epochs=0.5, layer_decay=0.5, ema_decay=0.9)
GRADUAL = dataclasses.replace(PLAIN, unfreeze_epochs=0.75, batch_norm="kept")
DRAWN = dataclasses.replace(CONFIG, masking_rate=0.2, epochs=4, batch_size=3)


def some_epochs(clips: Clips, group: Group, config: tiny.Config = PLAIN) -> dict:
    """What three epochs of 10 clips in batches of 3 lead to: of 2 and 1 for two workers, at the end of 1 and none."""
    return outcome(begin(clips, group, config))


def begin(clips: Clips, group: Group, config: tiny.Config) -> Training:
    return Training(checkpoint(config), clips, FOLD, config, seed=0, group=group)


def outcome(training: Training) -> dict:
    while training.epoch < 3:
        training.run_epoch()
    rate = training.schedule.get_last_lr()[0]
    return {"rows": training.curve, "weights": training.bare.state_dict(), "rate": rate}


def on_features(clips: Clips, group: Group, weights: Path) -> dict:
    """What three epochs of a head on a frozen trunk lead to."""
    settings = {"backbone": "expression_net", "frozen_stages": 4, "weights": str(weights), "attention": "none"}
    plain = {"augmentation": "none", "masking_rate": 0.0, "optimizer": "sgd", "num_classes": 2}
    config = res_rbg.Config(**{**SETTINGS, **settings, **plain, "temporal": "mean", "epochs": 4, "batch_size": 3})
    torch.manual_seed(5)
    training = Training(res_rbg.build_model(config), clips, FOLD, config, seed=0, group=group)
    assert training.features
    return outcome(training)


def residual(prepared: Prepared, group: Group, parts: int) -> dict[str, torch.Tensor]:
    """The weights of a Res-RBG after an epoch that computes `parts` of a step again."""
    config = res_rbg.Config(**res_rbg.SMALL, num_classes=2)
    torch.manual_seed(0)
    training = Training(res_rbg.build_model(config), Clips.of(prepared, config), FOLD, config, seed=0, group=group)
    training.parts = parts
    training.train_epoch()
    return training.bare.state_dict()


class Halt(Exception):
    pass


def halted(clips: Clips, group: Group, config: tiny.Config = PLAIN) -> dict:
    """The state of that training after the first step of its second epoch."""
    training = begin(clips, group, config)
    training.run_epoch()

    def halt() -> None:
        raise Halt

    training.after_step = halt
    with contextlib.suppress(Halt):
        training.run_epoch()
    return copy.deepcopy(training.state())


def gone_on_with(state: dict, clips: Clips, group: Group, config: tiny.Config = PLAIN) -> dict:
    """What three epochs lead to from there."""
    training = begin(clips, group, config)
    training.load_state(copy.deepcopy(state))
    return outcome(training)


def work(rank: int, folder: Path, prepared_folder: Path, spec: TrialSpec) -> None:
    """One of the two processes: everything is done once, so that torch starts once."""
    torch.set_num_threads(1)
    store = dist.FileStore(str(folder / "store"), 2)
    dist.init_process_group("gloo", store=store, rank=rank, world_size=2, timeout=datetime.timedelta(seconds=60))
    group = Group(rank=rank, world_size=2)
    prepared = open_prepared(prepared_folder)
    clips = Clips(prepared, num_frames=3, image_size=32)
    found = {"evaluated": evaluate(clips, group)}
    training = Training(checkpoint(), clips, FOLD, CONFIG, seed=0, group=group)
    found["begun"] = {name: value.clone() for name, value in training.bare.state_dict().items()}
    row = training.run_epoch()
    found["row"] = row
    found["weights"] = training.bare.state_dict()
    found["best"] = training.best["weights"]
    found["again"] = predict(training.restore_best(), clips, FOLD.validation, CONFIG, group).loss
    found["alike"] = some_epochs(clips, group)
    found["unfrozen"] = some_epochs(clips, group, UNFROZEN)
    found["gradual"] = some_epochs(clips, group, GRADUAL)
    found["frozen"] = on_features(clips, group, folder / "trunk.pth")
    found["state"] = halted(clips, group)
    found["drawn"] = some_epochs(clips, group, DRAWN)
    found["rest of two"] = gone_on_with(halted(clips, group, DRAWN), clips, group, DRAWN)
    found["rest of one"] = gone_on_with(halted(clips, Group()), clips, group)
    config = dataclasses.replace(CONFIG, ema_decay=0.9, mixup_alpha=0.4, batch_by="class", class_balance_beta=0.9)
    averaged = Training(checkpoint(), clips, FOLD, config, seed=0, group=group)
    found["averaged row"], found["averaged"] = averaged.run_epoch(), averaged.best["weights"]
    found["trunk"] = torch.load(folder / "trunk.pth", weights_only=True)
    found["kept"], found["recomputed"] = (residual(prepared, group, parts) for parts in (0, 1))
    found["agreed"] = group.agree(f"rank {rank}")
    found["gathered"] = group.gather(rank)
    with tiny_trainable():
        found["stopped"] = stops_after_one_epoch(spec, group)
        found["metrics"] = run_trial(spec, lambda row: True, group)
    torch.save(found, folder / f"{rank}.pt")
    dist.destroy_process_group()


def stops_after_one_epoch(spec: TrialSpec, group: Group) -> bool:
    try:
        run_trial(spec, lambda row: group.agree(False), group)
    except Stopped:
        return True
    return False


@pytest.fixture(scope="module")
def two(prepared, tmp_path_factory):
    """What each of the two processes found."""
    folder = tmp_path_factory.mktemp("two")
    spec = make_spec(prepared, folder / "trial")
    torch.save(frame_network("expression_net", "none")[0].state_dict(), folder / "trunk.pth")
    Clips(prepared, num_frames=3, image_size=32)  # the frames at this size are made before there are two
    method = "forkserver"  # not fork, as torch has threads here; not spawn, which would import torch twice
    mp.get_context(method).set_forkserver_preload(["tests.trainables.core.training.test_workers", "torch._dynamo"])
    processes = mp.start_processes(work, (folder, prepared.folder, spec), nprocs=2, join=False, start_method=method)
    while not processes.join(timeout=120):
        pass
    return [torch.load(folder / f"{rank}.pt", weights_only=False) for rank in range(2)]


def test_uneven_shards_give_the_confusion_matrix_of_one_process(prepared, two):
    clips = Clips(prepared, num_frames=3, image_size=32)
    alone = evaluate(clips, Group())
    assert alone["indices"].tolist() == sorted(UNEVEN)
    for found in two:
        shared = found["evaluated"]
        assert shared["indices"].tolist() == sorted(UNEVEN)
        assert shared["labels"].tolist() == alone["labels"].tolist() == prepared.labels[sorted(UNEVEN)].tolist()
        np.testing.assert_array_equal(confusion(shared), confusion(alone))
        np.testing.assert_allclose(shared["logits"], alone["logits"], atol=1e-6)
    assert confusion(alone).sum() == 7


def test_both_ranks_end_an_epoch_with_the_same_weights_and_the_same_row(two):
    one, other = two
    assert same_weights(one["weights"], other["weights"])
    assert not same_weights(one["begun"], one["weights"])
    assert one["row"] == other["row"]


def assert_alike(found: dict, expected: dict) -> None:
    assert found["rate"] == expected["rate"]
    for row, expected_row in zip(found["rows"], expected["rows"], strict=True):
        assert row == pytest.approx(expected_row, abs=1e-5)
    for name, weights in found["weights"].items():
        torch.testing.assert_close(weights, expected["weights"][name], atol=1e-5, rtol=1e-4)


def test_two_workers_train_as_one_does(prepared, two):
    alone = some_epochs(Clips(prepared, num_frames=3, image_size=32), Group())
    for found in two:
        assert_alike(found["alike"], alone)


def test_two_workers_train_a_head_on_shared_features_as_one_does(prepared, two, tmp_path):
    torch.save(two[0]["trunk"], tmp_path / "trunk.pth")
    alone = on_features(Clips(prepared, num_frames=3, image_size=32), Group(), tmp_path / "trunk.pth")
    for found in two:
        assert_alike(found["frozen"], alone)


@pytest.mark.parametrize(("name", "config"), [("unfrozen", UNFROZEN), ("gradual", GRADUAL)])
def test_two_workers_unfreeze_stages_in_the_same_steps_as_one(prepared, two, name, config):
    alone = some_epochs(Clips(prepared, num_frames=3, image_size=32), Group(), config)
    for found in two:
        assert_alike(found[name], alone)


def test_a_training_goes_on_within_an_epoch_with_any_number_of_workers(prepared, two):
    clips = Clips(prepared, num_frames=3, image_size=32)
    whole = some_epochs(clips, Group())
    assert_alike(gone_on_with(two[0]["state"], clips, Group()), whole)
    for found in two:
        assert found["rest of two"]["rows"] == found["drawn"]["rows"], "to the last bit, draws of both workers included"
        assert same_weights(found["rest of two"]["weights"], found["drawn"]["weights"])
        assert_alike(found["rest of one"], whole)


def test_both_ranks_have_the_same_average_of_the_weights(two):
    one, other = two
    assert same_weights(one["averaged"], other["averaged"])
    assert one["averaged row"] == other["averaged row"]


def test_what_two_workers_compute_again_has_the_statistics_of_the_whole_batch(two):
    one, other = two
    assert same_weights(one["kept"], one["recomputed"])
    assert same_weights(one["recomputed"], other["recomputed"])


def test_the_chosen_weights_score_what_the_curve_says(two):
    for found in two:
        assert same_weights(found["best"], two[0]["best"])
        assert found["again"] == found["row"]["val_loss"]


def test_a_trial_of_two_workers_stops_resumes_and_is_scored_once(prepared, two, tmp_path):
    one, other = two
    assert one["stopped"]
    assert other["stopped"]
    measured = ("accuracy", "uar", "f1_macro", "param_count", "best_epoch", "generalisation_gap")
    assert [one["metrics"][key] for key in measured] == [other["metrics"][key] for key in measured]


def test_what_ranks_agree_on_is_rank_0s(two):
    assert [found["agreed"] for found in two] == ["rank 0", "rank 0"]
    assert [found["gathered"] for found in two] == [[0, 1], [0, 1]]


def confusion(predictions: dict[str, np.ndarray]) -> np.ndarray:
    matrix = np.zeros((2, 2), int)
    np.add.at(matrix, (predictions["labels"], predictions["logits"].argmax(axis=1)), 1)
    return matrix
