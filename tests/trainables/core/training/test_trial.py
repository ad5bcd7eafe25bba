"""One trial from its spec to its files: what is reported, measured, predicted and written."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch

from tests.support.builders import RES_RBG, corrupted, make_spec, prepare_random, train
from trainables.core import files
from trainables.core.lookup import UnknownName
from trainables.core.prepared import node_copy
from trainables.core.prepared.batches import Clips
from trainables.core.prepared.splits import load_splits
from trainables.core.serving.classifier import Classifier
from trainables.core.training.metrics import measured_at
from trainables.core.training.timing.reference import kind_of
from trainables.core.training.trainer import predict
from trainables.core.training.trial import epochs_to_90, run_trial
from trainables.core.training.workers import Group
from trainables.data.core.dataset import DataError
from trainables.models.backbones import frame_network

COLUMNS = ["clip_id", "subject", "fold", "seed", "split", "label", "logits"]


pytestmark = pytest.mark.usefixtures("tiny")


@pytest.fixture(scope="module")
def spec(prepared, tmp_path_factory):
    return make_spec(prepared, tmp_path_factory.mktemp("trials") / "search-0000", folds=(0, 2), seed=7)


@pytest.fixture(scope="module")
def outcome(spec):
    """Curve and metrics of a search trial on folds 0 and 2."""
    return train(spec)


def part_of(prepared, spec, phase, fold, part):
    """Clip ids of a part of a fold as a phase sees it."""
    view = load_splits(Path(spec.splits)).view(phase, fold)
    return [prepared.clip_ids[index] for index in getattr(view, part)]


def test_a_report_is_an_epoch_and_the_mean_over_the_folds(prepared, spec, outcome, tmp_path):
    curve, metrics = outcome
    assert [row["epoch"] for row in curve] == [1, 2]
    keys = (*measured_at("epoch"), *measured_at("ledger"))
    assert all(row.keys() == {"epoch", *keys} for row in curve)
    alone = []
    for fold in (0, 2):
        folder = tmp_path / str(fold)
        alone.append(train(dataclasses.replace(spec, folds=(fold,), folder=str(folder))))
    for epoch, row in enumerate(curve):
        for key in keys:
            assert row[key] == np.mean([curve_of_fold[epoch][key] for curve_of_fold, _ in alone])
    for key in ("accuracy", "uar", "f1_macro", "best_epoch", "generalisation_gap"):
        assert metrics[key] == np.mean([metrics_of_fold[key] for _, metrics_of_fold in alone])


def test_what_the_table_says_of_a_trial_is_measured_and_nothing_else(outcome):
    _, metrics = outcome
    blocks_or_one = {"train_time_spread"}  # left out where the training was too short to have two blocks
    assert metrics.keys() | blocks_or_one == {*measured_at("trial"), "recall/happy", "recall/sad"}
    assert all(isinstance(value, float | int) and np.isfinite(value) for value in metrics.values())


def test_predictions_of_every_fold_are_kept(prepared, spec, outcome):
    table = pq.read_table(Path(spec.folder) / "predictions.parquet")
    assert table.column_names == COLUMNS
    rows = table.to_pylist()
    for fold in (0, 2):
        found = [row for row in rows if row["fold"] == fold]
        assert [row["clip_id"] for row in found] == part_of(prepared, spec, "search", fold, "validation")
    assert len(rows) == sum(len(part_of(prepared, spec, "search", fold, "validation")) for fold in (0, 2))
    assert {row["split"] for row in rows} == {"validation"}
    assert {row["seed"] for row in rows} == {7}
    for row in rows:
        index = prepared.clip_ids.index(row["clip_id"])
        assert (row["label"], row["subject"]) == (prepared.labels[index], prepared.subjects[index])
        assert len(row["logits"]) == 2
    right = [np.mean([np.argmax(r["logits"]) == r["label"] for r in rows if r["fold"] == fold]) for fold in (0, 2)]
    assert np.mean(right) == pytest.approx(outcome[1]["accuracy"])


def test_the_model_written_is_the_one_that_was_scored(prepared, spec, outcome):
    classifier = Classifier.load(Path(spec.folder), device="cpu")
    assert classifier.classes == prepared.classes
    assert classifier.crop_size == prepared.crop_size
    clips = Clips(prepared, num_frames=3, image_size=32)
    validation = load_splits(Path(spec.splits)).view("search", 0).validation
    found = predict(classifier.model, clips, validation, classifier.config, Group())
    written = [row["logits"] for row in pq.read_table(Path(spec.folder) / "predictions.parquet").to_pylist()]
    np.testing.assert_array_equal(found.logits, np.array(written[: len(validation)], np.float32))
    described = json.loads((Path(spec.folder) / "model.json").read_text())
    assert described["fingerprint"] == prepared.fingerprint
    assert described["cropping"] == prepared.cropping
    assert described["config"]["num_classes"] == 2


@pytest.mark.slow
def test_the_published_network_trains_and_is_served_from_its_folder(prepared, tmp_path):
    spec = make_spec(prepared, tmp_path / "t", trainable="res_rbg", epochs=1, num_frames=2, **RES_RBG)
    curve, metrics = train(spec)
    assert len(curve) == 1
    assert metrics["param_count"] > 1e7
    classifier = Classifier.load(tmp_path / "t", device="cpu")
    assert type(classifier.config).__module__ == "trainables.res_rbg"
    assert sum(p.numel() for p in classifier.model.parameters()) == metrics["param_count"]


@pytest.mark.slow
def test_a_trial_tells_what_it_started_from_and_its_model_needs_no_such_file(prepared, tmp_path):
    weights = tmp_path / "own.pth"
    torch.save({"state_dict": frame_network("expression_net", "none")[0].state_dict()}, weights)
    settings = RES_RBG | {"backbone": "expression_net", "attention": "eca", "weights": str(weights), "frozen_stages": 3}
    spec = make_spec(prepared, tmp_path / "t", trainable="res_rbg", epochs=1, num_frames=2, **settings)
    train(spec)
    told = json.loads((tmp_path / "t" / "model.json").read_text())["starts_from"]
    assert (told["file"], told["trained_on"]) == (str(weights), "pictures that are not known here")
    assert told["fresh"] == [f"blocks.{number}.gate.conv" for number in range(4)]
    assert told["frozen"] == {"stages": 3, "of": 4}
    weights.unlink()
    classifier = Classifier.load(tmp_path / "t", device="cpu")
    clips = Clips(prepared, num_frames=2, image_size=32)
    validation = load_splits(Path(spec.splits)).view("search", 0).validation
    found = predict(classifier.model, clips, validation, classifier.config, Group())
    written = [row["logits"] for row in pq.read_table(tmp_path / "t" / "predictions.parquet").to_pylist()]
    np.testing.assert_array_equal(found.logits, np.array(written, np.float32))


def test_a_confirmation_is_scored_on_the_holdout_alone(prepared, tmp_path):
    spec = make_spec(prepared, tmp_path / "confirm-0000", phase="confirm", folds=(1,), epochs=1)
    _, metrics = train(spec)
    rows = pq.read_table(Path(spec.folder) / "predictions.parquet").to_pylist()
    holdout = [prepared.clip_ids[index] for index in load_splits(Path(spec.splits)).holdout]
    assert [row["clip_id"] for row in rows] == holdout
    assert {row["split"] for row in rows} == {"holdout"}
    assert metrics["accuracy"] == np.mean([np.argmax(row["logits"]) == row["label"] for row in rows])


def test_a_refit_leaves_a_model_and_scores_nothing(prepared, tmp_path):
    train(make_spec(prepared, tmp_path / "refit-0000", phase="refit", epochs=1))
    left = sorted(path.name for path in (tmp_path / "refit-0000").iterdir())
    assert left == ["model.json", "model.safetensors", "wall_time.json"]


def test_a_parameter_that_the_config_lacks_is_answered_with_the_nearest(prepared, tmp_path):
    with pytest.raises(ValueError, match=r"no parameter named 'hiden'\. Did you mean 'hidden'\?"):
        train(make_spec(prepared, tmp_path / "t", hiden=8))
    with pytest.raises(UnknownName, match=r"no trainable named 'tinny'\. Did you mean 'tiny'\?"):
        train(make_spec(prepared, tmp_path / "t", trainable="tinny"))
    assert not (tmp_path / "t").exists()


@pytest.mark.parametrize("fold", [3, -1])
def test_a_fold_that_there_is_not_is_told(prepared, tmp_path, fold):
    with pytest.raises(ValueError, match=rf"no fold {fold}; the data set has folds 0 to 2"):
        train(make_spec(prepared, tmp_path / "t", folds=(fold,)))


def test_splits_of_other_data_are_refused(prepared, tmp_path):
    other = prepare_random(tmp_path, num_subjects=9)
    spec = make_spec(other, tmp_path / "t")
    with pytest.raises(DataError, match="was cut for other data"):
        train(dataclasses.replace(spec, prepared=str(prepared.folder)))


def test_a_copy_of_the_data_gives_the_same_trial(prepared, spec, outcome, tmp_path):
    same = corrupted(prepared, (), tmp_path / "copy")
    curve, _ = train(dataclasses.replace(spec, prepared=str(same.folder), folder=str(tmp_path / "t")))
    assert curve == outcome[0]


def test_convergence_is_the_first_epoch_at_nine_tenths_of_the_best():
    assert epochs_to_90([0.1, 0.5, 0.91, 0.7, 1.0, 0.95]) == 3
    assert epochs_to_90([0.2, 0.9, 1.0]) == 2
    assert epochs_to_90([0.5]) == 1
    assert epochs_to_90([0.0, 0.0]) == 1


def test_that_the_idle_time_of_its_device_is_not_known_while_another_is_comes_with_the_first_epoch(prepared, tmp_path):
    def told(name, known):
        spec = make_spec(prepared, tmp_path / name / "search-0000", num_epochs=2)
        rows = []
        run_trial(dataclasses.replace(spec, idle_times_s=known), lambda row: rows.append(row) or True, Group())
        return [row.get("unmeasured") for row in rows]

    assert told("other", {"NVIDIA H100": 0.001}) == [kind_of(Group()), None]
    assert told("known", {kind_of(Group()): 0.008}) == [None, None]
    assert told("none", {}) == [None, None], "which was told before"


def test_data_on_the_disk_of_the_machine_give_the_same_trial_and_a_note_says_where_they_are_not(
    prepared, spec, outcome, tmp_path, monkeypatch
):
    monkeypatch.setattr(node_copy, "_is_same_disk", lambda place, folder: False)
    near = dataclasses.replace(spec, folder=str(tmp_path / "near"), local_data=str(tmp_path / "disk"))
    curve, _ = train(near)
    assert curve == outcome[0]
    assert list((tmp_path / "disk").rglob(files.FRAMES))
    (tmp_path / "file").touch()
    curve, _ = train(dataclasses.replace(near, folder=str(tmp_path / "far"), local_data=str(tmp_path / "file")))
    assert curve[0].pop("note").startswith(f"The data is read from {prepared.folder}, not copied to the disk")
    assert curve == outcome[0]
