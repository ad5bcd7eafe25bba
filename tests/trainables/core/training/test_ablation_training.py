"""What a training of an ablation sees: its fold's people alone, and no test person before it is scored."""

import dataclasses
import json
import shutil

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from tests.support.ablation_driver import prepare_subjects
from tests.support.builders import corrupted, make_spec, train
from trainables.core.prepared.splits import Splits, load_splits, make_splits
from trainables.core.prepared.stored import open_prepared
from trainables.data.core.dataset import DataError

pytestmark = pytest.mark.usefixtures("tiny")


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    return prepare_subjects(tmp_path_factory.mktemp("ablation"))


def test_it_is_scored_on_its_folds_test_subjects_and_says_so(prepared, tmp_path):
    make_splits(prepared, salt="test", holdout_share=0.0).save(tmp_path / "splits.json")
    spec = make_spec(prepared, tmp_path / "trial", phase="ablation", folds=(1,), splits=tmp_path / "splits.json")
    _, metrics = train(spec)
    rows = pd.read_parquet(tmp_path / "trial" / "predictions.parquet")
    assert set(rows["split"]) == {"test"}
    assert set(rows["clip_id"]) == {prepared.clip_ids[index] for index in prepared.folds[1].test}
    right = np.stack(rows["logits"].to_list()).argmax(axis=1) == rows["label"]
    assert metrics["accuracy"] == pytest.approx(right.mean())
    assert not (tmp_path / "trial" / "model.safetensors").exists(), "hundreds of networks that nobody serves"
    assert pq.read_metadata(tmp_path / "trial" / "predictions.parquet").num_rows == len(prepared.folds[1].test)


@pytest.mark.slow
def test_test_subjects_cannot_change_what_is_learnt_or_which_epoch_is_chosen(prepared, tmp_path):
    make_splits(prepared, salt="test", holdout_share=0.0).save(tmp_path / "splits.json")
    splits = load_splits(tmp_path / "splits.json")
    copy = corrupted(prepared, splits.folds[0].test, tmp_path / "data", frames=False)
    spec = make_spec(prepared, tmp_path / "a", phase="ablation", splits=tmp_path / "splits.json", epochs=4)
    twin = dataclasses.replace(spec, prepared=str(copy.folder), folder=str(tmp_path / "b"))
    (curve, metrics), (other_curve, others) = train(spec), train(twin)
    assert curve == other_curve
    assert metrics["best_epoch"] == others["best_epoch"]
    assert others["accuracy"] == pytest.approx(1 - metrics["accuracy"])  # two classes, every label the other one


def test_a_worker_too_refuses_folds_that_share_a_subject(prepared, tmp_path):
    fold = prepared.folds[0]
    leaking = dataclasses.replace(fold, test=(*fold.test, fold.train[0]), train=fold.train[1:])
    Splits(fingerprint=prepared.fingerprint, holdout=(), folds=(leaking,)).save(tmp_path / "splits.json")
    with pytest.raises(DataError, match="is in the train part and in the test part of fold 0"):
        train(make_spec(prepared, tmp_path / "trial", phase="ablation", splits=tmp_path / "splits.json"))


def test_predictions_tell_the_clusters_that_stand_for_people(prepared, tmp_path):
    folder = tmp_path / "prepared"
    shutil.copytree(prepared.folder, folder)
    index = json.loads((folder / "index.json").read_text())
    clusters = [f"cluster {name}" for name in index["subjects"]]
    nobody = {"subjects": [None] * len(clusters), "clusters": clusters, "groups": clusters, "cluster_by": "column:film"}
    (folder / "index.json").write_text(json.dumps(index | nobody))
    columns = {}
    for one in (prepared, open_prepared(folder)):
        place = tmp_path / one.units
        place.mkdir()
        make_splits(one, salt="test", holdout_share=0.0).save(place / "splits.json")
        spec = make_spec(one, place / "trial", phase="ablation", folds=(1,), splits=place / "splits.json", epochs=1)
        train(spec)
        columns[one.units] = pd.read_parquet(place / "trial" / "predictions.parquet")
    assert "cluster" not in columns["people"]
    assert columns["clusters"]["subject"].isna().all()
    assert sorted(columns["clusters"]["cluster"]) == sorted(f"cluster {name}" for name in columns["people"]["subject"])
