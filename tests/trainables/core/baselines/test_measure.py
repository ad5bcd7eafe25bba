"""The three baselines of a study: on the clips of its trials, whatever becomes of any of them."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.support.builders import CLASSES, corrupted, make_spec
from trainables.core.baselines import measure
from trainables.core.baselines.measure import measure_baselines
from trainables.core.baselines.record import Baseline
from trainables.core.prepared.splits import load_splits, make_splits
from trainables.core.training.workers import Group

pytestmark = pytest.mark.usefixtures("tiny")


@pytest.fixture(autouse=True)
def _quick(monkeypatch, tmp_path):
    """A plain network is trained in `test_network.py`; no weights lie at hand."""
    monkeypatch.setattr("torch.hub.get_dir", lambda: str(tmp_path / "nothing"))

    def untrained(prepared, fold, scored, **asked):
        logits = np.zeros((len(scored), len(CLASSES)))
        found = measure._predictions(SimpleTask(prepared), np.asarray(scored), logits)
        config = dataclasses.make_dataclass("Config", ["num_frames", "image_size", "epochs"])(2, asked["image_size"], 1)
        return dataclasses.make_dataclass("T", ["predictions", "num_train", "config"])(found, len(fold.train), config)

    monkeypatch.setattr(measure, "plain_network", untrained)


@dataclasses.dataclass
class SimpleTask:
    prepared: object


def rows_of(spec) -> dict[str, Baseline]:
    return {row["name"]: Baseline.of(json.loads(json.dumps(row))) for row in measure_baselines(spec, Group())}


def test_of_a_search_all_are_scored_on_its_validation_people(prepared, tmp_path):
    spec = make_spec(prepared, tmp_path / "trials")
    found = rows_of(spec)
    assert list(found) == ["majority", "logistic_regression", "plain_network"]
    view = load_splits(Path(spec.splits)).view("search", 0)
    for one in found.values():
        assert (one.error, one.num_clips, one.folds) == ("", len(view.validation), (0,))
        rows = pd.read_parquet(tmp_path / "trials" / one.folder / "predictions.parquet")
        assert set(rows["clip_id"]) == {prepared.clip_ids[index] for index in view.validation}
        assert set(rows["split"]) == {"validation"}
    labels = prepared.labels[list(view.validation)]
    assert found["majority"].accuracy == np.bincount(labels).max() / len(labels)
    assert "oriented gradients" in found["logistic_regression"].what


def test_labels_and_frames_of_others_change_nothing(prepared, tmp_path):
    """Neither those of test people nor those of the holdout."""
    spec = make_spec(prepared, tmp_path / "a" / "trials")
    splits = make_splits(prepared, salt="test")
    unseen = tuple({*splits.holdout, *splits.folds[0].test})
    assert splits.holdout
    assert unseen
    other = corrupted(prepared, unseen, tmp_path / "other")
    changed = dataclasses.replace(spec, prepared=str(other.folder), folder=str(tmp_path / "b" / "trials"))
    measure_baselines(spec, Group())
    measure_baselines(changed, Group())
    for name in ("majority", "logistic_regression"):
        one, two = (
            pd.read_parquet(tmp_path / side / "trials" / f"baseline-{name}" / "predictions.parquet") for side in "ab"
        )
        pd.testing.assert_frame_equal(one, two)


def test_of_an_ablation_they_are_scored_on_the_test_people_of_all_folds_and_the_network_on_those_of_one(
    prepared, tmp_path
):
    splits = make_splits(prepared, salt="test", holdout_share=0.0)
    splits.save(tmp_path / "splits.json")
    spec = make_spec(prepared, tmp_path / "trials", phase="ablation", folds=(0, 1, 2), splits=tmp_path / "splits.json")
    found = rows_of(spec)
    tested = [set(fold.test) for fold in splits.folds]
    assert found["majority"].num_clips == found["logistic_regression"].num_clips == len(set.union(*tested))
    assert found["logistic_regression"].folds == (0, 1, 2)
    assert (found["plain_network"].folds, found["plain_network"].num_clips) == ((0,), len(tested[0]))
    assert found["plain_network"].what.endswith("; fold 0 alone")
    rows = pd.read_parquet(tmp_path / "trials" / "baseline-logistic_regression" / "predictions.parquet")
    for number in range(3):
        of_fold = rows[rows["fold"] == number]
        assert set(of_fold["clip_id"]) == {prepared.clip_ids[index] for index in splits.folds[number].test}


def test_one_that_fails_says_why_and_the_others_are_there(prepared, tmp_path, monkeypatch):
    def no_memory(*_, **__):
        raise MemoryError("no memory\nfor 64 GiB")

    monkeypatch.setattr(measure, "plain_network", no_memory)
    found = rows_of(make_spec(prepared, tmp_path / "trials"))
    assert found["plain_network"].error == "MemoryError: no memory"
    assert found["plain_network"].accuracy is None
    assert found["logistic_regression"].accuracy is not None


def test_a_device_that_answers_no_more_is_for_the_slot_to_replace(prepared, tmp_path, monkeypatch):
    def lost(*_, **__):
        raise RuntimeError("CUDA error: an illegal memory access was encountered")

    monkeypatch.setattr(measure, "plain_network", lost)
    monkeypatch.setattr(measure, "is_lost", lambda device: True)
    with pytest.raises(RuntimeError, match="illegal memory access"):
        measure_baselines(make_spec(prepared, tmp_path / "trials"), Group())


def test_of_several_workers_the_first_works_alone(prepared, tmp_path):
    assert measure_baselines(make_spec(prepared, tmp_path / "trials"), Group(rank=1, world_size=2)) == []
    assert not (tmp_path / "trials").exists()
