"""What a comparison can find: against statsmodels and hand-computed values, and how it moves with its plan."""

import math

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.power import TTestPower

from tuning.statistics.comparison import minimum_detectable_effect
from tuning.statistics.power import detectable_effect, planned_effect, power_for


@pytest.mark.parametrize(
    ("df", "alpha", "shift"), [(4, 0.05, 3.0), (9, 0.0125, 4.0), (59, 0.01, 0.0), (117, 0.05, 2.8)]
)
def test_the_power_is_statsmodels(df, alpha, shift):
    expected = TTestPower().power(shift / (df + 1) ** 0.5, df + 1, alpha)
    assert power_for(shift * 0.02, 0.02, df, alpha) == pytest.approx(expected, abs=1e-3)


def test_two_folds_and_a_large_family_still_have_a_detectable_effect():
    effect = detectable_effect(0.01, 1, 0.05 / 20)
    assert power_for(effect, 0.01, 1, 0.05 / 20) == pytest.approx(0.8)
    assert effect > 1  # more than all: such a run finds nothing


def test_the_minimum_detectable_effect_on_paper_and_pencil():
    # Folds as units, almost without training influence: se = 0.1 / sqrt(400); (1.96 + 0.84) of it for a normal test.
    assert minimum_detectable_effect(400, 1, 0.1, 1e9, 1, 1) == pytest.approx(0.005 * 2.8016, rel=0.01)


def test_the_minimum_detectable_effect_moves_as_it_should():
    def effect(num_folds=10, num_seeds=3, sd=0.03, comparisons=4, **more):
        return minimum_detectable_effect(num_folds, num_seeds, sd, num_folds - 1, 1, comparisons, **more)

    assert effect(sd=0.06) == pytest.approx(2 * effect())
    assert effect(num_folds=5) > effect()
    assert effect(comparisons=8) > effect() > effect(comparisons=1)
    assert effect(power=0.9) > effect() > effect(alpha=0.1)
    assert effect(num_subjects=118) < effect()
    assert effect(num_seeds=1, seed_share=0.5) > effect(seed_share=0.5) > effect(seed_share=1.0)
    assert effect(num_seeds=1) == effect()  # nothing is promised for seeds whose share is unknown
    assert effect(sd=0) == 0


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ({"num_folds": 1}, "1 folds, 3 seeds and 4 comparisons were given; at least 2 folds"),
        ({"num_seeds": 0}, "0 seeds"),
        ({"num_comparisons": 0}, "0 comparisons"),
        ({"sd": math.nan}, "sd nan.*finite sd of 0 or more"),
        ({"sd": math.inf}, "sd inf.*finite sd of 0 or more"),
        ({"sd": -0.1}, "finite sd of 0 or more"),
        ({"num_test": math.inf}, "inf to test.*positive sizes"),
        ({"seed_share": 2}, "shares between 0 and 1"),
        ({"num_subjects": 1}, "1 people are tested; at least 2"),
        ({"num_subjects": 0}, "0 people are tested"),
    ],
)
def test_numbers_that_make_no_ablation_are_refused_in_words(bad, message):
    good = {"num_folds": 5, "num_seeds": 3, "sd": 0.03, "num_train": 4, "num_test": 1, "num_comparisons": 4}
    assert minimum_detectable_effect(**good, num_subjects=40) > 0
    with pytest.raises(ValueError, match=message):
        minimum_detectable_effect(**(good | {"num_subjects": 40} | bad))


def test_a_plan_reckons_with_folds_that_differ_by_chance():
    """Once in ten the test goes by the folds: they then differ by what is in the middle of all that passes its F test."""
    se, subjects, folds, alpha = 0.01, 40, 5, 0.05
    drawn = np.random.default_rng(0).f(folds - 1, subjects - 1, 400_000)
    ratio = float(np.median(drawn[drawn > np.quantile(drawn, 0.9)]))
    df = ratio**2 / (1 / (subjects - 1) + (ratio - 1) ** 2 / (folds - 1))
    effect = planned_effect(se, subjects, folds, alpha)
    by_folds = stats.norm.sf(stats.t.isf(alpha / 2, df) * ratio**0.5 - effect / se)
    assert 0.9 * power_for(effect, se, subjects - 1, alpha) + 0.1 * by_folds == pytest.approx(0.8, abs=2e-3)
    assert effect > detectable_effect(se, subjects - 1, alpha)
