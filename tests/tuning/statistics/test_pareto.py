"""The front against its definition, the volume against counting, and a recommendation that needs no excuse."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from tuning.statistics.pareto import hypervolume, knee, non_dominated, not_ruled_out, reference_point

ACCURACY_TIME_PARAMS = ("max", "min", "min")


@st.composite
def tables(draw, entries, max_objectives=4):
    num_objectives = draw(st.integers(1, max_objectives))
    rows = st.lists(st.tuples(*[entries] * num_objectives), min_size=1, max_size=12)
    directions = st.tuples(*[st.sampled_from(["max", "min"])] * num_objectives)
    return np.array(draw(rows), dtype=float), draw(directions)


small = st.integers(0, 3)  # a small grid makes ties and equal rows common
odd = st.one_of(small, st.sampled_from([np.nan, np.inf, -np.inf]), st.floats(-1e6, 1e6))


def dominates(a, b, directions):
    better = [x > y if d == "max" else x < y for x, y, d in zip(a, b, directions, strict=True)]
    worse = [x < y if d == "max" else x > y for x, y, d in zip(a, b, directions, strict=True)]
    return any(better) and not any(worse)


@pytest.mark.slow
@settings(max_examples=300, deadline=None)
@given(tables(odd))
def test_front_is_what_nothing_finite_dominates(table):
    values, directions = table
    finite = [row for row in values if np.isfinite(row).all()]
    expected = [
        bool(np.isfinite(row).all()) and not any(dominates(r, row, directions) for r in finite) for row in values
    ]
    assert non_dominated(values, directions).tolist() == expected


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(small, small, small, small), min_size=40, max_size=80))
def test_front_of_many_rows_in_four_objectives(rows):
    directions = ("max", "min", "max", "min")
    values = np.array(rows, dtype=float)
    expected = [not any(dominates(r, row, directions) for r in values) for row in values]
    assert non_dominated(values, directions).tolist() == expected


def test_a_rate_rules_out_by_more_than_chance_would_and_exact_objectives_as_they_are():
    """On 64 clips 0.80 and 0.67 are 0.13 apart, and 1.64 standard errors of the difference 0.127; 0.68 is within."""
    values = [[0.80, 100, 5], [0.68, 100, 5], [0.67, 100, 5], [0.67, 99, 5], [0.80, 101, 5], [np.nan, 1, 1]]
    clips = (64, None, None)
    assert not_ruled_out(values, ACCURACY_TIME_PARAMS, clips).tolist() == [True, True, False, True, True, False]
    assert not_ruled_out(values, ACCURACY_TIME_PARAMS, (6400, None, None)).tolist() == [
        *(True, False, False, True, True, False)
    ], "with a hundred times the clips"
    exact = [None] * 3
    assert not_ruled_out(values, ACCURACY_TIME_PARAMS, exact).tolist() == [True, False, False, True, False, False]


@pytest.mark.slow
@settings(max_examples=150, deadline=None)
@given(tables(odd))
def test_the_front_is_never_ruled_out(table):
    values, directions = table
    for clips in ([None] * len(directions), [50] + [None] * (len(directions) - 1)):
        kept = not_ruled_out(values, directions, clips)
        assert (kept | ~non_dominated(values, directions)).all()
        assert np.isfinite(values[kept]).all()


def test_without_a_rate_what_is_not_ruled_out_is_the_front():
    rng = np.random.default_rng(0)
    values, directions = rng.integers(0, 4, (200, 3)), ("max", "min", "max")
    assert (not_ruled_out(values, directions, [None] * 3) == non_dominated(values, directions)).all()


@pytest.mark.parametrize(("people", "clips"), [(12, 4), (50, 4), (200, 10)])
def test_what_is_ruled_out_is_hardly_ever_on_the_true_front(people, clips):
    """24 networks, whose accuracy on a person varies: by what they share, and each by itself."""
    rng, lost, ruled_out = np.random.default_rng(0), 0, 0
    for _ in range(60):
        true, costs = rng.uniform(0.45, 0.85, 24), rng.lognormal(0, 0.3, (24, 2))
        person, own = 0.6 * rng.normal(size=people), 0.4 * rng.normal(size=(24, people))
        rates = stats.norm.cdf(stats.norm.ppf(true)[:, None] * np.sqrt(1 + 0.6**2 + 0.4**2) + person + own)
        values = np.column_stack([rng.binomial(clips, rates).mean(axis=1) / clips, costs])
        gone = ~not_ruled_out(values, ACCURACY_TIME_PARAMS, (people * clips, None, None))
        lost += (gone & non_dominated(np.column_stack([true, costs]), ACCURACY_TIME_PARAMS)).sum()
        ruled_out += gone.sum()
    assert lost < 0.02 * ruled_out
    assert ruled_out > 0.3 * 60 * 24


def test_equal_rows_are_all_on_the_front():
    assert non_dominated([[0.9, 1], [0.9, 1], [0.8, 2]], ("max", "min")).tolist() == [True, True, False]


@pytest.mark.slow
@settings(max_examples=150, deadline=None)
@given(tables(small, max_objectives=3))
def test_hypervolume_is_the_number_of_dominated_unit_cells(table):
    values, directions = table
    # Cells of the grid 0..4 that some row is at least as good as, seen from a reference one step beyond the worst.
    costs = np.array([[3 - x if d == "max" else x for x, d in zip(r, directions, strict=True)] for r in values])
    cells = itertools.product(range(4), repeat=len(directions))
    expected = sum(any(all(c <= cell) for c in costs) for cell in map(np.array, cells))
    reference = [-1 if d == "max" else 4 for d in directions]
    assert hypervolume(values, directions, reference) == pytest.approx(expected)


def test_rows_beyond_the_reference_or_not_finite_add_no_volume():
    front = [[0.9, 1.0]]
    extra = [*front, [0.4, 0.5], [0.95, 3.0], [np.nan, 0.0], [1.0, -np.inf]]
    assert hypervolume(extra, ("max", "min"), [0.5, 2.0]) == pytest.approx(0.4)
    assert hypervolume(front, ("max", "min"), [0.95, 2.0]) == 0.0


@pytest.mark.slow
@settings(max_examples=100, deadline=None)
@given(tables(st.one_of(small, st.floats(-1e6, 1e6))))
def test_every_row_is_strictly_better_than_the_reference_point(table):
    values, directions = table
    reference = reference_point(values, directions)
    for column, worst, direction in zip(values.T, reference, directions, strict=True):
        assert (column > worst).all() if direction == "max" else (column < worst).all()


def test_knee_is_the_balanced_member():
    values = [[0.90, 100, 9e6], [0.88, 30, 2e6], [0.60, 10, 1e6], [0.50, 90, 8e6]]
    assert knee(values, ACCURACY_TIME_PARAMS) == 1


def test_a_second_cost_that_follows_the_first_changes_nothing():
    values = np.array([[0.95, 100], [0.93, 60], [0.80, 35], [0.70, 10]])
    doubled = np.column_stack([values, values[:, 1] * 1e5])
    assert knee(values, ("max", "min")) == knee(doubled, ACCURACY_TIME_PARAMS)


def test_chance_level_networks_below_the_floor_are_neither_recommended_nor_setting_the_scale():
    good = [[0.90, 100], [0.86, 70], [0.80, 65]]
    tiny = [[0.26, 0.001], [0.27, 0.002]]
    assert knee(good, ("max", "min")) == 1
    assert knee([*tiny, *good], ("max", "min"), floor=0.27 + 1e-9) == 3
    assert knee([*tiny, [0.2, 0.0001]], ("max", "min"), floor=0.3) == 1


def test_floor_follows_the_direction_of_the_first_objective():
    assert knee([[0.1, 50], [0.2, 30], [2.3, 1]], ("min", "min"), floor=0.5) in (0, 1)
    assert knee([[2.3, 1], [2.2, 5]], ("min", "min"), floor=0.5) == 1


def test_without_a_middle_the_first_objective_decides():
    assert knee([[0.5, 1], [0.9, 10]], ("max", "min")) == 1
    assert knee([[0.9, 1], [0.9, 1]], ("max", "min")) == 0


@pytest.mark.slow
@settings(max_examples=200, deadline=None)
@given(tables(odd), st.one_of(st.none(), st.floats(-10, 10)))
def test_knee_is_on_the_front_and_above_the_floor_where_anything_is(table, floor):
    values, directions = table
    front = np.flatnonzero(non_dominated(values, directions))
    if not front.size:
        with pytest.raises(ValueError, match="No row is finite"):
            knee(values, directions, floor=floor)
        return
    row = knee(values, directions, floor=floor)
    assert row in front
    if floor is not None:
        sign = 1 if directions[0] == "max" else -1
        best = max(sign * values[front, 0])
        assert sign * values[row, 0] >= min(sign * floor, best)


@pytest.mark.slow
@settings(max_examples=100, deadline=None)
@given(tables(small), st.integers(-2, 4), st.floats(-100, 100))
def test_knee_does_not_depend_on_the_units(table, exponent, shift):
    values, directions = table
    scaled = values * 2.0**exponent + np.round(shift)
    assert knee(values, directions) == knee(scaled, directions)


@pytest.mark.parametrize(
    ("values", "directions"),
    [
        ([], ("max",)),
        ([[]], ()),
        ([1.0, 2.0], ("max", "min")),
        ([[1.0, 2.0]], ("max",)),
        ([[1.0]], ("up",)),
        ([[1.0, 2.0, 3.0]], "max"),
    ],
)
def test_misshaped_input_is_refused_in_a_message(values, directions):
    for function in (non_dominated, reference_point, knee):
        with pytest.raises(ValueError, match=r"\.$"):
            function(values, directions)


def test_a_reference_or_floor_that_fits_nothing_is_refused():
    with pytest.raises(ValueError, match="one finite number per objective"):
        hypervolume([[1.0, 2.0]], ("max", "min"), [0.0])
    with pytest.raises(ValueError, match="floor"):
        knee([[1.0]], ("max",), floor=np.nan)
    with pytest.raises(ValueError, match="No row is finite"):
        reference_point([[np.nan, 1.0]], ("max", "min"))


def test_whoever_just_reaches_the_floor_is_among_those_to_recommend():
    values = [[0.9, 10], [0.85, 4], [0.8, 3], [0.1, 0]]
    assert knee(values, ("max", "min"), floor=0.8) == 1
    assert knee(values, ("max", "min"), floor=0.8001) == 0, "of two extremes the more accurate"
