"""What is left of the error level, in words."""

import pytest

from tuning.records.budget.question import Balance, key_hash


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"left": 0.05}, "5 of 5 % of the error level left for smiles on these people, no question asked"),
        (
            {"left": 0.025, "asked": 1},
            "2.5 of 5 % of the error level left for smiles on these people, 1 question asked",
        ),
        (
            {"left": 0.075, "asked": 1, "promoted": 1},
            "7.5 % (at first 5 %) of the error level left for smiles on these people, 1 question asked, 1 promotion earned 5 % "
            "back",
        ),
        (
            {"left": 0.0031, "asked": 4},
            "0.31 of 5 % of the error level left for smiles on these people, 4 questions asked",
        ),
    ],
)
def test_what_is_left_is_told(given, words):
    assert Balance(model="smiles", **given).told == words


def test_what_renews_it_is_told_only_where_a_pass_is_not_to_be_expected():
    assert "What renews it" not in Balance(model="smiles", left=0.001).told
    assert "What renews it is a promotion, or other people" in Balance(model="smiles", left=0.0009).told


def test_a_key_is_that_of_the_values_and_not_of_their_order():
    assert key_hash({"seeds": [1, 2], "margin": 0.02}) == key_hash({"margin": 0.02, "seeds": (1, 2)})
    assert key_hash({"seeds": [1, 2]}) != key_hash({"seeds": [1, 2, 3]})
