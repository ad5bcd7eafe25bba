"""The error of a cross-validated mean, against statsmodels, hand-computed values and repetition with a known truth."""

import numpy as np
import pytest
from statsmodels.api import OLS

from tuning.statistics.intervals import nadeau_bengio_interval
from tuning.statistics.variance import TRAINING_SHARE, Estimate, fold_estimate, satterthwaite, sources, subject_estimate

TINY = 1e-12  # test over train: next to no influence of whom one trains on


def test_subjects_are_clusters_as_in_a_cluster_robust_regression():
    rng = np.random.default_rng(0)
    clips = rng.integers(-1, 2, (40, 6)) + rng.normal(0, 0.5, (40, 1))
    fitted = OLS(clips.ravel(), np.ones(240)).fit(cov_type="cluster", cov_kwds={"groups": np.repeat(np.arange(40), 6)})
    found = sources(clips.sum(axis=1)[:, None], np.full(40, 6), np.arange(40), np.arange(40) % 5)
    assert found.mean == pytest.approx(fitted.params[0])
    assert found.between_subjects == pytest.approx(fitted.bse[0] ** 2)
    assert subject_estimate(found, TINY).se == pytest.approx(fitted.bse[0])
    assert subject_estimate(found, TINY).df == pytest.approx(39)


def test_whom_one_trains_on_adds_a_share_of_nadeau_and_bengios_correction():
    rng = np.random.default_rng(1)
    found = sources(rng.normal(0, 1, (40, 1)), np.ones(40), np.arange(40), np.arange(40) % 5)
    plain, corrected = subject_estimate(found, TINY).se, subject_estimate(found, 1 / 4).se
    assert corrected**2 == pytest.approx(plain**2 * (1 + TRAINING_SHARE * 5 / 4))


def test_a_seed_that_changes_a_whole_fold_counts_and_what_subjects_make_of_it_counts_once():
    rng = np.random.default_rng(2)
    own = rng.normal(0, 1, (600, 4))
    alone = sources(own, np.ones(600), np.arange(600), np.arange(600) % 6)
    assert alone.of_seeds == pytest.approx(alone.within_subjects, rel=1)
    assert alone.of_trainings < 0.7 * alone.between_subjects
    shifted = own + rng.normal(0, 1, (6, 4))[np.arange(600) % 6]
    found = sources(shifted, np.ones(600), np.arange(600), np.arange(600) % 6)
    assert found.of_trainings == pytest.approx(1 / (6 * 4), rel=0.6)
    assert subject_estimate(found, 1 / 5).se ** 2 > found.of_trainings


def test_folds_that_differ_by_more_than_subjects_explain_are_the_units():
    shifts = np.array([-0.5, -0.2, 0.0, 0.3, 0.6])
    scores = np.random.default_rng(3).normal(0, 0.1, (50, 1)) + shifts[np.arange(50) % 5, None]
    estimate = subject_estimate(sources(scores, np.ones(50), np.arange(50), np.arange(50) % 5), TINY)
    assert estimate.method == "folds"
    assert estimate.se == pytest.approx(shifts.std(ddof=1) / 5**0.5, rel=0.1)
    assert 4 < estimate.df < 6


def test_a_subject_alone_in_a_fold_and_folds_of_unequal_size():
    rng = np.random.default_rng(4)
    folds = np.array([0, 0, 0, 0, 1, 1, 2])
    correct = rng.integers(0, 5, (7, 3))
    clips = np.array([4, 4, 5, 6, 4, 5, 4])
    found = sources(correct, clips, list("abcdefg"), folds)
    by_fold = [correct[folds == fold].sum(axis=0).mean() / clips[folds == fold].sum() for fold in range(3)]
    assert found.mean == pytest.approx(np.mean(by_fold))
    assert np.isfinite(subject_estimate(found, 0.5).se)


def test_a_difference_without_spread_is_not_certain():
    alike = fold_estimate(np.full((3, 1), 0.25), 0.5, num_clips=24)
    assert (alike.se, alike.df) == (pytest.approx((0.25 * 0.75 / 24) ** 0.5), 2)
    everyone = sources(np.ones((6, 1)), np.full(6, 4), np.arange(6), np.arange(6) % 3)
    assert subject_estimate(everyone, 0.5).se == pytest.approx((0.25 * 0.75 / 24) ** 0.5)


