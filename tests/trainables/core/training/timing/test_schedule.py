"""The seconds of a schedule from steps and the reference beside them."""

import pytest

from trainables.core.training.timing.schedule import scheduled

STEPS = [1.0] * 20
BESIDE = [(5, 0.1), (10, 0.1), (15, 0.1), (20, 0.1)]


def seconds(*given, **more):
    return scheduled(*given, **more).seconds


def test_without_a_reference_each_phase_counts_by_the_median_of_its_own_steps():
    assert seconds([9.0, 9.0, 9.0, 1.0, 1.0], [], [10]) == 10
    assert seconds([9.0, 1.0, 1.0, 9.0, 2.0, 2.0], [], [3, 5]) == 3 + 10
    assert seconds([9.0, 1.0, 1.0], [], [3, 5]) == 3 + 5, "a phase that was not reached"
    assert seconds([], [], [3]) == 0


def test_a_load_that_slows_both_cancels():
    slowed = [2.0] * 10 + [1.0] * 10
    beside = [(5, 0.2), (10, 0.2), (15, 0.1), (20, 0.1)]
    assert seconds(slowed, beside, [40]) == seconds(STEPS, BESIDE, [40]) == pytest.approx(40)


def test_the_idle_time_is_the_scale_and_without_it_the_fastest_run():
    assert seconds(STEPS, BESIDE, [20], 0.05) == pytest.approx(10)
    busy = [(at, 2 * took) for at, took in BESIDE]
    assert seconds([2.0] * 20, busy, [20], 0.1) == pytest.approx(20)
    assert seconds([2.0] * 20, busy, [20]) == pytest.approx(40)
    assert seconds(STEPS, BESIDE, [20], 0.1, 3) == pytest.approx(60), "device-seconds of three workers"


def test_the_spread_is_the_standard_error_of_the_median_of_the_blocks():
    beside = [(5, 0.1), (10, 1 / 11), (15, 1 / 9), (20, 0.1)]
    found = scheduled(STEPS, beside, [20], 0.1)
    assert found.seconds == pytest.approx(20)
    assert found.spread_s == pytest.approx(20 * 0.1 * 1.2533 * 1.4826 * 0.5 / 2, rel=1e-3)
    assert scheduled(STEPS, BESIDE[:1], [20]).spread_s is None
    assert scheduled(STEPS, BESIDE, [20]).spread_s == 0


def test_the_blocks_of_a_phase_are_its_own():
    steps = [1.0] * 10 + [3.0] * 10
    assert seconds(steps, [(8, 0.1), (14, 0.1), (20, 0.1)], [10, 30]) == pytest.approx(10 + 90)


def test_one_starved_block_changes_nothing():
    assert seconds([1.0] * 15 + [50.0] * 5, BESIDE, [20]) == pytest.approx(20)
