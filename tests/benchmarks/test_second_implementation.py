"""The estimators that are set side by side: that each estimates what it says, on two studies a world."""

import json

import numpy as np
import pytest

from benchmarks import second_implementation
from benchmarks.second_implementation import (
    ESTIMATORS,
    LEVELS,
    WORLDS,
    Study,
    by_people,
    by_people_and_folds,
    by_sandwich,
    estimated,
    gain_of,
    main,
    missed,
    summary,
    weights_of,
)
from tuning.statistics import race


@pytest.fixture(scope="module")
def rows():
    return [row for number in range(2) for row in estimated(number, 0)]


def study_of(world, seed=0):
    return Study(np.random.default_rng(seed), world)


def test_the_same_seed_draws_the_same_study(rows):
    assert estimated(0, 0) == rows[: len(WORLDS) * len(ESTIMATORS)]
    assert estimated(0, 1)[0]["variance"] != rows[0]["variance"]


@pytest.mark.parametrize("estimator", ["`gain`", "correlated t test"])
@pytest.mark.parametrize("world", [WORLDS[0], WORLDS[3]], ids=lambda world: world.name)
def test_the_true_variance_is_that_of_many_studies(world, estimator):
    standardised = []
    for seed in range(800):
        study = study_of(world, seed)
        weights = weights_of(estimator, study)
        assert weights.sum() == pytest.approx(1)
        standardised.append(weights @ study.difference / study.variance(weights) ** 0.5)
    assert np.var(standardised) == pytest.approx(1, abs=0.15)  # three of its standard errors


def test_the_sandwich_of_statsmodels_is_what_a_race_goes_by():
    study = study_of(WORLDS[3])
    clips = np.bincount(study.people).astype(float)
    sides = [
        race.Answers(
            right=np.bincount(study.people, answers.mean(axis=1)),
            clips=clips,
            people=np.arange(len(clips)),
            folds=np.zeros(len(clips)),
        )
        for answers in (study.one, study.other)
    ]
    found, expected = by_sandwich(study), race.paired(*sides)
    assert (found.mean, found.se, found.df) == pytest.approx((expected.mean, expected.se, expected.df))


def test_the_mixed_model_has_the_estimates_of_the_analysis_of_variance_where_all_is_balanced():
    """Of equal numbers of clips and people in a fold REML has a closed form wherever no component is at 0."""
    study = next(study for seed in range(99) if _inside(study := study_of(WORLDS[0], seed)))
    folds = np.array([study.difference[study.folds == fold].mean() for fold in range(5)])
    assert by_people_and_folds(study).se ** 2 == pytest.approx(folds.var(ddof=1) / 5, rel=0.01)


def test_the_mixed_model_of_people_agrees_with_the_gain_where_people_and_seeds_differ():
    for seed in range(5):
        study = study_of(WORLDS[3], seed)
        assert by_people(study).se == pytest.approx(gain_of(study).estimate().se, rel=0.1)


def _inside(study):
    """Whether folds differ by more than their people explain, and people by more than their clips."""
    by_person = np.bincount(study.people, study.difference) / 4
    fold_of = np.array([study.folds[study.people == person][0] for person in range(50)])
    of_folds = np.array([by_person[fold_of == fold] for fold in range(5)])
    within = np.mean([study.difference[study.people == person].var(ddof=1) for person in range(50)])
    between = of_folds.var(axis=1, ddof=1).mean()
    return of_folds.mean(axis=1).var(ddof=1) > 1.5 * between / 10 and between > 1.5 * within / 4


def test_the_summary_has_each_estimator_in_each_world(rows):
    found = summary(rows)
    assert list(found) == [*(world.name for world in WORLDS), "all"]
    for by_estimator in found.values():
        assert list(by_estimator) == list(ESTIMATORS)
        assert by_estimator["REML of people"]["df"] is None
        assert by_estimator["correlated t test"]["df"] == 4
        assert all(0 <= (one[missed(level)] or 0) <= 0.5 for one in by_estimator.values() for level in LEVELS)


def test_it_prints_a_table_and_what_a_script_reads(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(second_implementation, "WORLDS", WORLDS[:1])
    main(["--studies", "2", "--processes", "1", "--out", str(tmp_path / "rows.csv")])
    *table, last = capsys.readouterr().out.splitlines()
    assert table[0] == f"| world | {' | '.join(ESTIMATORS)} |"
    assert json.loads(last)["num_studies"] == 2
    assert len((tmp_path / "rows.csv").read_text().splitlines()) == 1 + 2 * len(ESTIMATORS)
