"""What a question costs of the error budget, and how often the holdout is asked about the majority baseline."""

import pytest

from tuning.confirm import confirm_search
from tuning.confirming.judging import error_budget_of
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


@pytest.fixture
def asking(begin):
    """A study whose challenger is hardly better than the champion."""
    promote_winner(begin({4: FAIR}, name="old").search(4))
    return begin({8: FAIR + 0.04, 4: FAIR}).search(8)


@pytest.mark.slow
def test_more_seeds_are_another_question_at_less_of_the_level_and_the_same_seeds_the_same_one(asking):
    first = refused(asking)
    assert (first.verdict.level, first.verdict.num_seeds) == (0.02, (2, 2))
    assert "3 of 5 % of the error level left" in str(first)
    assert "1 question asked" in str(first)
    assert str(refused(asking)) == str(first)
    assert len(noted(asking)) == 1, "nothing new was seen"
    second = refused(asking, gate_seeds=4)
    assert (second.verdict.level, second.verdict.num_seeds) == (pytest.approx(0.012), (4, 4))
    one, other = noted(asking)
    assert (one["of"], one["against"], one["look"], other["look"]) == (
        "search-0000",
        f"models:/{asking.study.registered_model}/1",
        1,
        2,
    )
    assert [len(event["asked"][0]["seeds"]) for event in (one, other)] == [2, 4]


@pytest.mark.slow
def test_another_margin_is_another_question(asking):
    asking.skills = {**asking.skills, 2: FAIR}
    assert [refused(asking, margin=margin).verdict.level for margin in (0.02, 0.03, 0.02)] == pytest.approx(
        [0.02, 0.012, 0.02]
    )


@pytest.mark.slow
def test_another_study_on_these_people_pays_from_the_same_budget(asking, begin):
    refused(asking)
    other = begin({16: FAIR + 0.02, 4: FAIR}, name="other").search(16)
    assert refused(other).verdict.level == pytest.approx(0.012)


@pytest.mark.slow
def test_a_promotion_earns_level_back(asking, begin):
    refused(asking)
    promote_winner(begin({16: 1.0, 4: FAIR}, name="better").search(16))
    assert refused(begin({32: 1.0, 16: 1.0}, name="last").search(32)).verdict.level == pytest.approx(
        (0.05 - 0.02 - 0.012 + 0.05) * 0.4
    )


@pytest.mark.slow
def test_everybody_who_entered_a_race_is_of_the_family_dropouts_and_earlier_races_included(begin):
    promote_winner(begin({4: FAIR}, name="old").search(4))
    runner = begin({8: FAIR + 0.04, 16: 0.3, 32: FAIR, 4: FAIR}).search(8, 16, 32)
    confirm_search(runner, top=2)
    error = refused(runner)
    assert (error.verdict.family, error.verdict.name) == (2, "search-0000")
    assert "Tested as one of 2 that entered a race." in str(error)
    later = refused(runner, trial_id="search-0002").verdict
    assert (later.family, later.level) == (3, pytest.approx(0.012))
    again = refused(runner, trial_id="search-0000").verdict
    assert (again.family, again.level) == (3, pytest.approx(0.0072)), "as one of more it is another question"


@pytest.mark.slow
def test_where_nothing_is_left_of_the_level_it_is_said_and_nothing_is_paid(asking, monkeypatch):
    monkeypatch.setattr("tuning.evidence.contest.next_level", lambda left: 0.0)
    assert "no question asked" in str(refused(asking))


@pytest.mark.slow
def test_what_an_override_promotes_earns_nothing_though_it_beat_the_champion(begin):
    promote_winner(begin({4: 0.3}, name="old").search(4), override="a first one")
    runner = begin({8: 0.6, 4: 0.3}).search(8)
    promoted = promote_winner(runner, override="better than nothing")
    assert (promoted.verdict.promoted, promoted.override is not None) == (True, True)
    assert error_budget_of(runner).left == pytest.approx(0.03)


@pytest.mark.slow
def test_a_refusal_says_in_one_line_what_would_decide(asking):
    error = refused(asking)
    people, seeds = error.verdict.people_needed, error.verdict.seeds_needed
    assert people > error.verdict.num_people
    ways = str(error).split("If the estimates stay, ")[1].split(" would settle it.")[0]
    assert ways.startswith(f"about {people} people (now {error.verdict.num_people})")
    assert (f"{seeds} seeds of each (now 2; " in ways) == (seeds is not None)


@pytest.mark.slow
def test_people_whom_the_search_validated_on_are_left_out_and_their_fold_is_not_trained_again(asking):
    verdict = refused(asking).verdict
    validated = {asking.prepared.subjects[index] for index in asking.splits.view("search", 0).validation}
    tested = {asking.prepared.subjects[i] for fold in range(3) for i in asking.splits.view("race", fold).test}
    assert verdict.num_people == len(tested - validated) == 64 - len(validated)
    trained = [trial for trial in asking.ledger.of_phase("race") if trial.of == "search-0000"]
    assert len(trained) == 3 + verdict.num_folds


def test_a_number_of_seeds_that_cannot_be_is_refused_at_once(begin):
    runner = begin({8: GOOD}).search(8)
    with pytest.raises(ValueError, match="gate_seeds=1 was given; whole numbers from 2 to 150"):
        promote_winner(runner, gate_seeds=1)
    assert not runner.asked


def test_the_majority_baseline_is_a_question_too(begin):
    runner = begin({8: 0.6}).search(8)
    first = str(refused(runner))
    assert "test 1 of this question on these people, at a level of 2.5 %" in first
    assert str(refused(runner)) == first
    confirm_search(runner, seeds=4)
    assert "test 2 of this question on these people, at a level of 0.5 %" in str(refused(runner))
    assert [event["against"] for event in noted(runner)] == [MAJORITY] * 2


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
