"""What a study had of its share over the last ten minutes."""

import math

import pytest

from tuning.execution.sharing.usage import WINDOW_S, Usage


def test_slot_seconds_add_up_and_leave_with_the_window():
    usage = Usage(0.0)
    assert usage.ratio(0.0) == 0
    usage.note(0.0, 0, 1.0)
    usage.note(100.0, 2, 1.0)
    assert usage.sums(150.0) == pytest.approx((100, 150))
    usage.note(200.0, 0, 0.5)
    assert usage.sums(300.0) == pytest.approx((200, 250))
    usage.note(WINDOW_S + 150.0, 0, 0.5)  # the first 150 s are over
    assert usage.sums(WINDOW_S + 150.0) == pytest.approx((100, 50 + 0.5 * 550))
    usage.note(WINDOW_S + 200.0, 0, 0.5)
    assert usage.ratio(WINDOW_S + 200.0) == 0


def test_who_holds_what_is_not_due_to_him_had_more_than_anybody():
    usage = Usage(0.0)
    usage.note(0.0, 1, 0.0)
    assert usage.ratio(10.0) == math.inf
