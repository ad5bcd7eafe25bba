"""What an ablation's results say, against other libraries, hand-computed values, known truths and bad input."""

import dataclasses
import math
import re

import autorank
import baycomp
import numpy as np
import pandas as pd
import pytest
from scipy import stats

from tests.support.simulated_runs import CLIPS, NUM_SUBJECTS, one_run, simulated, without_predictions
from tuning.statistics.comparison import compare, spread_of_differences
from tuning.statistics.intervals import nadeau_bengio_interval, wilson
from tuning.statistics.pairing import NotComparable, judged
from tuning.statistics.variance import Estimate


@pytest.mark.slow
def test_a_large_difference_is_found_and_a_missing_one_is_not():
    comparison = compare(simulated({"full": 0.8, "worse": 0.4, "same": 0.8}, num_seeds=3), "full")
    reference, worse, same = comparison.variants
    assert (reference.variant, reference.difference) == ("full", None)
    assert worse.difference.interval.high < -0.2
    assert worse.difference.p_adjusted < 0.001
    assert worse.difference.words.startswith("worse by")
    assert worse.difference.worse > 0.999
    assert same.difference.interval.low < 0 < same.difference.interval.high
    assert "no significant difference" in same.difference.words
    assert f"minimum detectable effect {100 * same.difference.detectable:.1f} points" in same.difference.words
    assert (comparison.num_folds, comparison.num_seeds, comparison.num_people, comparison.num_clips) == (5, 3, 40, 120)


def test_the_means_are_those_of_the_runs():
    runs = simulated({"full": 0.8, "other": 0.6})
    comparison = compare(runs, "full")
    for one in comparison.variants:
        own = [run for run in runs if run.variant == one.variant]
        for metric in ("accuracy", "uar", "train_time_s", "param_count"):
            assert getattr(one, metric).mean == pytest.approx(np.mean([getattr(run, metric) for run in own]))
    first, other = comparison.variants
    assert other.difference.interval.mean == pytest.approx(other.accuracy.mean - first.accuracy.mean)


def test_what_was_measured_further_has_an_interval_where_all_runs_have_it():
    runs = simulated({"full": 0.8, "other": 0.6})
    runs = [dataclasses.replace(run, further={"latency_ms": 2.0 + run.fold}) for run in runs]
    first, other = compare(runs, "full").variants
    assert first.further["latency_ms"].mean == pytest.approx(np.mean([2.0 + run.fold for run in runs]))
    assert first.further["latency_ms"].low < 2.0 + 2 < first.further["latency_ms"].high
    assert first.further == other.further
    lacking = [dataclasses.replace(run, further={}) if run.variant == "other" and run.fold else run for run in runs]
    first, other = compare(lacking, "full").variants
    assert (list(first.further), list(other.further)) == (["latency_ms"], [])


@pytest.mark.slow
def test_seeds_are_no_more_subjects():
    once = simulated({"full": 0.8, "other": 0.7}, num_seeds=1)
    repeated = [dataclasses.replace(run, seed=seed) for run in once for seed in range(8)]
    narrow, wide = (compare(runs, "full").variants[1].difference.interval for runs in (repeated, once))
    assert narrow.mean == wide.mean
    assert narrow.high - narrow.low == pytest.approx(wide.high - wide.low, rel=0.01)


def test_a_training_that_fails_for_a_whole_fold_widens_the_interval():
    runs = simulated({"full": 0.8, "other": 0.8}, num_seeds=1)
    plain = compare(runs, "full").variants[1].difference.interval
    failed = [
        one_run("other", 0, 0, np.arange(0, NUM_SUBJECTS, 5), np.zeros((8, CLIPS), bool))
        if (run.variant, run.fold) == ("other", 0)
        else run
        for run in runs
    ]
    comparison = compare(failed, "full")
    interval = comparison.variants[1].difference.interval
    assert interval.high - interval.low > 2 * (plain.high - plain.low)
    assert interval.method == "folds"
    assert any("folds differ" in note for note in comparison.notes)


@pytest.mark.slow
def test_holm_adjusts_for_the_family():
    skills = {"full": 0.7, "a": 0.58, "b": 0.72, "c": 0.66}
    alone = compare(simulated(skills)[:20], "full").variants[1].difference
    together = [one.difference for one in compare(simulated(skills), "full").variants[1:]]
    assert alone.p_adjusted == alone.p_value == together[0].p_value
    order = np.argsort([one.p_value for one in together])
    expected = np.maximum.accumulate([(3 - rank) * together[index].p_value for rank, index in enumerate(order)])
    assert [together[index].p_adjusted for index in order] == pytest.approx(np.minimum(expected, 1))


