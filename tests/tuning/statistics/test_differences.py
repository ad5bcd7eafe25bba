"""What is said of a difference beside its interval: equivalence, power, the intervals that others use, UAR and time."""

import dataclasses

import numpy as np
import pytest
from scipy import stats

from tests.support.simulated_runs import CLIPS, NUM_SUBJECTS, one_run, simulated, without_predictions
from tuning.statistics.comparison import compare
from tuning.statistics.differences import estimate
from tuning.statistics.intervals import nadeau_bengio_interval
from tuning.statistics.pairing import pair
from tuning.statistics.power import detectable_effect, power_for


def test_identical_results_are_called_so():
    runs = simulated({"full": 0.8})
    comparison = compare([*runs, *(dataclasses.replace(run, variant="copy") for run in runs)], "full")
    difference = comparison.variants[1].difference
    assert "identical" in difference.words
    assert (difference.interval.low, difference.interval.high, difference.p_adjusted) == (0, 0, 1)


@pytest.mark.parametrize("change", [lambda runs: runs, without_predictions])
def test_a_small_sample_that_agrees_does_not_prove_equivalence(change):
    runs = change(simulated({"full": 0.8}))
    copies = [dataclasses.replace(run, variant="copy") for run in runs]
    few = compare([*runs, *copies], "full").variants[1].difference
    # Half a point of 120 clips is less than one clip: to agree on all of them says little.
    assert 0.3 < few.equivalent < 0.7
    assert few.better == pytest.approx(few.worse)
    assert few.detectable > 0.01
    assert few.power < 0.9
    assert f"minimum detectable effect {100 * few.detectable:.1f} points" in few.words
    many = [dataclasses.replace(run, num_test=1000 * run.num_test) for run in [*runs, *copies]]
    assert compare(many, "full").variants[1].difference.equivalent > 0.99


@pytest.mark.slow
def test_equivalence_is_adjusted_for_the_family_as_differences_are():
    skills = {"full": 0.8, **{f"v{number}": 0.8 for number in range(12)}}
    found = [one.difference for one in compare(simulated(skills), "full", rope=0.13).variants[1:]]
    order = np.argsort([-one.equivalent for one in found])
    expected = np.maximum.accumulate([(12 - rank) * (1 - found[index].equivalent) for rank, index in enumerate(order)])
    assert [found[index].p_equivalence for index in order] == pytest.approx(np.minimum(expected, 1))
    by_itself = [one for one in found if one.equivalent >= 0.95]
    said = [one for one in found if one.words.startswith("equivalent")]
    assert len(by_itself) > len(said)
    assert all((one.p_equivalence <= 0.05) == one.words.startswith("equivalent") for one in found)


def test_nadeau_and_bengios_interval_and_the_bootstrap_stand_beside():
    runs = simulated({"full": 0.8, "other": 0.7}, num_folds=4)
    difference = compare(runs, "full").variants[1].difference
    by_fold = [
        np.mean([run.accuracy for run in runs if (run.variant, run.fold) == ("other", fold)])
        - np.mean([run.accuracy for run in runs if (run.variant, run.fold) == ("full", fold)])
        for fold in range(4)
    ]
    expected = nadeau_bengio_interval(by_fold, num_train=90, num_test=30)
    assert difference.nadeau_bengio.low == pytest.approx(expected.low)
    assert difference.bootstrap.low < difference.interval.mean < difference.bootstrap.high
    assert (
        difference.nadeau_bengio.high - difference.nadeau_bengio.low
        > difference.interval.high - difference.interval.low
    )


def test_the_bootstrap_is_of_the_mean_over_folds_as_the_interval_is():
    right = {"full": np.ones((NUM_SUBJECTS, CLIPS), bool), "other": np.ones((NUM_SUBJECTS, CLIPS), bool)}
    right["other"][:4, 0] = False  # the small fold loses a third,
    right["other"][4:10, 1] = False  # the large one little
    runs = [
        one_run(variant, fold, 0, subjects, right[variant][subjects])
        for variant in right
        for fold, subjects in enumerate((np.arange(4), np.arange(4, NUM_SUBJECTS)))
    ]
    difference = compare(runs, "full").variants[1].difference
    assert difference.interval.mean == pytest.approx((-1 / 3 - 6 / 108) / 2)
    assert difference.bootstrap.mean == pytest.approx(difference.interval.mean)
    assert difference.bootstrap.low < difference.bootstrap.mean < difference.bootstrap.high


def test_uar_and_time_are_paired_too():
    runs = [
        dataclasses.replace(run, uar=run.uar - 0.1, train_time_s=2 * run.train_time_s)
        if run.variant == "other"
        else run
        for run in simulated({"full": 0.8, "other": 0.8})
    ]
    full, other = compare(runs, "full").variants
    assert other.difference.uar.mean == pytest.approx(other.uar.mean - full.uar.mean)
    assert other.difference.uar.method == "folds"
    assert other.difference.train_time_s.mean == pytest.approx(full.train_time_s.mean)
    # The times of the runs were 10 to 15 s by fold and seed, so the spread of the differences is that of the folds.
    assert other.difference.train_time_s.low > 0


