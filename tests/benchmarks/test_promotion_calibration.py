"""That the calibration of the gate measures what it says; its figures take longer than a test may."""

import numpy as np
import pytest

from benchmarks.core.gate_summary import has_power, sizes_of, summary, verdict
from benchmarks.core.gate_worlds import NUM_FOLDS, WORLDS, FacesStudy, ProbitStudy, World, accuracies, clustered
from benchmarks.core.smiling_people import fitted
from benchmarks.promotion_calibration import SPREADS, asked, gains_of, run

BY_NAME = {world.name: world for world in WORLDS}


@pytest.fixture(scope="module")
def population():
    """Four classes in five features of people who differ."""
    rng = np.random.default_rng(0)
    labels, people = np.tile(np.arange(4), 60), np.repeat(np.arange(60), 4)
    features = 1.5 * np.eye(4, 5)[labels] + 0.5 * rng.standard_normal((60, 5))[people] + rng.standard_normal((240, 5))
    return fitted(features, labels, people)


def test_a_population_is_found_again(population):
    assert population.means == pytest.approx(1.5 * np.eye(4, 5) + population.means.mean(axis=0) - 0.3, abs=0.6)
    assert np.trace(population.of_people @ population.of_people.T) == pytest.approx(5 * 0.25, rel=0.5)
    assert np.trace(population.of_clips @ population.of_clips.T) == pytest.approx(5.0, rel=0.2)


@pytest.mark.parametrize("world", [world for world in WORLDS if not world.learner], ids=lambda world: world.name)
def test_a_study_of_each_world_ends_with_a_row(world):
    job = (world, "false", 0.0, range(2))
    rows = run(job, seed=0, population=None, curve={})
    assert [row["study"] for row in rows] == [0, 1]
    assert rows == run(job, seed=0, population=None, curve={})
    assert all(abs(row["difference"]) < 0.5 for row in rows)


def test_classifiers_answer_on_people_of_the_population(population):
    world = World(name="faces", learner="ridge", num_people=30)
    curve = {
        "ridge": accuracies(np.random.default_rng(0), "ridge", population, list(SPREADS), num_people=30, trainings=4)
    }
    assert np.all(np.diff(curve["ridge"]) > -0.02), "farther apart is easier"
    (row,) = run((world, "ten points", 0.1, range(1)), seed=0, population=population, curve=curve)
    assert row["effect"] == "ten points"
    study = FacesStudy(np.random.default_rng(0), world, [0.0, 0.0], population, [1.25, 1.25])
    assert study.trained(0).mean() == pytest.approx(curve["ridge"][0], abs=0.15)
    assert not np.array_equal(study.trained(0), study.trained(1)), "each sees something of its own"


def test_equal_ones_are_equal_and_better_ones_better():
    world = BY_NAME["equal"]
    right = np.zeros(3)
    for number in range(300):
        study = ProbitStudy(np.random.default_rng(number), world, [0.0, 0.0, 0.1])
        right += [study.trained(one).mean() for one in range(3)]
    assert right / 300 == pytest.approx([0.8, 0.8, 0.9], abs=0.01)


def test_a_clear_challenger_passes_and_is_the_one_that_is_better():
    world = BY_NAME["equal"]
    rows = [
        asked(
            ProbitStudy(np.random.default_rng(number), world, gains_of(world, "ten points", 0.19)), "ten points", 0.19
        )
        for number in range(4)
    ]
    assert [(row["promoted"], row["winner"]) for row in rows] == [(1, 1)] * 4


def test_folds_keep_units_together_and_clusters_are_seldom_people():
    study = ProbitStudy(np.random.default_rng(0), BY_NAME["face clusters"], [0.0])
    assert {len(set(study.folds[study.people == unit])) for unit in set(study.people)} == {1}
    assert set(study.folds) == set(range(NUM_FOLDS))
    people = np.repeat(np.arange(200), 4)
    clusters = clustered(np.random.default_rng(1), people)
    split = np.mean([len(set(clusters[people == person])) > 1 for person in range(200)])
    joined = np.mean([len(set(people[clusters == one])) > 1 for one in set(clusters)])
    assert 0.05 < split < 0.16
    assert 0.01 < joined < 0.16


def test_the_summary_sets_the_gate_beside_an_oracle_and_the_verdict_tells_the_worst():
    rng, name = np.random.default_rng(0), "equal"
    rows = [
        {"world": name, "effect": "false", "size": 0.0, "promoted": 1 if number == 0 else "", "winner": 1}
        | {"difference": 0.0, "reference": 0.03 * rng.standard_normal()}
        for number in range(100)
    ]
    sizes = sizes_of(rows, BY_NAME[name])
    assert sizes["half"] == pytest.approx(0.03 * 2.394, rel=0.2)
    assert sizes["four fifths"] > sizes["half"]
    for effect in ("half", "four fifths"):
        for number in range(100):
            gain = sizes[effect] + 0.03 * rng.standard_normal()
            promoted = 1 if number < 40 else ""
            row = {"world": name, "effect": effect, "size": sizes[effect], "promoted": promoted, "winner": 1}
            rows.append(row | {"difference": gain, "reference": gain})
    found = summary(rows)[name]
    assert (found["false"], found["half"]["gate"]) == (0.01, 0.4)
    assert 0.01 < found["false_high"] < 0.06
    assert found["half"]["oracle"] == pytest.approx(0.5, abs=0.15)
    told = verdict({name: found})
    assert (told["num_worlds"], told["worst_false"]) == (1, 0.01)
    assert told["worst_power_world"] == "equal, four fifths"
    assert told["worst_power_ratio"] == pytest.approx(0.4 / found["four fifths"]["oracle"])


def test_power_is_measured_where_somebody_can_be_better():
    assert has_power(BY_NAME["equal"])
    assert not has_power(BY_NAME["twenty in a row"])
    assert gains_of(BY_NAME["worse by the margin, cheaper"], "false", 0.0) == [0.0, -0.02, -0.02, -0.02]