@pytest.mark.parametrize("seed", range(5))
def test_the_probabilities_are_baycomps(seed):
    differences = np.random.default_rng(seed).normal(0.01, 0.02, 10)
    interval = nadeau_bengio_interval(differences, num_train=9, num_test=1, confidence=0.95)
    se = (differences.var(ddof=1) * (1 / 10 + 1 / 9)) ** 0.5
    estimate = Estimate(mean=interval.mean, se=se, df=9, method="Nadeau-Bengio")
    assert estimate.interval().low == pytest.approx(interval.low)
    # baycomp returns left (the first is better), rope, right; its correction for 10 folds is the same 1/9.
    worse, within, better = baycomp.CorrelatedTTest.probs(np.zeros(10), differences, rope=0.005, runs=1)
    found = estimate.above(0.005), estimate.above(-0.005) - estimate.above(0.005), 1 - estimate.above(-0.005)
    assert found == pytest.approx((better, within, worse), abs=1e-9)


@pytest.mark.parametrize("seed", range(3))
def test_autorank_agrees_on_a_clear_pair_of_variants(seed):
    runs = simulated({"full": 0.85, "worse": 0.45}, num_folds=10, num_seeds=1, seed=seed)
    table = pd.DataFrame({name: [run.accuracy for run in runs if run.variant == name] for name in ("full", "worse")})
    result = autorank.autorank(table, alpha=0.05, verbose=False, force_mode="parametric")
    difference = compare(runs, "full").variants[1].difference
    assert (result.pvalue < 0.05) == (difference.p_adjusted < 0.05) == True  # noqa: E712
    assert difference.interval.mean == pytest.approx((table["worse"] - table["full"]).mean())


def test_without_predictions_folds_are_the_units():
    comparison = compare(without_predictions(simulated({"full": 0.8, "other": 0.6})), "full")
    difference = comparison.variants[1].difference
    assert difference.bootstrap is None
    assert difference.interval.method == "folds"
    assert "Predictions were not kept" in " ".join(comparison.notes)


def test_a_factorials_effects_join_the_family():
    runs = simulated({"base": 0.6, "a": 0.7, "b": 0.6, "a+b": 0.7}, num_seeds=3, seed=3)
    main = {"base": -0.5, "a": 0.5, "b": -0.5, "a+b": 0.5}
    comparison = compare(runs, "base", contrasts={("a",): main, ("a", "c"): {"c": 1.0, "base": -1.0}})
    means = {one.variant: one.accuracy.mean for one in comparison.variants}
    found = comparison.effects["a"]
    assert found.interval.mean == pytest.approx(sum(weight * means[name] for name, weight in main.items()))
    single = comparison.variants[1]
    assert single.variant == "a"  # the effect bears a variant's name, and is another thing
    assert found.interval.high - found.interval.low < single.difference.interval.high - single.difference.interval.low
    assert single.difference.interval.mean == pytest.approx(means["a"] - means["base"])
    assert "needs the results of c" in comparison.excluded["effect: a x c"]


def test_published_figures_are_quoted_and_say_what_power_is_asked_for():
    runs = simulated({"full": 0.8, "other": 0.8})
    published = {"full": {"accuracy": 0.981, "published_time_s": 0.7}, "other": {"accuracy": 0.9777}}
    comparison = compare(runs, "full", published=published)
    assert {one.variant: one.published for one in comparison.variants} == published
    assert comparison.variants[1].difference.effect == pytest.approx(0.0033)
    assert comparison.variants[1].difference.power < 0.06
    for metric in ("accuracy", "uar"):
        with pytest.raises(ValueError, match=f"{metric} of full is given as 98.1; a share between 0 and 1"):
            compare(runs, "full", published={"full": {metric: 98.1}})


@pytest.mark.parametrize(
    ("change", "reference", "message"),
    [
        (lambda runs: runs, "ful", "Did you mean 'full'"),
        (lambda runs: [], "full", "no run is given"),
        (lambda runs: [*runs, runs[0]], "full", "given twice"),
        (
            lambda runs: [*runs[:-1], dataclasses.replace(runs[-1], predictions=runs[-1].predictions[1:])],
            "full",
            "other clips or labels",
        ),
        (
            lambda runs: [dataclasses.replace(run, predictions=run.predictions[["clip_id"]]) for run in runs],
            "full",
            "lack the columns subject, label, predicted",
        ),
    ],
)
def test_what_cannot_be_compared_gets_a_message(change, reference, message):
    with pytest.raises(ValueError, match=message):
        compare(change(simulated({"full": 0.8, "other": 0.7})), reference)


def test_one_seed_is_compared_with_a_note():
    comparison = compare(simulated({"full": 0.8, "other": 0.7}, num_seeds=1), "full")
    assert any("1 seed per fold" in note for note in comparison.notes)


