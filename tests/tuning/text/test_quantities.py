"""How people read what was measured: units, decimals, limits in order."""

import math

from tuning.statistics.intervals import Interval
from tuning.text.quantities import limits, percent, points, quantity, setting, settings

FOUND = Interval(mean=0.0123, low=-0.0049, high=0.0351, confidence=0.95, method="people and seeds")


def test_an_interval_is_told_from_its_lower_to_its_upper_limit():
    assert points(FOUND) == "+1.2 (-0.5 to +3.5)"
    assert limits(Interval(mean=0.88, low=0.841, high=0.91, confidence=0.95, method="")) == "84.1 to 91.0 %"
    assert percent(0.8834) == "88.3 %"
    assert percent(0.8834, 0) == "88 %"


def test_a_value_is_told_in_the_unit_of_its_heading():
    for metric, value, heading, typed in (
        ("accuracy", 0.8834, "accuracy, %", "88.3 %"),
        ("param_count", 11_234_567, "parameters, M", "11.235 M"),
        ("train_time_s", 1234.56, "training time, s", "1 234.6 s"),
        ("train_flops", 2.5e13, "training compute, TFLOP", "25.00 TFLOP"),
        ("best_epoch", 12.0, "best epoch", "12"),
        ("anything", 0.123456, "anything", "0.1235"),
        ("latency_ms", math.nan, "latency, ms", "–"),
    ):
        assert quantity(metric).heading == heading
        assert quantity(metric).typed(value) == typed


def test_a_setting_is_told_without_the_noise_of_its_last_digits():
    assert setting(0.1 + 0.2) == "0.3"
    assert settings({"lr": 0.00123456, "rbg_depth": 2, "attention": "eca"}) == "lr 0.001235, rbg_depth 2, attention eca"
