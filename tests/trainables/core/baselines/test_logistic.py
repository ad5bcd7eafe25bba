"""A logistic regression on frozen features."""

import numpy as np
import pytest
import torch

from trainables.core.baselines.features import Features
from trainables.core.baselines.logistic import TIMED, answers, features_of

MEAN = Features("the mean colour", lambda faces: faces.mean((2, 3)))


def test_a_clip_is_its_first_frame_its_last_their_difference_and_the_mean(prepared):
    found = features_of(prepared, (3,), MEAN, num_frames=4, budget_s=10.0, seed=0)[3]
    start, stop = prepared.offsets[3], prepared.offsets[4]
    top, size = (prepared.crop_size - prepared.face_size) // 2, prepared.face_size
    colours = prepared.frames[start:stop, top : top + size, top : top + size].astype(float).mean((1, 2))
    expected = [colours[0], colours[-1], colours[-1] - colours[0], colours.mean(axis=0)]
    np.testing.assert_allclose(found, np.concatenate(expected), rtol=1e-4)


def test_with_little_time_fewer_clips_are_seen_the_same_ones_each_time(prepared):
    given = {"num_frames": 2, "budget_s": 0.0, "seed": 0}
    some = features_of(prepared, range(len(prepared)), MEAN, **given)
    assert len(some) == TIMED < len(prepared)
    assert some.keys() == features_of(prepared, range(len(prepared)), MEAN, **given).keys()


def people_and_clips(num_people: int, noise: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Clips of two classes and whose they are; the class moves one feature, the person all of them."""
    rng = np.random.default_rng(0)
    people, labels = np.repeat(np.arange(num_people), 4), np.tile([0, 1, 0, 1], num_people)
    clips = rng.normal(0, noise, (num_people, 30))[people] + rng.normal(0, 0.1, (4 * num_people, 30))
    clips[:, 0] += 2.0 * labels
    return clips, labels, people


def test_it_answers_for_people_it_never_saw():
    clips, labels, people = people_and_clips(30, noise=0.5)
    seen = people < 20
    logits = answers(clips[seen], labels[seen].tolist(), people[seen].tolist(), clips[~seen], 3)
    assert logits.shape == (40, 3)
    assert (logits.argmax(axis=1) == labels[~seen]).mean() > 0.9
    assert (logits[:, 2] < -100).all(), "a class that nobody showed it is never answered"
    assert np.isfinite(logits).all()


def test_its_regularisation_is_chosen_by_people(monkeypatch):
    """Clips of a person are alike: by clips, what was learnt by heart would look right."""
    asked = []

    class Search:
        def __init__(self, estimator, grid, *, cv, **_):
            asked.append(cv)
            self.best_params_ = {"C": 0.01}

        def fit(self, features, labels, groups):
            asked.append(sorted(set(groups.tolist())))
            return self

    monkeypatch.setattr("trainables.core.baselines.logistic.GridSearchCV", Search)
    clips, labels, people = people_and_clips(3, noise=0.5)
    answers(clips, labels.tolist(), people.tolist(), clips, 2)
    assert type(asked[0]).__name__ == "GroupKFold"
    assert asked[0].n_splits == 3
    assert asked[1] == [0, 1, 2]


def test_one_person_needs_no_choice_and_one_class_is_refused():
    clips, labels, _ = people_and_clips(3, noise=0.1)
    assert answers(clips, labels.tolist(), ["anna"] * 12, clips, 2).shape == (12, 2)
    with pytest.raises(ValueError, match="class"):
        answers(clips, [1] * 12, ["anna", "ben"] * 6, clips, 2)


def test_torch_is_left_alone(prepared):
    state = torch.get_rng_state()
    features_of(prepared, (0, 1), MEAN, num_frames=2, budget_s=1.0, seed=0)
    assert torch.equal(state, torch.get_rng_state())
