"""What a study will take of the disk: the largest networks, checkpoints while they are rewritten; what is free, a way out."""

import dataclasses
import shutil

import pytest
import torch
from ray import tune

from tests.support.ablation_driver import study_of
from tests.support.builders import prepare_random
from trainables import res_rbg
from trainables.core import files
from trainables.core.config import make_config
from trainables.core.training.costs import planned_costs, weights_mb
from trainables.models.backbones import frame_network
from tuning.evidence.disk import disk_forecast, largest_configuration, require_room

SPACE = {"gru_hidden": tune.choice([8, 64, 16]), "rbg_depth": tune.randint(0, 3), "lr": tune.loguniform(1e-4, 1e-2)}


def search_of(**changes):
    fields = {"design": None, "parameters": SPACE, "settings": {"backbone": "resnet18", "epochs": 2}, **changes}
    return study_of(**fields)


def of(study, home, **changes):
    counts = {"num_trials": 10, "num_weights": 10, "num_at_once": 2, "num_clips": 100, **changes}
    return disk_forecast(
        study, home, changes.pop("facts", {}), **{key: counts[key] for key in counts if key != "facts"}
    )


def test_the_largest_configuration_is_found_among_all_ends():
    config, found = largest_configuration(search_of())
    assert (config.gru_hidden, config.rbg_depth) == (64, 2)
    largest = make_config(res_rbg.Config, {"backbone": "resnet18", "gru_hidden": 64, "rbg_depth": 2})
    assert found == pytest.approx(weights_mb(res_rbg.build_model(largest)))
    deepest, _ = largest_configuration(study_of())
    assert deepest.rbg_depth == 2, "of an ablation that of the largest variant"


def test_counting_draws_no_random_number_and_reads_no_weights(monkeypatch):
    before = torch.random.get_rng_state()
    config = make_config(res_rbg.Config, {"backbone": "resnet18", "weights": "/nowhere.safetensors"})
    assert planned_costs(res_rbg.build_model, config)["weights_mb"] > 40
    assert (torch.random.get_rng_state() == before).all()


def test_the_peak_is_all_weights_and_checkpoints_while_they_are_rewritten(tmp_path):
    found = of(search_of(), tmp_path)
    assert found.weights == 10 * found.weights_each
    assert found.checkpoints == 2 * 2 * 4 * found.weights_each, "model, two moments and the best epoch's, old and new"
    assert found.prepared == 10 * 2 * 16 * 3 * (160**2 + 140**2), "as stored, and for networks of 112 px"
    assert found.peak == found.weights + found.checkpoints + found.predictions + found.prepared
    assert of(search_of(search_folds=(0, 1)), tmp_path).checkpoints == 2 * found.checkpoints
    averaged = of(search_of(settings={"backbone": "resnet18", "ema_decay": 0.9}), tmp_path)
    assert averaged.checkpoints == 2 * 2 * 5 * averaged.weights_each
    assert of(search_of(dataset="ck_plus"), tmp_path).prepared is None
    (tmp_path / files.PREPARED / "drawn_faces-0123456789ab").mkdir(parents=True)
    assert of(search_of(), tmp_path, facts={"dataset_fingerprint": "0123456789abcdef"}).prepared == 0


def test_of_prepared_faces_only_the_sizes_that_are_lacking_are_counted(tmp_path):
    prepared = prepare_random(tmp_path)
    facts = {"dataset_fingerprint": prepared.fingerprint}
    sizes = search_of(parameters={"image_size": tune.choice([8, 16])}, settings={"backbone": "resnet18"})
    num_frames = len(prepared.frames)
    assert of(sizes, tmp_path, facts=facts).prepared == num_frames * 3 * (10**2 + 20**2)
    prepared.at_size(10)
    assert of(sizes, tmp_path, facts=facts).prepared == num_frames * 3 * 20**2
    stored = search_of(settings={"backbone": "resnet18", "image_size": prepared.face_size})
    assert of(stored, tmp_path, facts=facts).prepared == 0


def test_its_sentences(tmp_path):
    found = dataclasses.replace(of(search_of(), tmp_path), weights_each=2**20, weights=10 * 2**20, free=2**40)
    assert found.lines()[0].startswith("Disk: up to ")
    assert "weights 10.0 MiB (10 x 1.0 MiB), checkpoints of 2 trials at once " in found.lines()[0]
    assert found.lines()[0].endswith(". 1.0 TiB are free.")
    assert found.lines()[1:] == [
        "At its end: The weights of the front, and of what may be on it, stay. Checkpoints go with their trials."
    ]
    assert "All weights stay" in of(search_of(), tmp_path, facts={"keep_weights": "all"}).lines()[1]
    assert "75.0 KiB for a frame" in of(search_of(dataset="ck_plus"), tmp_path).lines()[2]


def test_where_nothing_is_ahead_nothing_is_needed(tmp_path):
    found = of(search_of(), tmp_path, num_trials=0, num_weights=0, num_at_once=0)
    assert found.lines()[0].startswith("Disk: nothing more. ")
    assert len(found.lines()) == 1
    assert found.refusal == ""


def test_what_may_not_fit_is_told_and_what_cannot_is_refused_with_a_way_out(tmp_path, monkeypatch):
    found, told = of(search_of(), tmp_path), []
    require_room(dataclasses.replace(found, free=found.peak), told.append)
    assert told == []
    require_room(dataclasses.replace(found, free=found.peak - 1), told.append)
    assert "are needed" in told[0]
    assert "`prune` lists what nothing needs" in told[0]
    assert "The disk may fill: free some" in dataclasses.replace(found, free=found.peak - 1).lines()[-1]
    little = shutil._ntuple_diskusage(10**12, 10**12, 1000)
    monkeypatch.setattr(shutil, "disk_usage", lambda place: little)
    with pytest.raises(ValueError, match=r"^2 trials at once may take .* of the disk, and 1000 B are free: free some"):
        require_room(of(search_of(), tmp_path), told.append)


def test_features_of_frozen_trunks_are_counted_for_each_way_to_show_a_clip(tmp_path):
    path = tmp_path / "own.pth"
    network, width = frame_network("expression_net", "none")
    torch.save(network.state_dict(), path)
    given = {
        "backbone": "expression_net",
        "weights": str(path),
        "attention": "none",
        "masking_rate": 0.0,
        "num_frames": 3,
    }
    frozen = {**given, "frozen_stages": 4, "image_size": 32}
    ways = {"augmentation": tune.choice(["none", "x14", "random"])}
    found = of(search_of(parameters=ways, settings=frozen), tmp_path, num_clips_in_all=50)
    assert found.features == 50 * (1 + 14) * 3 * width * 4
    assert found.peak == found.weights + found.checkpoints + found.predictions + found.prepared + found.features
    assert "features of frozen trunks" in found.lines()[0]
    some = search_of(parameters=ways, settings={**frozen, "frozen_stages": 3})
    assert of(some, tmp_path, num_clips_in_all=50).features == 0
