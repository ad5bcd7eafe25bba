"""Holm's step-down, against statsmodels and by hand."""

import numpy as np
import pytest
from statsmodels.stats.multitest import multipletests

from tuning.statistics.holm import holm_adjusted, holm_levels

_rng = np.random.default_rng(0)
# Of one test to twelve, some equal, some certain; each call of statsmodels' collects garbage, so there are few.
TABLES = [*(_rng.random(size) ** 3 for size in (1, 2, 3, 5, 8, 12)), [0.5, 0.5, 0.01, 0.01], [0.0, 1.0, 1.0, 0.02]]


@pytest.mark.parametrize("p_values", TABLES)
def test_the_adjusted_values_are_those_of_statsmodels_and_pass_where_the_levels_do(p_values):
    adjusted = holm_adjusted(p_values)
    assert adjusted == pytest.approx(multipletests(p_values, method="holm")[1])
    for alpha in (0.01, 0.05, 0.3):
        assert ((np.asarray(p_values) <= holm_levels(p_values, alpha)) == (adjusted <= alpha)).all()


def test_by_hand():
    assert holm_adjusted([0.04, 0.01, 0.03]).tolist() == pytest.approx([0.06, 0.03, 0.06])
    # The smallest passes at a third of the level; the next fails at half of it, and so the last is tested at no more.
    assert holm_levels([0.04, 0.01, 0.03], 0.05) == pytest.approx([0.025, 0.05 / 3, 0.025])