def test_the_region_of_practical_equivalence_can_hold_all():
    difference = compare(simulated({"full": 0.8, "same": 0.8}), "full", rope=0.4).variants[1].difference
    assert difference.equivalent > 0.99
    assert difference.words.startswith("equivalent within 40 points (")


def shifted(points, runs):
    """The runs and those of a variant that is as much better in every fold and with every seed, without predictions."""
    better = [
        dataclasses.replace(run, variant="other", accuracy=run.accuracy + points / 100, uar=run.uar + points / 100)
        for run in runs
    ]
    return without_predictions([*runs, *better])


def test_a_difference_that_is_the_same_in_every_fold_is_no_certainty():
    difference = compare(shifted(-5, simulated({"full": 0.8})), "full").variants[1].difference
    se = (0.05 * 0.95 / 120) ** 0.5  # of six clips in 120 that are judged differently
    for interval in (difference.interval, difference.uar):
        assert interval.mean == pytest.approx(-0.05)
        assert interval.high - interval.mean == pytest.approx(stats.t.ppf(0.975, 4) * se)
    assert difference.p_adjusted == pytest.approx(2 * stats.t.sf(0.05 / se, 4))
    assert difference.words.startswith("no significant difference (-10.5 to +0.5 points")


def test_all_wrong_against_all_right_is_no_certainty_either():
    right = np.ones((8, CLIPS), bool)
    runs = [
        one_run(variant, fold, 0, np.arange(fold, NUM_SUBJECTS, 5), answers)
        for variant, answers in (("full", right), ("other", ~right))
        for fold in range(5)
    ]
    for given in (runs, without_predictions(runs)):
        interval = compare(given, "full").variants[1].difference.interval
        assert interval.mean == pytest.approx(-1)
        assert interval.high > -0.99


@pytest.mark.parametrize("points", [0.2, -0.2])
def test_what_is_equivalent_is_called_so_though_it_is_not_0(points):
    runs = [dataclasses.replace(run, num_test=5000 * run.num_test) for run in simulated({"full": 0.8})]
    difference = compare(shifted(points, runs), "full").variants[1].difference
    assert difference.p_adjusted < 0.05
    assert difference.p_equivalence < 0.05
    assert difference.words.startswith("equivalent within 0.5 points, though not 0 (")
    assert (
        compare(shifted(5 * points, runs), "full")
        .variants[1]
        .difference.words.startswith("better by 1.0" if points > 0 else "worse by 1.0")
    )


def test_identical_results_of_many_clips_are_equivalent():
    runs = [dataclasses.replace(run, num_test=1000 * run.num_test) for run in simulated({"full": 0.8})]
    difference = compare(shifted(0, runs), "full").variants[1].difference
    assert difference.words == "equivalent within 0.5 points (the results are identical)"


@pytest.mark.parametrize(
    ("of", "message"),
    [
        (("a",), "no effect beyond 0.5 points, though not 0 (+0.2 to"),
        (("a", "b"), "no interaction beyond 0.5 points, though not 0 (+0.2 to"),
    ],
)
def test_a_small_effect_is_no_equivalence_of_two_variants(of, message):
    runs = [dataclasses.replace(run, num_test=5000 * run.num_test) for run in simulated({"full": 0.8})]
    comparison = compare(shifted(0.2, runs), "full", contrasts={of: {"other": 1.0, "full": -1.0}})
    assert comparison.effects[" x ".join(of)].words.startswith(message)


def test_what_is_detectable_is_so_at_holms_first_step():
    paired = pair(runs := simulated({"full": 0.7, "a": 0.6, "b": 0.6, "c": 0.6}), "full")
    for variant in compare(runs, "full").variants[1:]:
        found = estimate(paired, {variant.variant: 1.0, "full": -1.0})
        assert variant.difference.detectable == pytest.approx(detectable_effect(found.se, found.df, 0.05 / 3))
        assert variant.difference.power == pytest.approx(power_for(0.02, found.se, found.df, 0.05 / 3))


def test_a_difference_in_uar_counts_training_sets_as_one_in_accuracy_does():
    """Folds as units: a third of 5 x 8/32 on what seeds do not explain."""
    runs = simulated({"full": 0.7, "a": 0.6})
    full, one = (
        np.array([[run.uar for run in runs if (run.variant, run.fold) == (name, fold)] for fold in range(5)])
        for name in ("full", "a")
    )
    values = one - full
    spread, of_seeds = values.mean(axis=1).var(ddof=1) / 5, values.var(axis=1, ddof=1).mean() / 10
    assert spread > of_seeds
    half = stats.t.ppf(0.975, 4) * (spread + 5 / 12 * (spread - of_seeds)) ** 0.5
    found = compare(runs, "full").variants[1].difference.uar
    assert (found.mean, found.high - found.mean) == pytest.approx((values.mean(), half))
