"""Holm's step-down, against statsmodels and by hand."""

import gc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.multitest import multipletests

from tuning.statistics.holm import holm_adjusted, holm_levels

PROBABILITIES = st.lists(st.floats(0, 1), min_size=1, max_size=12)


@pytest.fixture(scope="module", autouse=True)
def _frozen_heap():
    """statsmodels collects garbage at each adjustment of p-values; what is frozen is not looked through again."""
    gc.freeze()
    yield
    gc.unfreeze()


@given(PROBABILITIES)
def test_the_adjusted_values_are_those_of_statsmodels(p_values):
    assert holm_adjusted(p_values) == pytest.approx(multipletests(p_values, method="holm")[1])


@given(PROBABILITIES)
def test_a_test_passes_at_its_level_where_its_adjusted_value_does_at_alpha(p_values):
    passes = np.asarray(p_values) <= holm_levels(p_values, 0.05)
    clear = np.abs(holm_adjusted(p_values) - 0.05) > 1e-9  # where rounding does not decide
    assert (passes == (holm_adjusted(p_values) <= 0.05))[clear].all()


def test_by_hand():
    assert holm_adjusted([0.04, 0.01, 0.03]).tolist() == pytest.approx([0.06, 0.03, 0.06])
    # The smallest passes at a third of the level, the next fails at half, and the last is tested at no more.
    assert holm_levels([0.04, 0.01, 0.03], 0.05) == pytest.approx([0.025, 0.05 / 3, 0.025])