@pytest.mark.parametrize("column", ["predicted", "logits"])
def test_an_answer_that_is_no_number_is_no_class(tmp_path, column):
    answers = {"predicted": [0, math.nan, 1], "logits": [[2.0, 1], [math.nan, 1], [1.0, 2]]}[column]
    table = pd.DataFrame({"clip_id": ["a", "b", "c"], "subject": "P1", "label": [0, 0, 1], column: answers})
    (tmp_path / "ablation-0007").mkdir()
    table.to_parquet(tmp_path / "ablation-0007" / "predictions.parquet")
    with pytest.raises(ValueError, match="predictions of ablation-0007 are no numbers for b, so"):
        judged(tmp_path / "ablation-0007" / "predictions.parquet")
    with pytest.raises(ValueError, match="predictions with seed 3 are no numbers for b, so"):
        judged(table.assign(seed=3))
    runs = simulated({"full": 0.8, "other": 0.7})
    spoilt = runs[-1].predictions.assign(predicted=math.nan)
    with pytest.raises(
        ValueError, match=r"other is not compared: fold 4, seed 1: .* no numbers for 4-0, 4-1, 4-2 and 21"
    ):
        compare([*runs[:-1], dataclasses.replace(runs[-1], predictions=spoilt)], "full")


def test_files_and_logits_are_read_and_nameless_clips_stand_for_themselves(tmp_path):
    table = pd.DataFrame(
        {"clip_id": ["a", "b"], "subject": ["P1", None], "label": [0, 1], "logits": [[2.0, 1], [3.0, 1]]}
    )
    table.to_parquet(tmp_path / "predictions.parquet")
    read = judged(tmp_path / "predictions.parquet")
    assert read["subject_id"].tolist() == ["P1", "b"]
    assert read["correct"].tolist() == [1, 0]


@pytest.mark.slow
@pytest.mark.parametrize("change", [lambda runs: runs, without_predictions])
def test_the_spread_of_a_pilot_is_that_of_one_difference(change):
    runs = change(simulated({"full": 0.7, "a": 0.7, "b": 0.7, "c": 0.7}, num_folds=20, num_seeds=4))
    # Of 6 clips a fold, right with a chance of 0.7 under every seed afresh: 2 x 0.7 x 0.3 / 6, and all of it the seed's.
    sd, seed_share = spread_of_differences(runs, "full")
    assert sd == pytest.approx((2 * 0.21 / 6) ** 0.5, rel=0.15)
    assert seed_share > 0.85
    assert spread_of_differences([run for run in runs if run.seed == 0], "full")[1] == 0
    with pytest.raises(NotComparable, match="no complete variant beside full"):
        spread_of_differences(runs[:80], "full")


def test_a_variant_that_is_right_on_every_clip_is_no_certainty():
    runs = simulated({"full": 1.5, "other": 1.1}, seed=4)
    full, other = compare(runs, "full").variants
    # Each could have been all wrong.
    subjects = stats.binomtest(NUM_SUBJECTS, NUM_SUBJECTS).proportion_ci(method="exact")
    for found in (full.accuracy, full.uar):
        assert (found.mean, found.low, found.high) == pytest.approx((1, subjects.low, 1))
    assert 0.95 < other.accuracy.mean < 1
    assert other.accuracy.low <= wilson(other.accuracy.mean, NUM_SUBJECTS * CLIPS, 0.95)[0]
    assert max(other.accuracy.high, other.uar.high) <= 1
    folds = compare(without_predictions(runs), "full").variants[0].accuracy
    assert folds.low == pytest.approx(stats.binomtest(5, 5).proportion_ci(method="exact").low)


def damaged(run, tmp_path):
    (tmp_path / "predictions.parquet").write_bytes(b"damaged")
    return dataclasses.replace(run, predictions=tmp_path / "predictions.parquet")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (damaged, "fold 4, seed 1: Could not open Parquet"),
        (
            lambda run, _: dataclasses.replace(run, predictions=run.predictions[1:]),
            "fold 4, seed 1 was tested on other",
        ),
        (
            lambda run, folder: dataclasses.replace(run, predictions=folder / "gone.parquet"),
            "fold 4, seed 1: .*gone.parq",
        ),
        (
            lambda run, _: dataclasses.replace(run, predictions=run.predictions.assign(subject="somebody")),
            "its predictions name other people",
        ),
    ],
)
def test_predictions_that_cannot_be_used_cost_their_variant_alone(tmp_path, spoil, message):
    runs = simulated({"full": 0.8, "a": 0.7, "b": 0.7})
    comparison = compare([*runs[:-1], spoil(runs[-1], tmp_path)], "full")
    assert comparison.variants == compare(runs[:20], "full").variants
    assert re.match(f"b is not compared: {message}", comparison.excluded["b"])
    with pytest.raises(NotComparable, match=f"There is nothing to compare with: b, {message}"):
        compare([*runs[:-1], spoil(runs[-1], tmp_path)], "b")


def test_times_of_several_devices_get_a_note():
    runs = [dataclasses.replace(run, device="AMD EPYC") for run in simulated({"full": 0.8, "other": 0.7})]
    assert not any("device" in note for note in compare(runs, "full").notes)
    moved = [*runs[:-1], dataclasses.replace(runs[-1], device="NVIDIA H200")]
    assert any(
        "different devices (AMD EPYC, NVIDIA H200): times compare only" in n for n in compare(moved, "full").notes
    )
