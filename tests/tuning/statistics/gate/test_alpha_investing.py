"""What each question pays, what a promotion earns, and that all of it keeps the level."""

import numpy as np
import pytest
from scipy.stats import norm

from tuning.statistics.gate.alpha_investing import EARNED, SHARE, WEALTH, next_level, wealth


def asked(num: int, promoted=lambda number, level: False) -> tuple[list[float], list[bool]]:
    """The levels of `num` questions in a row, and which of them promoted."""
    levels, ends = [], []
    for number in range(num):
        level = next_level(wealth(levels, sum(ends)))
        levels.append(level)
        ends.append(promoted(number, level))
    return levels, ends


def test_without_a_promotion_all_levels_sum_to_less_than_the_wealth():
    levels, _ = asked(40)
    assert levels[:3] == pytest.approx([0.02, 0.012, 0.0072])
    assert sum(levels) < WEALTH
    assert sum(levels) == pytest.approx(WEALTH)


def test_a_promotion_earns_back_and_no_level_ever_exceeds_what_the_wealth_began_with():
    levels, ends = asked(200, lambda number, level: True)
    assert levels[:2] == pytest.approx([0.02, 0.032])
    assert max(levels) <= WEALTH + 1e-9
    assert wealth(levels, sum(ends)) <= EARNED / SHARE + 1e-9


def test_what_is_left_does_not_depend_on_the_order_and_is_never_less_than_nothing():
    assert wealth([0.025, 0.0375], 1) == wealth([0.0375, 0.025], 1) == pytest.approx(0.0375)
    assert wealth([0.05, 0.05], 0) == 0


@pytest.mark.parametrize("correlation", [0.0, 0.9, 1.0])
def test_of_equal_challengers_of_the_same_people_somebody_passes_in_five_of_a_hundred_rows_at_most(correlation):
    """Twenty in a row; at 5 % each it would be up to 64."""
    rng = np.random.default_rng(7)
    false = 0
    for _ in range(4000):
        shared = rng.standard_normal()
        scores = correlation**0.5 * shared + (1 - correlation) ** 0.5 * rng.standard_normal(20)
        p_values = norm.sf(scores)
        _, ends = asked(20, lambda number, level, p_values=p_values: bool(p_values[number] <= level))
        false += any(ends)
    assert false / 4000 <= 0.06
