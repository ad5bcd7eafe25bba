"""Whether a configuration costs less: parameters are counted, times must be shown to be saved."""

import math

import pytest

from tuning.statistics.gate.savings import Costs, saving_of

CHAMPION = Costs(param_count=100.0, train_times_s=(10.0, 10.4), timed_on="AMD EPYC")


def saved(*times, level=0.05, **changes):
    costs = Costs(param_count=100.0, train_times_s=times, timed_on="AMD EPYC")
    return saving_of(costs, CHAMPION, share=0.1, level=level, **changes)


def test_a_time_that_is_less_on_the_mean_alone_saves_nothing():
    lucky = saved(5.0, 9.5)
    assert lucky.time_ratio < 0.9 < lucky.time_ratio_high
    assert not lucky.enough
    assert "at most" in lucky.words
    assert "measured on AMD EPYC" in lucky.words
    steady = saved(5.0, 5.2)
    assert steady.time_ratio < steady.time_ratio_high < 0.9
    assert steady.enough


def test_more_seeds_and_a_laxer_level_narrow_the_bound():
    few, more = saved(7.0, 8.5), saved(7.0, 8.5, 7.0, 8.5, 7.0, 8.5)
    assert few.time_ratio == pytest.approx(more.time_ratio)
    assert more.time_ratio_high < few.time_ratio_high
    assert saved(7.0, 8.5, level=0.2).time_ratio_high < few.time_ratio_high


def test_times_of_other_conditions_single_ones_and_missing_ones_are_not_compared():
    elsewhere = saving_of(
        Costs(param_count=100.0, train_times_s=(1.0, 1.0), timed_on="AMD EPYC, 4 at once"),
        CHAMPION,
        share=0.1,
        level=0.05,
    )
    assert not elsewhere.enough
    assert "not compared: AMD EPYC, 4 at once, against AMD EPYC" in elsewhere.words
    for times in ((1.0,), (), (1.0, float("nan")), (1.0, 0.0)):
        found = saved(*times)
        assert (found.enough, found.time_ratio_high) == (False, None)


def test_parameters_that_are_no_number_save_nothing():
    found = saving_of(Costs(param_count=float("nan")), CHAMPION, share=0.1, level=0.05)
    assert not found.enough
    assert found.words.startswith("parameters were not counted")


def test_parameters_are_counted_and_an_equal_number_is_no_saving():
    for count, share, enough in ((90.0, 0.1, True), (91.0, 0.1, False), (100.0, 0.0, False), (99.0, 0.0, True)):
        found = saving_of(Costs(param_count=count), Costs(param_count=100.0), share=share, level=0.05)
        assert found.enough is enough


def test_the_bound_of_the_times_on_paper_and_pencil():
    """Logarithms: both differ by ln 1.04 between two seeds, so se is that over the root of 2, with two degrees."""
    found = saved(5.0, 5.2)
    assert found.time_ratio == pytest.approx(0.5)
    assert found.time_ratio_high == pytest.approx(0.5 * math.exp(2.919986 * math.log(1.04) / 2**0.5))
