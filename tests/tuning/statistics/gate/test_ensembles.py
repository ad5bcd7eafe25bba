"""Several trainings that answer together, and what each of them contributes."""

import numpy as np
import pytest

from tuning.statistics.gate.ensembles import answers_together, parts


@pytest.fixture
def logits():
    return np.random.default_rng(0).normal(0, 2, (4, 50, 3))


def test_together_they_answer_by_the_mean_of_their_probabilities():
    sure, unsure = np.array([[[4.0, 0.0]]]), np.array([[[0.0, 0.1]]])
    assert answers_together(np.concatenate([sure, unsure, unsure])).tolist() == [0]
    assert answers_together(np.concatenate([sure, unsure]) + 1000).tolist() == [0], "no overflow"


def test_the_mean_of_the_parts_is_what_all_answer_together(logits):
    labels = np.random.default_rng(1).integers(3, size=50)
    found = parts(logits, labels)
    assert found.shape == (50, 4)
    np.testing.assert_allclose(found.mean(axis=1), answers_together(logits) == labels)


def test_members_that_agree_have_no_spread(logits):
    found = parts(np.stack([logits[0]] * 3), np.zeros(50, int))
    assert np.ptp(found, axis=1).max() == 0


def test_of_two_the_spread_is_that_of_the_two_alone(logits):
    labels = np.zeros(50, int)
    alone = (logits[:2].argmax(axis=2) == labels).astype(float)
    found = parts(logits[:2], labels)
    np.testing.assert_allclose(found[:, 0] - found[:, 1], alone[0] - alone[1])
