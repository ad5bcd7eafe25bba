"""An ablation that is not complete: what of it is compared, what is left out, and what is said of it."""

import dataclasses
import math

import pytest

from tests.support.simulated_runs import simulated
from tuning.statistics.balance import balanced
from tuning.statistics.comparison import compare
from tuning.statistics.pairing import NotComparable

SKILLS = {"full": 0.8, "a": 0.7, "b": 0.7, "c": 0.7}


def in_order(runs):
    """The runs as an ablation trains them: seed by seed, fold by fold, the variants side by side."""
    return sorted(runs, key=lambda run: (run.seed, run.fold, list(SKILLS).index(run.variant)))


def failed(run):
    return dataclasses.replace(run, accuracy=math.nan, uar=math.nan, train_time_s=math.nan, predictions=None)


def cells(comparison):
    return comparison.num_folds, comparison.num_seeds, [one.variant for one in comparison.variants]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("num_done", "folds", "seeds"),
    [
        (8, 2, 1),  # two folds, all variants
        (10, 2, 1),  # the third fold has two of the four
        (20, 5, 1),  # the first seed, whole
        (33, 5, 1),  # the second seed on three folds and a bit: people count more than seeds
        (40, 5, 2),
    ],
)
def test_one_cut_short_is_compared_on_what_is_complete(num_done, folds, seeds):
    runs = in_order(simulated(SKILLS))
    comparison = compare(runs[:num_done], "full", asked=SKILLS)
    assert cells(comparison) == (folds, seeds, list(SKILLS))
    assert comparison.excluded == {}
    left_out = [note for note in comparison.notes if "--resume" in note]
    assert len(left_out) == (num_done in (10, 33))
    whole = [run for run in runs if run.fold < folds and run.seed < seeds]
    assert comparison.variants == compare(whole, "full").variants


def test_it_says_what_is_left_out_and_how_to_go_on():
    note = compare(in_order(simulated(SKILLS))[:33], "full").notes[0]
    assert "7 of 40 trainings are missing or without a result" in note
    assert "5 of 5 folds (0, 1, 2, 3, 4) with 1 of 2 seeds (0); 13 finished trainings on others are left out" in note
    assert "`--resume` trains what is missing" in note


@pytest.mark.parametrize(
    ("lost", "folds", "seeds"),
    [
        ({(2, 0)}, 5, 1),  # a seed is given up before a fold
        ({(2, 0), (2, 1)}, 4, 2),
        ({(fold, 0) for fold in range(4)}, 5, 1),
    ],
)
def test_a_failed_training_of_the_reference_costs_a_seed_or_a_fold_and_not_the_table(lost, folds, seeds):
    runs = [failed(run) if run.variant == "full" and (run.fold, run.seed) in lost else run for run in simulated(SKILLS)]
    comparison = compare(runs, "full")
    assert cells(comparison) == (folds, seeds, list(SKILLS))
    assert f"{len(lost)} of 40 trainings are missing or without a result" in comparison.notes[0]


def test_a_variant_that_failed_is_left_out_and_costs_nobody_else_anything():
    runs = [failed(run) if (run.variant, run.fold, run.seed) == ("b", 1, 0) else run for run in simulated(SKILLS)]
    comparison = compare(runs, "full")
    assert cells(comparison) == (5, 2, ["full", "a", "c"])
    assert "1 of 10 runs missing or without a result (fold 1 seed 0), 1 of them failed" in comparison.excluded["b"]
    assert comparison.variants == compare([run for run in runs if run.variant != "b"], "full").variants


def test_a_variant_that_has_only_begun_is_left_out_and_one_without_a_run_is_missed():
    runs = [run for run in simulated(SKILLS) if run.variant != "c" or (run.fold, run.seed) == (0, 0)]
    comparison = compare(runs, "full", asked=[*SKILLS, "d"])
    assert cells(comparison) == (5, 2, ["full", "a", "b"])
    assert "c is not compared: it has 9 of 10 runs missing" in comparison.excluded["c"]
    assert "d is not compared: it has 10 of 10 runs missing" in comparison.excluded["d"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda runs: [], "No training has ended"),
        (
            lambda runs: [run for run in runs if run.fold == 3],
            "on fold 3, and one fold shows no spread.* two folds or more",
        ),
        (lambda runs: in_order(runs)[:5], "no complete variant beside full on two folds or more: 3 of 8 trainings"),
        (
            lambda runs: [failed(run) if run.variant == "full" else run for run in runs],
            "No seed has results of the reference full on two folds: 10 of 40 trainings are missing .*`--resume`",
        ),
        (
            lambda runs: [run if run.variant == "full" else failed(run) for run in runs],
            "no complete variant beside full on two folds or more: 30 of 40 trainings",
        ),
    ],
)
def test_where_nothing_can_be_compared_a_message_says_how_many_are_missing(change, message):
    with pytest.raises(NotComparable, match=message):
        compare(change(simulated(SKILLS)), "full", asked=SKILLS)


def test_folds_are_given_up_last():
    every = {(fold, seed) for fold in range(10) for seed in range(3)}
    diagonal = every - {(0, 0), (1, 1), (2, 2)}
    assert balanced({"r": every, "v": every}, {"r": every, "v": every}, "r") == (tuple(range(10)), (0, 1, 2))
    folds, seeds = balanced({"r": every, "v": every}, {"r": diagonal, "v": every}, "r")
    assert (len(folds), len(seeds)) == (9, 1)
    assert balanced({"r": every, "v": every}, {"r": set(), "v": every}, "r") == ((), ())
