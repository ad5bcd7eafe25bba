"""How a race stands, in words."""

import dataclasses

import pytest

from tuning.records.front.course import Course, course_of
from tuning.records.ledger import Ledger

BEGUN = Course(members=("search-0000", "search-0001", "search-0002"), folds=(0, 1, 2), seeds=(7,))


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({}, "a race of 3 configurations over 3 folds is not at its end"),
        (
            {"left": {"search-0002": 2}},
            "a race of 3 configurations over 3 folds is not at its end; search-0002 left early",
        ),
        (
            {"left": {"search-0002": 2}, "failed": {"search-0001": "it diverged"}, "winner": "search-0000"},
            "search-0000 won a race of 3 configurations over 3 folds; search-0002 left early; search-0001 could not be trained",
        ),
    ],
)
def test_it_is_told_how_a_race_stands(changes, told):
    assert dataclasses.replace(BEGUN, **changes).told == told


def test_the_last_race_is_told_and_the_last_that_ended(tmp_path):
    with Ledger.write(tmp_path) as ledger:
        assert course_of(ledger) is None
        ledger.note("race", **dataclasses.asdict(BEGUN))
        assert course_of(ledger) == BEGUN
        assert course_of(ledger, ended=True) is None
        ended = dataclasses.replace(BEGUN, winner="search-0001")
        ledger.note("race", **dataclasses.asdict(ended))
        ledger.note("race", **dataclasses.asdict(BEGUN))
        assert course_of(ledger, ended=True) == ended
        assert course_of(Ledger.read(tmp_path)) == ended.as_begun == BEGUN
