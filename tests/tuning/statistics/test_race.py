"""Who leaves a race, and what its winner has to be believed."""

import numpy as np
import pytest

from tuning.statistics.race import Answers, among, clearly_worse, corrected, paired

FOLDS, EACH, CLIPS = 5, 12, 4


def answers(skill, *, seed=0, folds=FOLDS, each=EACH):
    """A racer that is right in `skill` of the clips, which ones by chance of `seed`."""
    people = folds * each
    right = np.random.default_rng(seed).binomial(CLIPS, skill, people).astype(float)
    names = np.array([f"person-{number}" for number in range(people)])
    return Answers(right=right, clips=np.full(people, float(CLIPS)), people=names, folds=np.arange(people) % folds)


def test_a_difference_is_taken_by_person_on_what_both_ran():
    one, other = answers(0.9), among(answers(0.9), [0, 1])
    found = paired(one, other)
    assert (found.mean, found.df) == (0, 2 * EACH - 1)
    other.right[:] -= np.minimum(other.right, 1)
    found = paired(one, other)
    assert found.mean == pytest.approx(1 / CLIPS, abs=0.01)


def test_the_standard_error_is_that_of_the_mean_over_people():
    draws = [paired(answers(0.8, seed=2 * number), answers(0.8, seed=2 * number + 1)) for number in range(300)]
    assert np.std([found.mean for found in draws]) == pytest.approx(np.mean([found.se for found in draws]), rel=0.1)


def test_a_person_in_two_folds_counts_once():
    twice = answers(0.8)
    names = np.array([f"person-{number % 30}" for number in range(len(twice.people))])
    one = Answers(right=twice.right, clips=twice.clips, people=names, folds=twice.folds)
    other = Answers(right=answers(0.6, seed=3).right, clips=twice.clips, people=names, folds=twice.folds)
    assert paired(one, other).df == 29


def test_who_is_clearly_worse_leaves_and_who_is_not_stays():
    found = clearly_worse({"good": answers(0.95), "bad": answers(0.5, seed=1), "fair": answers(0.93, seed=2)})
    assert list(found) == ["bad"]
    assert found["bad"].mean == pytest.approx(-0.45, abs=0.1)


def test_within_one_standard_error_of_the_leader_nobody_leaves_and_beyond_it_who_is_clearly_so():
    racers = {"good": answers(0.85), "near": answers(0.85), "bad": answers(0.5, seed=1)}
    racers["near"].right[::4] -= 0.5  # every fourth person: 3 points, with little doubt
    assert list(clearly_worse(racers)) == ["near", "bad"]
    assert list(clearly_worse(racers, num_clips=FOLDS * EACH * CLIPS)) == ["bad"], "a standard error is 2.3 points"
    assert list(clearly_worse(racers, num_clips=1e9)) == ["near", "bad"]


def test_nobody_leaves_before_two_folds_and_nobody_leaves_alone():
    one_fold = {"good": among(answers(0.95), [0]), "bad": among(answers(0.2, seed=1), [0])}
    assert clearly_worse(one_fold) == {}
    assert clearly_worse({"alone": answers(0.1)}) == {}


def test_one_who_is_as_good_leaves_in_one_race_of_twenty_at_most():
    left = [
        "first" in clearly_worse({"first": answers(0.8, seed=2 * number), "second": answers(0.8, seed=2 * number + 1)})
        for number in range(400)
    ]
    assert np.mean(left) <= 0.05 + 0.03


def test_choosing_the_best_of_many_is_corrected_for():
    chance = [answers(0.8, seed=number) for number in range(12)]
    best = max(one.accuracy for one in chance)
    found = corrected(chance)
    assert best > 0.83
    assert found.mean == pytest.approx(0.8, abs=0.02)
    assert found.low < 0.8 < found.high


def test_one_alone_was_not_chosen_and_needs_no_correction():
    found = corrected([answers(0.8)])
    assert found.mean == pytest.approx(answers(0.8).accuracy, abs=0.005)


def test_one_that_left_counts_with_the_folds_that_it_ran():
    racers = [answers(0.9), among(answers(0.4, seed=1), [0, 1])]
    assert corrected(racers).mean == pytest.approx(answers(0.9).accuracy, abs=0.01)
    assert corrected(racers) == corrected(racers), "the same draws for the same seed"


@pytest.mark.parametrize("folds", [1, 2])
def test_too_few_people_are_refused_in_words(folds):
    with pytest.raises(ValueError, match=f"{folds} people were tested; at least 3"):
        corrected([answers(0.9, folds=folds, each=1)])
    other = Answers(right=np.ones(1), clips=np.ones(1), people=np.array(["x"]), folds=np.zeros(1))
    with pytest.raises(ValueError, match="0 people were answered for by both"):
        paired(answers(0.9, folds=folds, each=1), other)
