"""The gain of a challenger: its sources of error found again where they were put in, and by a second implementation."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf
from scipy import stats

from tuning.statistics.gate.gain import TRAINING_SHARE, gain, lower_bound, p_value
from tuning.statistics.variance import Estimate

FOLDS = 5


def drawn(rng, clips, *, person=0.3, clip=0.4, seed=0.0, answer=0.0, num_seeds=2):
    """Differences of people's clips around 0, given to the challenger; the champion's answers are 0."""
    people = np.repeat(np.arange(len(clips)), clips)
    folds = people % FOLDS
    known = person * rng.standard_normal(len(clips))[people] + clip * rng.standard_normal(len(people))
    shocks = seed * rng.standard_normal((FOLDS, num_seeds))[folds]
    own = answer * rng.standard_normal((len(clips), num_seeds))[people]
    return known[:, None] + shocks + own, np.zeros((len(people), 2)), people, folds


def found_of(parts):
    return gain(*parts, test_over_train=0.25)


@pytest.mark.parametrize("clips", [np.full(40, 4), np.arange(40) % 9 + 1, np.full(40, 1)])
@pytest.mark.parametrize("person", [0.0, 0.3])
def test_the_variance_of_the_mean_is_found_on_average(clips, person):
    rng = np.random.default_rng(0)
    found = [found_of(drawn(rng, clips, person=person)) for _ in range(300)]
    true = person**2 * (clips**2).sum() / clips.sum() ** 2 + 0.4**2 / clips.sum()
    assert np.mean([one.of_people for one in found]) == pytest.approx(true, rel=0.08)
    assert np.var([one.mean for one in found]) == pytest.approx(true, rel=0.3)


def test_with_as_many_clips_each_it_is_the_variance_between_people_over_their_number():
    parts = drawn(np.random.default_rng(1), np.full(30, 4))
    by_person = parts[0].mean(axis=1).reshape(30, 4).mean(axis=1)
    found = found_of(parts)
    assert found.of_people == pytest.approx(by_person.var(ddof=1) / 30)
    assert found.people_df == pytest.approx(29)


@pytest.mark.filterwarnings("ignore")
def test_a_mixed_model_of_statsmodels_agrees():
    """REML of a random person, by numbers of clips from 1 to 9: another estimator of the same two components."""
    clips = np.arange(60) % 9 + 1
    parts = drawn(np.random.default_rng(2), clips)
    table = pd.DataFrame({"difference": parts[0].mean(axis=1), "person": parts[2]})
    fitted = smf.mixedlm("difference ~ 1", table, groups="person").fit(reml=True)
    components = float(fitted.cov_re.iloc[0, 0]), float(fitted.scale)
    expected = components[0] * (clips**2).sum() / clips.sum() ** 2 + components[1] / clips.sum()
    assert found_of(parts).of_people == pytest.approx(expected, rel=0.1)


def test_what_a_seed_does_to_a_fold_and_what_people_make_of_it_are_told_apart():
    rng, clips = np.random.default_rng(3), np.full(50, 4)
    found = [found_of(drawn(rng, clips, seed=0.2, answer=0.3)) for _ in range(200)]
    assert np.mean([one.of_seeds[0] for one in found]) == pytest.approx(0.2**2 / (2 * FOLDS), rel=0.2)
    assert np.mean([one.of_answers[0] for one in found]) == pytest.approx((0.2**2 + 0.3**2) / (2 * 50), rel=0.2)
    assert [one.of_seeds[1] for one in found] == [0.0] * 200


def test_somebody_with_most_of_the_clips_leaves_few_degrees_of_freedom():
    rng = np.random.default_rng(4)
    even, uneven = (found_of(drawn(rng, clips)) for clips in (np.full(40, 5), np.array([80, 60, *[1] * 38])))
    assert uneven.people_df < even.people_df / 1.5


def test_more_people_and_more_seeds_shrink_what_comes_of_them():
    found = found_of(drawn(np.random.default_rng(5), np.full(40, 4), seed=0.5, answer=0.1))
    now, people, seeds = found.estimate(), found.estimate(people=80), found.estimate(seeds=8)
    assert people.se < now.se
    assert now.se**2 - seeds.se**2 == pytest.approx(0.75 * (found.of_seeds[0] + found.of_answers[0]), rel=0.01)


def test_training_sets_add_to_what_seeds_do_not_explain():
    found = found_of(drawn(np.random.default_rng(6), np.full(40, 4)))
    without = dataclasses.replace(found, training=0.0)
    assert found.training == pytest.approx(TRAINING_SHARE * FOLDS * 0.25)
    added = found.estimate().se ** 2 - without.estimate().se ** 2
    assert added == pytest.approx(found.training * (found.of_people - sum(found.of_answers)))


def test_all_alike_is_no_proof():
    ones = np.ones((40, 2))
    found = gain(ones, ones, np.arange(40) // 4, np.arange(40) // 4 % FOLDS, test_over_train=0.25)
    assert (found.mean, found.of_people) == (0.0, 0.0)
    assert 0 < p_value(found, -0.02) < 1
    assert found.estimate(-0.02).se == pytest.approx((0.02 * 0.98 / 40) ** 0.5)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda one, other, people, folds: (one[:, :1], other, people, folds), "1 seed"),
        (lambda one, other, people, folds: (one, other, people * 0, folds), "1 person"),
        (lambda one, other, people, folds: (one, other, people, folds * 0), "1 fold"),
    ],
)
def test_of_one_nobody_knows_what_another_would_be(change, message):
    with pytest.raises(ValueError, match=f"There is {message}; at least 2"):
        found_of(change(*drawn(np.random.default_rng(0), np.full(10, 4))))


def test_a_bound_is_that_of_the_t_distribution():
    estimate = Estimate(mean=0.1, se=0.02, df=7, method="")
    assert lower_bound(estimate, 0.05) == pytest.approx(0.1 - stats.t.isf(0.05, 7) * 0.02)
