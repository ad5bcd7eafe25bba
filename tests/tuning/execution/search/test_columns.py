"""Parameters as columns of numbers, and what is drawn of them."""

import math

import numpy as np
import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

from tuning.execution.search.columns import Column, Columns

WIDTHS = CategoricalDistribution((64, 16, 32, 128))
GATES = CategoricalDistribution(("none", "se", "eca"))
EVERY = {
    "widths": WIDTHS,
    "gates": GATES,
    "flags": CategoricalDistribution((True, False)),
    "whole": IntDistribution(8, 32, step=8),
    "logged": IntDistribution(1, 1000, log=True),
    "rate": FloatDistribution(1e-4, 1e-2, log=True),
    "share": FloatDistribution(0.0, 1.0),
    "stepped": FloatDistribution(0.1, 0.4, step=0.1),
}


def test_a_choice_of_numbers_has_an_order_and_goes_by_ranks():
    assert [Column(WIDTHS).place(width) for width in (16, 32, 64, 128)] == pytest.approx([0, 1 / 3, 2 / 3, 1])
    assert [Column(GATES).place(gate) for gate in ("none", "se", "eca")] == [0, 1, 2]
    assert Columns(EVERY).is_number.tolist() == [True, False, False, True, True, True, True, True]


def test_a_range_goes_by_its_scale():
    assert Column(EVERY["rate"]).place(1e-3) == pytest.approx(0.5)
    assert Column(EVERY["whole"]).place(20) == pytest.approx(0.5)
    assert Column(IntDistribution(3, 3)).place(3) == 0.0


def test_what_a_point_does_not_have_is_nan():
    row = Columns({"widths": WIDTHS, "gates": GATES}).row({"widths": 16})
    assert row[0] == 0.0
    assert math.isnan(row[1])
    assert Columns({"widths": WIDTHS}).table([]).shape == (0, 1)


@pytest.mark.parametrize("key", EVERY)
def test_what_is_drawn_and_what_is_near_lies_within(key):
    column, rng = Column(EVERY[key]), np.random.default_rng(0)
    drawn = [column.drawn(rng) for _ in range(60)]
    near = [other for value in drawn[:20] for other in column.near(value, rng)]
    assert near
    for value in (*drawn, *near):
        assert EVERY[key]._contains(EVERY[key].to_internal_repr(value)), value
        assert 0 <= column.place(value) <= (2 if key == "gates" else 1)
    assert all(other != value for value in drawn[:20] for other in column.near(value, rng))
    if column.values is not None and len(column.values) < 5:
        assert set(drawn) == set(column.values)


def test_choices_are_drawn_by_their_weights():
    rng, weights = np.random.default_rng(1), {16: 1.0, 32: 0.01, 64: 0.01, 128: 0.01}
    drawn = [Column(WIDTHS).drawn(rng, weights) for _ in range(50)]
    assert drawn.count(16) > 40


def test_neighbours_of_a_number_in_a_short_list_are_the_next_ones():
    rng = np.random.default_rng(0)
    assert Column(WIDTHS).near(32, rng) == [16, 64]
    assert Column(GATES).near("se", rng) == ["none", "eca"]
