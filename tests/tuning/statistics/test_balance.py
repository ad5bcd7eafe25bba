"""Which folds and seeds of an incomplete ablation are compared: worked out by hand where another key answers otherwise."""

import itertools

import pytest

from tuning.statistics.balance import balanced


def cells(folds, seeds, *, but=()):
    """All trainings on so many folds with so many seeds, `but` some of them."""
    return set(itertools.product(range(folds), range(seeds))) - set(but)


def chosen(ended, usable=None):
    return balanced(ended, usable or ended, "r")


@pytest.mark.parametrize("order", ["rab", "rba", "bar"])
def test_who_came_furthest_is_asked_first_in_whatever_order_they_are_given(order):
    """Without fold 1 `b` is compared on two folds; asked first, `a` leaves one fold, on which nothing is compared."""
    ended = {"r": cells(3, 1), "a": cells(3, 1, but={(0, 0), (1, 0)}), "b": cells(3, 1, but={(1, 0)})}
    assert chosen({name: ended[name] for name in order}) == ((0, 2), (0,))


def test_how_far_one_came_is_counted_on_what_the_reference_has():
    """`b` has as many trainings as `a` only elsewhere: of those of the reference it lacks one, `a` lacks two."""
    ended = {
        "r": cells(4, 1, but={(2, 0)}),
        "a": cells(4, 1, but={(0, 0), (3, 0)}),
        "b": cells(4, 1, but={(1, 0), (2, 0)}),
    }
    assert chosen(ended) == ((0, 3), (0,))


def test_a_grid_counts_by_what_is_paired_on_it_and_not_by_its_size():
    """On all three folds one variant pairs three trainings; on two both pair four."""
    assert chosen({"r": cells(3, 1), "a": cells(3, 1), "b": cells(3, 1, but={(1, 0)})}) == ((0, 2), (0,))
    assert chosen({"r": cells(3, 1), "a": cells(3, 1, but={(1, 0)})}) == ((0, 2), (0,)), "on three nothing is"


def test_a_fold_is_worth_more_than_a_seed_where_nothing_is_paired():
    assert chosen({"r": cells(2, 2, but={(1, 1)}), "a": cells(2, 2, but={(1, 0)})}) == ((0, 1), (0,))


def test_a_training_that_failed_pairs_nothing_and_costs_no_fold():
    """`a` failed on fold 2, so no choice of folds may go by it: all of the reference's are taken."""
    ended = {"r": cells(3, 1), "a": cells(3, 1, but={(0, 0)})}
    assert chosen(ended, {**ended, "a": {(1, 0)}}) == ((0, 1, 2), (0,))
