"""Intervals against hand-computed values, against repetition with a known truth, and at their edges."""

import math

import numpy as np
import pytest
from scipy import stats

from tuning.statistics.intervals import (
    SEED_SD,
    Interval,
    accuracy_interval,
    crossed,
    difference_with_trainings,
    independent_difference,
    majority_share,
    nadeau_bengio_interval,
    paired_difference,
    wilson,
    with_seeds,
    with_trainings,
)


def of_clips(num_subjects, clips_each):
    return [f"P{i:03}" for i in range(num_subjects) for _ in range(clips_each)]


@pytest.mark.slow
def test_accuracy_interval_holds_the_truth_about_as_often_as_it_says():
    rng = np.random.default_rng(0)
    held = 0
    for trial in range(100):
        skill = rng.beta(8, 2, size=25)  # people differ: mean accuracy 0.8
        correct = (rng.random((25, 4)) < skill[:, None]).ravel()
        interval = accuracy_interval(correct, of_clips(25, 4), seed=trial)
        held += interval.low <= 0.8 <= interval.high
    assert held >= 88  # 95 expected; fewer than 88 has probability 0.15 %


def test_clips_of_one_subject_count_as_one_where_they_go_wrong_together():
    whole_subjects_wrong = np.repeat([1, 1, 1, 1, 0] * 6, 8)
    spread_evenly = np.tile([1, 1, 1, 1, 0], 48)
    clustered = accuracy_interval(whole_subjects_wrong, of_clips(30, 8))
    spread = accuracy_interval(spread_evenly, of_clips(30, 8))
    assert clustered.mean == spread.mean == pytest.approx(0.8)
    assert clustered.high - clustered.low > 2 * (spread.high - spread.low)


def test_seeds_are_averaged_and_do_not_narrow_the_interval():
    rng = np.random.default_rng(1)
    correct = rng.random(80) < 0.7
    one = accuracy_interval(correct, of_clips(20, 4))
    five = accuracy_interval(np.tile(correct, 5), of_clips(20, 4) * 5, seeds=np.repeat(range(5), 80))
    assert (five.mean, five.low, five.high) == pytest.approx((one.mean, one.low, one.high))
    pooled = accuracy_interval(np.tile(correct, 5), of_clips(20, 4) * 5)
    assert pooled.high - pooled.low <= five.high - five.low


def test_a_subject_judged_by_more_seeds_weighs_no_more():
    interval = accuracy_interval([1, 1, 1, 0], ["a", "a", "a", "b"], seeds=[0, 1, 2, 0])
    assert interval.mean == pytest.approx(0.5)


@pytest.mark.parametrize(("value", "low", "high"), [(1, 0.025 ** (1 / 30), 1.0), (0, 0.0, 1 - 0.025 ** (1 / 30))])
def test_all_alike_falls_back_on_the_number_of_subjects(value, low, high):
    interval = accuracy_interval([value] * 120, of_clips(30, 4))
    assert (interval.mean, interval.low, interval.high) == pytest.approx((value, low, high))
    assert "Clopper-Pearson" in interval.method


def test_one_error_is_not_taken_for_certainty_about_the_rest():
    correct = np.ones(120)
    correct[7] = 0
    interval = accuracy_interval(correct, of_clips(30, 4))
    assert interval.low < 0.9545  # Wilson for 119 of 120
    assert interval.high > interval.mean


def test_a_single_subject_says_next_to_nothing():
    interval = accuracy_interval([1, 1, 0, 1], ["a"] * 4)
    assert interval.high - interval.low > 0.8


def test_the_seed_of_the_bootstrap_makes_it_repeatable_and_confidence_widens_it():
    rng = np.random.default_rng(2)
    correct, subjects = rng.random(60) < 0.6, of_clips(20, 3)
    assert accuracy_interval(correct, subjects, seed=3) == accuracy_interval(correct, subjects, seed=3)
    narrow, wide = (accuracy_interval(correct, subjects, confidence=c) for c in (0.8, 0.99))
    assert wide.low < narrow.low < narrow.mean < narrow.high < wide.high


@pytest.mark.parametrize(
    ("correct", "subjects", "seeds", "message"),
    [
        ([], [], None, "one at least"),
        ([1, 0], ["a"], None, "2 predictions"),
        ([1, 0], ["a", "b"], [0], "1 seeds"),
        ([1, 0.5], ["a", "b"], None, "other than true and false"),
        ([1, 0], ["a", None], None, "no subject"),
    ],
)
def test_accuracy_interval_refuses_what_it_cannot_judge(correct, subjects, seeds, message):
    with pytest.raises(ValueError, match=message):
        accuracy_interval(correct, subjects, seeds)


def test_a_paired_difference_resamples_people():
    rng = np.random.default_rng(0)
    people = np.repeat(np.arange(40), 8)
    better = rng.random(320) < 0.8
    worse = rng.random(320) < 0.5
    found = paired_difference(better, worse, people.tolist())
    assert found.mean == pytest.approx(better.mean() - worse.mean())
    assert 0 < found.low < found.mean < found.high
    other = paired_difference(worse, better, people.tolist())
    assert (other.mean, other.low) == pytest.approx((-found.mean, -found.high), abs=0.01)
    one_each = paired_difference(better[:40], worse[:40], people[::8].tolist())
    assert one_each.high - one_each.low > found.high - found.low


