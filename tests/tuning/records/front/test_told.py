"""What is read of a selection, and said of it; one of an earlier version knows the exact front alone."""

import math

import pytest

from tests.support.builders import make_trial
from tuning.records.front.told import how_sure, likeliest_first, members_of, preferred, probability_of
from tuning.records.ledger import Ledger
from tuning.records.selection import ranked_front


@pytest.fixture
def ledger(tmp_path):
    with Ledger.write(tmp_path) as ledger:
        for number, accuracy in enumerate((0.7, 0.9, 0.8)):
            ledger.start(make_trial(number))
            ledger.end(f"search-{number:04d}", "FINISHED", {"accuracy": accuracy})
        yield ledger


def test_of_an_earlier_ledger_the_exact_front_are_the_members_and_nothing_is_said_of_how_sure_it_is(ledger):
    ledger.select(["search-0001", "search-0002"], "search-0002")
    assert members_of(ledger) == ["search-0001", "search-0002"]
    assert math.isnan(probability_of(ledger, ledger.trials["search-0001"]))
    assert how_sure(ledger) == ""
    assert [trial.trial_id for trial in ranked_front(ledger)] == ["search-0002", "search-0001"]
    assert preferred(ledger, "param_count") == "the best compromise (knee) among them"


def test_the_race_takes_the_members_the_recommended_one_first(ledger):
    names = [f"search-{number:04d}" for number in range(3)]
    ledger.select(["search-0001"], "search-0001", members=names)
    assert [trial.trial_id for trial in ranked_front(ledger)] == ["search-0001", "search-0002", "search-0000"]


def test_tables_begin_with_the_likeliest_and_end_with_whom_the_study_did_not_choose_among(ledger):
    known = {"search-0001": 0.25, "search-0002": 1.0}
    ledger.select(["search-0002"], "search-0002", front_probability=known)
    trials = list(ledger.trials.values())
    assert [trial.trial_id for trial in likeliest_first(ledger, trials)] == [
        "search-0002",
        "search-0001",
        "search-0000",
    ]


@pytest.mark.parametrize(
    ("shares", "words"),
    [
        ({"search-0001": 0.62, "search-0002": 0.21}, "chosen in 62 % of the draws; next: search-0002, 21 %"),
        ({"search-0001": 0.3, "search-0002": 0.4}, "chosen in 30 % of the draws; more often: search-0002, 40 %"),
        ({"search-0001": 1.0}, "chosen in 100 % of the draws"),
    ],
)
def test_how_sure_it_is_and_who_is_next(ledger, shares, words):
    ledger.select(["search-0001"], "search-0001", sureness=shares)
    assert how_sure(ledger) == words


@pytest.mark.parametrize(
    ("prefer", "words"),
    [
        ("knee", "the best compromise (knee) among those within one standard error of the best accuracy"),
        ("small", "the fewest parameters among those within one standard error of the best accuracy"),
        ("accuracy", "the best accuracy"),
        ("param_count<=5M", "the best accuracy of those that keep to param_count<=5M"),
        ("accuracy=3", "the best by accuracy=3, each scaled from the worst of the front to its best"),
    ],
)
def test_what_it_was_chosen_by_is_said(ledger, prefer, words):
    ledger.select(["search-0001"], "search-0001", prefer=prefer)
    assert preferred(ledger, "accuracy") == words
