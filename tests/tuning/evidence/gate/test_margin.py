"""The margin stands in the ledger before a race, with the power that it has."""

import pytest

from tuning.evidence.contest import Refused
from tuning.promote import promote_winner
from tuning.statistics.gate.gain import chance_to_pass

FAIR = 0.75


def noted(runner):
    return [event for event in runner.ledger.events if event["event"] == "margin"]


@pytest.mark.slow
def test_it_is_written_before_any_training_and_again_where_it_is_another(begin):
    promote_winner(begin({4: FAIR}, name="old").search(4))
    runner = begin({8: FAIR + 0.04, 16: FAIR, 4: FAIR}).search(8, 16)
    order = []
    run_listed = runner.run_listed

    def listed(phase, trials):
        order.append((phase, len(noted(runner))))
        run_listed(phase, trials)

    runner.run_listed = listed
    with pytest.raises(Refused):
        promote_winner(runner)
    assert order[0] == ("race", 1)
    (first,) = noted(runner)
    assert (first["margin"], first["level"], first["family"]) == (0.02, 0.02, 2)
    assert 0 < first["chance"] < 0.2
    told = f"in about {100 * first['chance']:.0f} % of such races of {first['num_people']} people"
    assert any(note.startswith("A cheaper challenger may lose 2 points; ") and told in note for note in runner.notes)
    with pytest.raises(Refused):
        promote_winner(runner, margin=0.05)
    assert [event["margin"] for event in noted(runner)] == [0.02, 0.05]
    assert noted(runner)[1]["chance"] > first["chance"]


def test_a_first_champion_has_no_margin(begin):
    runner = begin({8: 0.97}).search(8)
    promote_winner(runner)
    assert noted(runner) == []


def test_an_equal_one_passes_more_often_by_more_people_a_wider_margin_and_at_a_higher_level():
    given = {"margin": 0.02, "of_person": 0.06, "num_people": 50, "level": 0.025}
    usual = chance_to_pass(**given)
    assert 0.025 < usual < 0.2
    for change in ({"margin": 0.05}, {"num_people": 500}, {"level": 0.05}, {"of_person": 0.01}):
        assert chance_to_pass(**{**given, **change}) > usual
    assert chance_to_pass(**{**given, "margin": 0.0}) == pytest.approx(0.025)


@pytest.mark.slow
def test_trials_that_all_agree_tell_nothing_of_the_chance(begin):
    promote_winner(begin({4: FAIR}, name="old").search(4))
    runner = begin({8: 1.0, 4: FAIR}).search(8)
    promote_winner(runner)
    (noted_once,) = noted(runner)
    assert noted_once["chance"] is None
    assert any(note.endswith("more or fewer later is another question.") for note in runner.notes)