def test_a_paired_difference_of_people_who_all_agree_is_no_point():
    same = paired_difference([1, 0, 1, 0], [1, 0, 1, 0], ["a", "a", "b", "b"])
    assert same.low < same.mean == 0 < same.high
    more = paired_difference([1, 1, 1, 1], [1, 0, 1, 0], ["a", "a", "b", "b"])
    assert more.low < more.mean == 0.5 < more.high


def test_majority_share_is_the_share_of_the_commonest_label():
    assert majority_share([0, 1, 1, 2, 1]) == pytest.approx(0.6)
    assert majority_share(["a"]) == 1.0
    with pytest.raises(ValueError, match="no labels"):
        majority_share([])


def test_nadeau_bengio_on_paper_and_pencil():
    # mean 2, variance 2.5; (1/5 + 20/80) * 2.5 = 1.125; t(0.975, 4) = 2.776445
    interval = nadeau_bengio_interval([0, 1, 2, 3, 4], num_train=80, num_test=20)
    assert interval.mean == 2
    assert interval.high - 2 == pytest.approx(2.776445 * 1.125**0.5, rel=1e-6)
    assert 2 - interval.low == pytest.approx(interval.high - 2)


def test_nadeau_bengio_refuses_one_fold_and_empty_sets():
    with pytest.raises(ValueError, match="two or more"):
        nadeau_bengio_interval([0.1], num_train=80, num_test=20)
    with pytest.raises(ValueError, match="positive"):
        nadeau_bengio_interval([0.1, 0.2], num_train=80, num_test=0)
    with pytest.raises(ValueError, match="confidence"):
        nadeau_bengio_interval([0.1, 0.2], num_train=80, num_test=20, confidence=95)


@pytest.mark.parametrize(
    ("scores", "of_seeds", "of_both"),
    [
        ([[0, 2], [1, 3]], 2.0, 0.0),  # a seed does the same to everybody: seeds 0.5 and 2.5 on average
        ([[0, 2], [1, 5]], 4.0, 1.0),  # seeds 0.5 and 3.5, variance 4.5, half of 1 of it people's own answers
        ([[0, 2], [2, 0]], 0.0, 4.0),  # all of it is: nothing below 0 is left
    ],
)
def test_subjects_and_seeds_crossed_on_paper_and_pencil(scores, of_seeds, of_both):
    by_subject, found_seeds, found_both = crossed(np.array(scores, dtype=float))
    assert by_subject.tolist() == np.mean(scores, axis=1).tolist()
    assert (found_seeds, found_both) == pytest.approx((of_seeds, of_both))


def test_a_difference_of_two_proportions_is_newcombes():
    """Newcombe, Statistics in Medicine 17, 1998, table II, example (a): 56/70 and 48/80 by method 10."""
    one, other = (
        Interval(mean=hits / num, low=low, high=high, confidence=0.95, method="Wilson")
        for hits, num in ((56, 70), (48, 80))
        for low, high in [wilson(hits / num, num, 0.95)]
    )
    found = independent_difference(one, other)
    assert (round(found.mean, 4), round(found.low, 4), round(found.high, 4)) == (0.2, 0.0524, 0.3339)


def test_an_interval_counts_what_seeds_add():
    people = [str(number) for number in range(40) for _ in range(2)]
    alike, apart = np.tile([1.0, 1.0, 0.0, 0.0], 20), np.tile([1.0, 0.0, 1.0, 0.0, 1.0, 0.0, 0.0, 1.0], 10)
    seeds = [0, 1] * 40
    found = accuracy_interval(alike, people, seeds)
    usual, measured = with_seeds(found, alike, people, seeds), with_seeds(found, apart, people, seeds)
    assert found.low > usual.low > measured.low
    assert found.high < usual.high < measured.high
    assert usual.method == f"{found.method}, and seeds"


def test_one_seed_is_no_proof_that_seeds_agree():
    people = [str(number) for number in range(20)]
    right = np.tile([1.0, 1.0, 0.0, 1.0], 5)
    found = accuracy_interval(right, people)
    assert with_seeds(found, right, people, [7] * 20).low < found.low
    assert with_trainings(found, 5).low > with_trainings(found, 1).low, "of five trainings the mean is known better"
    assert with_trainings(found, 1).low >= 0


def test_a_difference_counts_the_seeds_of_both_and_may_be_negative():
    found = Interval(mean=-0.95, low=-0.99, high=-0.85, confidence=0.95, method="by people")
    one, both = difference_with_trainings(found, 1, 0), difference_with_trainings(found, 1, 1)
    assert one.high < both.high
    assert both.high - both.mean == pytest.approx(math.hypot(0.1, stats.t.ppf(0.975, 4) * SEED_SD * math.sqrt(2)))
    assert both.low == -1
    assert both.method == "by people, and seeds"
    assert difference_with_trainings(found, 0, 0) == found, "no seed moves either"
    assert difference_with_trainings(found, 1, 1, [(0.3**2, 4)]).high > both.high
