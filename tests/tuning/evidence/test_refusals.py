"""How often the same holdout people are asked the same question, and what each further look costs."""

import pytest

from tuning.confirm import confirm_search
from tuning.evidence.contest import Refused
from tuning.evidence.evidence_file import read_evidence
from tuning.evidence.refusals import MAJORITY
from tuning.promote import promote_winner

GOOD, FAIR = 0.97, 0.75


def refused(runner, **given):
    with pytest.raises(Refused) as caught:
        promote_winner(runner, **given)
    return caught.value


def noted(runner):
    return [event for event in runner.ledger.events if event["event"] == "refused"]


@pytest.mark.slow
def test_more_seeds_are_another_look_at_less_of_the_level_and_the_same_seeds_the_same_look(begin):
    promote_winner(begin({4: FAIR}, name="old").search(4))
    runner = begin({8: FAIR + 0.04, 4: FAIR}).search(8)
    first = refused(runner)
    assert (first.verdict.look, first.verdict.level) == (1, pytest.approx(0.04))
    assert "test 1 of this question on these people, at a level of 4 %" in str(first)
    assert str(refused(runner)) == str(first)
    assert len(noted(runner)) == 1, "nothing new was seen"
    confirm_search(runner, trial_id="search-0000", seeds=4)
    second = refused(runner)
    assert (second.verdict.look, second.verdict.level) == (2, pytest.approx(0.008))
    assert "test 2" in str(second)
    one, other = noted(runner)
    assert (one["of"], one["against"], one["look"], other["look"]) == (
        "search-0000",
        f"models:/{model(runner)}/1",
        1,
        2,
    )
    assert [len(event["asked"][0]["seeds"]) for event in (one, other)] == [2, 4]
    assert one["asked"][0]["configuration"] == other["asked"][0]["configuration"]


def model(runner):
    return runner.study.registered_model


@pytest.mark.slow
def test_whoever_was_tested_beside_a_refused_one_was_looked_at_too(begin):
    promote_winner(begin({4: FAIR}, name="old").search(4))
    runner = begin({8: FAIR, 16: FAIR + 0.02, 4: FAIR}).search(8, 16)
    refused(runner)
    assert refused(runner, trial_id="search-0001").verdict.look == 1, "on the same evidence"
    confirm_search(runner, trial_id="search-0001", seeds=4)
    assert refused(runner, trial_id="search-0001").verdict.look == 2


@pytest.mark.slow
def test_another_champion_is_another_question(begin):
    promote_winner(begin({4: FAIR}, name="old").search(4))
    runner = begin({8: FAIR, 4: FAIR, 16: 0.99}).search(8)
    refused(runner)
    promote_winner(begin({16: 0.99, 4: FAIR}, name="better").search(16))
    again = refused(runner)
    assert again.verdict.look == 1
    assert noted(runner)[-1]["against"].endswith("/2")


@pytest.mark.slow
def test_the_same_configuration_under_another_trial_is_the_same_question(begin):
    promote_winner(begin({4: FAIR}, name="old").search(4))
    runner = begin({8: FAIR, 4: FAIR}).search(8, 8)
    runner.ledger.select(["search-0000"], "search-0000")
    refused(runner)
    confirm_search(runner, trial_id="search-0001", seeds=3)
    assert refused(runner, trial_id="search-0001").verdict.look == 2


def test_the_majority_baseline_is_a_question_too(begin):
    runner = begin({8: 0.6}).search(8)
    first = str(refused(runner))
    assert "test 1 of this question on these people, at a level of 2.5 %" in first
    assert str(refused(runner)) == first
    confirm_search(runner, seeds=4)
    assert "test 2 of this question on these people, at a level of 0.5 %" in str(refused(runner))
    assert [event["against"] for event in noted(runner)] == [MAJORITY] * 2


@pytest.mark.slow
def test_the_level_told_is_that_of_holms_step(begin):
    promote_winner(begin({4: FAIR}, name="old").search(4))
    runner = begin({8: FAIR, 16: FAIR, 4: FAIR}).search(8, 16)
    for trial_id in ("search-0000", "search-0001"):
        confirm_search(runner, trial_id=trial_id)
    error = refused(runner)
    assert error.verdict.level == pytest.approx(0.02)
    assert "at a level of 2 %" in str(error)


def test_the_evidence_says_at_which_look_it_passed(begin):
    """Refused at the first look, it passes the majority baseline at the second, with more seeds that are better."""
    runner = begin({8: 0.6}).search(8)
    refused(runner)
    runner.skills = {8: GOOD}
    confirm_search(runner, seeds=6)
    promote_winner(runner)
    facts = read_evidence(runner.folder / "trials" / "refit-0000" / "evidence.json")
    passed = facts["test"]["over_majority"]
    assert (passed["look"], passed["confidence"]) == (2, pytest.approx(0.99))
    assert facts["majority"] < passed["low"] < facts["accuracy"]["low"]
