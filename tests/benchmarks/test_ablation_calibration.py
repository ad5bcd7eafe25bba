"""The calibration of an ablation's statistics on a world that takes seconds: what its rows and its summary hold."""

import dataclasses

import pytest

from benchmarks import ablation_calibration
from benchmarks.ablation_calibration import NUM_VARIANTS, WORLDS, measure_world, summary

pytestmark = pytest.mark.slow

NAME, NUM_STUDIES = "3 folds, 1 seed, ridge", 3


@pytest.fixture(scope="module")
def rows():
    world = dataclasses.replace(WORLDS[NAME], learner="nearest_mean")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ablation_calibration, "NUM_PILOTS", 3)
        patch.setattr(ablation_calibration, "NUM_TRUTHS", 30)
        return measure_world(NAME, world, NUM_STUDIES, seed=0)


def test_a_row_is_a_comparison_of_a_study_and_how_it_came_out(rows):
    assert set(rows[0]) == {
        *("world", "study", "differs", "variant", "truth", "minimum_detectable_effect"),
        *("mean", "se", "df", "method", "covered", "nadeau_bengio_covered", "rejected", "naive_rejected"),
    }
    assert [(row["study"], row["variant"]) for row in rows] == [
        (study, variant) for study in range(2 * NUM_STUDIES) for variant in range(NUM_VARIANTS)
    ]
    worse = [row for row in rows if row["truth"]]
    assert [(row["study"], row["variant"], row["differs"]) for row in worse] == [
        (3, 0, True),
        (4, 0, True),
        (5, 0, True),
    ]
    assert worse[0]["truth"] == pytest.approx(-worse[0]["minimum_detectable_effect"], abs=0.05)
    assert all(row["se"] > 0 for row in rows if row["mean"])


def test_a_summary_counts_errors_by_study_and_coverage_and_power_by_comparison(rows):
    found = summary(rows)
    assert set(found) == {
        *("num_studies", "family_wise_error", "family_wise_error_high", "coverage", "nadeau_bengio_coverage"),
        *("power_at_mde", "power_at_mde_low", "naive_family_wise_error"),
    }
    assert found["num_studies"] == 2 * NUM_STUDIES
    assert found["coverage"] == pytest.approx(sum(row["covered"] for row in rows) / len(rows))
    falsely = {row["study"] for row in rows if row["rejected"] and not row["truth"]}
    assert found["family_wise_error"] == pytest.approx(len(falsely) / (2 * NUM_STUDIES))
    assert 0 <= found["power_at_mde_low"] <= found["power_at_mde"] <= 1
    assert summary([row for row in rows if not row["differs"]])["power_at_mde"] is None
