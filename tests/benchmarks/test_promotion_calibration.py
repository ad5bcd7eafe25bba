"""That the calibration of the promotion test measures what it says; its figures take longer than a test may."""

from benchmarks.promotion_calibration import SHOWN, measure_holdout, summary


def test_two_studies_of_a_holdout_give_a_row_each_with_all_that_is_shown():
    rows = measure_holdout("three challengers, 10 people", 2, seed=0)
    assert [(row["condition"], row["study"]) for row in rows] == [
        (condition, study) for condition in ("superiority", "non-inferiority") for study in (0, 1)
    ]
    for row in rows:
        assert set(SHOWN) | {"holdout", "difference", "low", "truth", "num_clips", "unspent_promoted"} <= set(row)
        assert row["num_clips"] == 40
        assert row["low"] < row["difference"]
        assert row["promoted_by_second"] >= row["promoted"], "a second look takes nothing back"
        assert row["unspent_promoted_by_second"] >= row["promoted_by_second"]
    assert rows == measure_holdout("three challengers, 10 people", 2, seed=0)


def test_the_summary_has_a_rate_and_its_upper_bound_for_one_look_and_for_two():
    row = {"unspent_promoted": True, "unspent_promoted_by_second": True, "naive_promoted": True}
    rows = [{**row, "promoted": number < 1, "promoted_by_second": number < 2} for number in range(20)]
    found = summary(rows)
    assert (found["num_studies"], found["alpha"]) == (20, 0.05)
    assert (found["false_promotion_rate"], found["by_second_look_rate"]) == (0.05, 0.1)
    assert 0.05 < found["false_promotion_rate_high"] < found["by_second_look_rate_high"] < 0.4
    assert found["unspent_by_second_look_rate"] == found["naive_false_promotion_rate"] == 1.0
