"""The plain network: a trial's training, for as long as there is time."""

import numpy as np
import pytest

from trainables.core.baselines import network
from trainables.core.baselines.network import num_epochs, plain_network
from trainables.core.training.workers import Group
from trainables.data.core.dataset import Fold

GIVEN = {"num_frames": 2, "image_size": 32, "batch_by": "clip", "most_epochs": 2, "seed": 0, "group": Group()}


@pytest.mark.parametrize(("epoch_s", "epochs"), [(0.0, 45), (1.0, 25), (100.0, 1)], ids=["a trial's", "in time", "one"])
def test_epochs_that_fit(epoch_s, epochs):
    assert num_epochs(epoch_s, 25.0, 45) == epochs


@pytest.mark.slow
def test_it_answers_for_the_clips_that_it_is_asked_for(prepared):
    fold = prepared.folds[0]
    found = plain_network(prepared, fold, fold.validation, **GIVEN)
    assert found.predictions.indices.tolist() == sorted(fold.validation)
    assert found.predictions.labels.tolist() == prepared.labels[found.predictions.indices].tolist()
    assert found.predictions.logits.shape == (len(fold.validation), len(prepared.classes))
    assert (found.config.epochs, found.config.image_size, found.num_train) == (2, 32, len(fold.train))
    again = plain_network(prepared, fold, fold.validation, **GIVEN)
    assert np.array_equal(found.predictions.logits, again.predictions.logits)


@pytest.mark.slow
def test_where_there_is_no_time_it_sees_fewer_clips_once(prepared, monkeypatch):
    monkeypatch.setattr(network, "TIMED", 6)
    fold = prepared.folds[0]
    found = plain_network(prepared, fold, fold.validation, **GIVEN, budget_s=0.0)
    assert (found.num_train, found.config.epochs) == (6, 1)
    assert len(found.predictions.indices) == 6
    assert {*found.predictions.indices.tolist()} <= {*fold.validation}


@pytest.mark.slow
def test_it_never_reads_the_test_part(prepared):
    fold = prepared.folds[0]
    hidden = Fold(train=fold.train, validation=fold.validation, test=())
    one, other = (plain_network(prepared, part, fold.validation, **GIVEN) for part in (fold, hidden))
    assert np.array_equal(one.predictions.logits, other.predictions.logits)
