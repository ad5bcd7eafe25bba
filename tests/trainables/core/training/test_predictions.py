"""What a set of predictions is worth, against scikit-learn and by hand."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import confusion_matrix, f1_score, recall_score

from trainables.core.training.metrics import scores
from trainables.core.training.predictions import Predictions, confusion, scores_by_class

NUM_CLASSES = 4


def answered(labels, predicted):
    """Predictions that answer `predicted`, by a margin that differs from clip to clip."""
    labels = np.asarray(labels, np.int64)
    logits = np.full((len(labels), NUM_CLASSES), -1.0, np.float32)
    logits[np.arange(len(labels)), predicted] = np.linspace(0.5, 2, len(labels))
    return Predictions(indices=np.arange(len(labels)), labels=labels, logits=logits)


def test_uar_weighs_classes_and_not_clips_and_leaves_absent_ones_out():
    found = scores(answered([0, 0, 0, 2], [0, 0, 1, 3]))  # no clip of class 1 or 3
    assert found["accuracy"] == 0.5
    assert found["uar"] == pytest.approx((2 / 3 + 0) / 2)
    assert found["f1_macro"] == pytest.approx((2 * 2 / (3 + 2) + 0) / 2)
    found = scores(answered([1, 1], [1, 1]))
    assert (found["accuracy"], found["uar"], found["f1_macro"]) == (1.0, 1.0, 1.0)


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=30))
def test_scores_are_those_of_scikit_learn(pairs):
    labels, predicted = map(list, zip(*pairs, strict=True))
    options = {"labels": sorted(set(labels)), "average": "macro", "zero_division": 0}
    found = scores(answered(labels, predicted))
    assert found["uar"] == pytest.approx(recall_score(labels, predicted, **options))
    assert found["f1_macro"] == pytest.approx(f1_score(labels, predicted, **options))


def test_a_class_without_clips_has_no_recall_and_is_counted():
    found = scores_by_class(answered([0, 0, 0, 2], [0, 0, 1, 3]), ["anger", "fear", "joy", "calm"])
    assert found == {"recall/anger": pytest.approx(2 / 3), "recall/joy": 0.0, "num_absent_classes": 2.0}
    whole = scores_by_class(answered([0, 1, 2, 3], [0, 1, 2, 0]), ["anger", "fear", "joy", "calm"])
    assert whole["num_absent_classes"] == 0
    recalls = [value for key, value in whole.items() if key.startswith("recall/")]
    assert np.mean(recalls) == scores(answered([0, 1, 2, 3], [0, 1, 2, 0]))["uar"]


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=30))
def test_the_confusion_matrix_is_that_of_scikit_learn(pairs):
    labels, predicted = map(list, zip(*pairs, strict=True))
    np.testing.assert_array_equal(
        confusion(answered(labels, predicted)), confusion_matrix(labels, predicted, labels=range(NUM_CLASSES))
    )


def test_the_loss_is_cross_entropy_whatever_the_size_of_the_logits():
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 50, (20, NUM_CLASSES)).astype(np.float32)
    labels = rng.integers(0, NUM_CLASSES, 20)
    found = Predictions(indices=np.arange(20), labels=labels, logits=logits).loss
    expected = torch.nn.functional.cross_entropy(torch.tensor(logits, dtype=torch.float64), torch.tensor(labels))
    assert found == pytest.approx(float(expected))
    huge = Predictions(indices=np.arange(1), labels=np.array([1]), logits=np.array([[1e5, -1e5, 0, 0]], np.float32))
    assert huge.loss == pytest.approx(2e5)
