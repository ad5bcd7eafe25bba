"""Holm's step-down, against statsmodels and by hand."""

import numpy as np
import pytest
from statsmodels.stats.multitest import multipletests

from tuning.statistics.holm import holm_adjusted

_rng = np.random.default_rng(0)
# Of one test to twelve, some equal, some certain; each call of statsmodels' collects garbage, so there are few.
TABLES = [*(_rng.random(size) ** 3 for size in (1, 2, 3, 5, 8, 12)), [0.5, 0.5, 0.01, 0.01], [0.0, 1.0, 1.0, 0.02]]


@pytest.mark.parametrize("p_values", TABLES)
def test_the_adjusted_values_are_those_of_statsmodels(p_values):
    adjusted = holm_adjusted(p_values)
    assert adjusted == pytest.approx(multipletests(p_values, method="holm")[1])


def test_by_hand():
    assert holm_adjusted([0.04, 0.01, 0.03]).tolist() == pytest.approx([0.06, 0.03, 0.06])