@pytest.mark.parametrize("of_folds", [0.0, 0.1])
def test_the_interval_holds_the_truth_about_as_often_as_it_says(of_folds):
    """Trainings that differ by fold and seed, people who differ, and answers by chance; no influence of training sets."""
    rng = np.random.default_rng(5)
    held, folds = 0, np.arange(40) % 5
    for _ in range(300):
        subjects, trainings = rng.normal(0, 0.2, (40, 1)), rng.normal(0, of_folds, (5, 3))
        scores = subjects + trainings[folds] + rng.normal(0, 0.3, (40, 3))
        interval = subject_estimate(sources(scores, np.ones(40), np.arange(40), folds), TINY).interval()
        held += interval.low <= 0 <= interval.high
    assert 274 <= held <= 297  # 285 expected; outside with probability 1 %


def test_folds_as_units_lie_between_the_plain_interval_and_nadeau_and_bengios():
    values = np.random.default_rng(6).normal(0, 1, (10, 1))
    found = fold_estimate(values, 1 / 9).interval()
    wide = nadeau_bengio_interval(values[:, 0], num_train=9, num_test=1)
    plain = fold_estimate(values, TINY).interval()
    assert plain.high < found.high < wide.high
    assert found.mean == pytest.approx(wide.mean)
    one_seed, three_alike = fold_estimate(values, 1 / 9), fold_estimate(np.repeat(values, 3, axis=1), 1 / 9)
    assert three_alike.se == pytest.approx(one_seed.se)


def test_satterthwaite_lies_between_the_least_and_the_sum():
    assert satterthwaite((1.0, 10), (0.0, 2)) == pytest.approx(10)
    assert satterthwaite((1.0, 10), (1.0, 10)) == pytest.approx(20)
    assert 2 < satterthwaite((1.0, 100), (1.0, 2)) < 10


def test_certain_estimates_say_so():
    nothing = Estimate(mean=0.0, se=0.0, df=9, method="")
    assert (nothing.p_value(), nothing.above(0.005), nothing.above(-0.005)) == (1.0, 0.0, 1.0)


def test_one_fold_and_one_subject_are_refused():
    with pytest.raises(ValueError, match="1 fold was given; at least 2 are needed"):
        sources(np.ones((4, 1)), np.ones(4), np.arange(4), np.zeros(4))
    with pytest.raises(ValueError, match="of 1 person; at least 2 are needed"):
        sources(np.ones((4, 1)), np.ones(4), np.zeros(4), np.arange(4))
    with pytest.raises(ValueError, match="1 fold was given; at least 2 are needed"):
        fold_estimate(np.ones((1, 3)), 0.5)


def test_the_sources_of_error_on_paper_and_pencil():
    """Two folds of two people with 4 clips each, two seeds; accuracies 5/8 and 3/8 in fold 0, 3/4 and 3/4 in fold 1.

    People, in 32nds of the mean: 0, 2, 1, 1. The seeds of fold 0 differ by 3/4, of fold 1 by nothing. Of the people of
    fold 1 each has an own answer of +-1/4, which may come out as 4/256 of the mean of a fold.
    """
    found = sources([[4, 1], [3, 0], [4, 2], [2, 4]], [4, 4, 4, 4], list("ABCD"), [0, 0, 1, 1])
    assert found.mean == pytest.approx(5 / 8)
    assert found.between_subjects == pytest.approx(4 / 3 * 6 / 1024)
    assert (found.of_seeds, found.within_subjects) == pytest.approx((9 / 256, 4 / 256))
    assert found.of_trainings == pytest.approx(5 / 256)
    assert found.between_folds == pytest.approx(1 / 64)
    whole = subject_estimate(found, 0.5)
    assert whole.se**2 == pytest.approx(28 / 1024), "own answers exceed what people add: nothing for training sets"
    assert whole.df == pytest.approx(28**2 / (8**2 / 3 + 20**2 / 2)), "a degree for each fold of two seeds"


def test_folds_as_units_on_paper_and_pencil():
    """Means 0.6, 0.7, 0.9 have the variance 42/1800, seeds of a fold 24/1800; a third of 3 x 0.5 on what seeds leave."""
    found = fold_estimate([[0.5, 0.7], [0.8, 0.6], [0.9, 0.9]], 0.5)
    assert found.mean == pytest.approx(11 / 15)
    assert found.se**2 == pytest.approx(14 / 1800 + 0.5 * (14 - 4) / 1800)
    assert found.df == 2
