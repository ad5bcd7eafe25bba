"""No label, and no frame, of the test or holdout people can reach what a search decides by."""

import dataclasses
from pathlib import Path

import pytest

from tests.support.builders import (
    corrupted,
    make_spec,
    prepare_random,
    same_weights,
    train,
    untimed,
)
from trainables.core.prepared.splits import load_splits
from trainables.core.serving.classifier import Classifier

EPOCHS = 4


pytestmark = pytest.mark.usefixtures("tiny")


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    return prepare_random(tmp_path_factory.mktemp("leak"), num_subjects=12)


def outcome(spec):
    """All that a trial decides by and leaves behind: curve, metrics without a clock, weights."""
    curve, metrics = train(spec)
    return curve, untimed(metrics), Classifier.load(Path(spec.folder), device="cpu").model.state_dict()


def twins(prepared, tmp_path, clips, *, frames, **fields):
    """The outcome of a trial, and of its twin on data in which `clips` are corrupted."""
    spec = make_spec(prepared, tmp_path / "clean", epochs=EPOCHS, **fields)
    copy = corrupted(prepared, clips, tmp_path / "data", frames=frames)
    twin = dataclasses.replace(spec, prepared=str(copy.folder), folder=str(tmp_path / "corrupted"))
    return outcome(spec), outcome(twin)


def splits_of(prepared, tmp_path):
    return load_splits(Path(make_spec(prepared, tmp_path / "any").splits))


@pytest.mark.slow
@pytest.mark.parametrize("folds", [(0,), (1, 2)])
@pytest.mark.parametrize("frames", [False, True])
def test_test_and_holdout_subjects_cannot_change_a_search_trial(prepared, tmp_path, folds, frames):
    splits = splits_of(prepared, tmp_path)
    seen = {index for fold in folds for part in ("train", "validation") for index in getattr(splits.folds[fold], part)}
    unseen = tuple(index for index in range(len(prepared)) if index not in seen)
    assert set(splits.holdout) <= set(unseen)
    if len(folds) == 1:
        assert set(unseen) == {*splits.holdout, *splits.folds[0].test}
    clean, touched = twins(prepared, tmp_path, unseen, frames=frames, folds=folds)
    assert touched[:2] == clean[:2]
    assert same_weights(touched[2], clean[2])


def test_validation_subjects_do_change_a_search_trial(prepared, tmp_path):
    """Else the test above would pass on a trial that reads nothing."""
    validation = splits_of(prepared, tmp_path).folds[0].validation
    clean, touched = twins(prepared, tmp_path, validation, frames=False)
    flipped = [1 - row["val_accuracy"] for row in clean[0]]  # two classes, every label the other one
    assert [row["val_accuracy"] for row in touched[0]] == pytest.approx(flipped)
    assert [row["train_loss"] for row in touched[0]] == [row["train_loss"] for row in clean[0]]


@pytest.mark.slow
def test_a_confirmation_reads_the_holdout_for_its_score_alone(prepared, tmp_path):
    holdout = splits_of(prepared, tmp_path).holdout
    clean, touched = twins(prepared, tmp_path, holdout, frames=False, phase="confirm")
    assert touched[0] == clean[0]
    assert same_weights(touched[2], clean[2])
    assert touched[1]["accuracy"] == pytest.approx(1 - clean[1]["accuracy"])
    scored = ("accuracy", "uar", "f1_macro")
    rest = [
        {key: value for key, value in metrics.items() if key not in scored and not key.startswith("recall/")}
        for _, metrics, _ in (clean, touched)
    ]
    assert rest[0] == rest[1]


@pytest.mark.slow
def test_a_refit_never_sees_the_holdout(prepared, tmp_path):
    holdout = splits_of(prepared, tmp_path).holdout
    clean, touched = twins(prepared, tmp_path, holdout, frames=True, phase="refit")
    assert touched[:2] == clean[:2]
    assert same_weights(touched[2], clean[2])
