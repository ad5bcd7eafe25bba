"""The race of a front, as `confirm` and `promote` run it."""

import pytest

from tests.support.hand_runner import HandRunner
from tuning.confirm import confirm_search
from tuning.evidence.evidence_file import read_evidence
from tuning.evidence.race import raced
from tuning.execution.seeds import CONFIRM_SEED
from tuning.promote import promote_winner
from tuning.records import registry
from tuning.records.front.course import course_of
from tuning.records.ledger import Ledger


def folds_run(runner, trial_id):
    return [trial.folds[0] for trial in runner.ledger.of_phase("race") if trial.of == trial_id]


def begin(store, name, skills, **changes):
    runner = HandRunner(name, skills, registered=name, **{**store, **changes})
    return runner.search(*skills)


def test_who_is_clearly_worse_leaves_after_two_folds_and_the_best_wins(store):
    with begin(store, "clear", {4: 0.5, 8: 0.95, 16: 0.9}) as runner:
        assert confirm_search(runner) == "search-0001"
        assert folds_run(runner, "search-0000") == [0, 1]
        assert folds_run(runner, "search-0001") == list(range(len(runner.splits.folds)))
        assert course_of(runner.ledger).left["search-0000"] == 2
        assert {trial.of for trial in runner.ledger.of_phase("confirm")} == {"search-0001"}


def test_what_was_run_is_not_run_again_and_the_ledger_says_once_that_it_began_and_how_it_ended(store):
    with begin(store, "again", {4: 0.9, 8: 0.95}) as runner:
        confirm_search(runner)
        runner.asked.clear()
        confirm_search(runner)
        assert not runner.asked
        assert [event["winner"] for event in runner.ledger.events if event["event"] == "race"] == ["", "search-0001"]


def test_one_that_cannot_be_trained_leaves_and_it_is_said(store):
    with begin(store, "fails", {4: 0.97, 8: 0.9}) as runner:
        runner.fails = lambda trial: trial.phase == "race" and trial.of == "search-0000" and trial.folds == (1,)
        assert confirm_search(runner) == "search-0001"
        found = raced(runner.ledger)
        assert "search-0000 could not be trained in every fold." in found.failed["search-0000"]
        assert "it diverged" in found.failed["search-0000"]
        assert [racer.trial_id for racer in found.racers] == ["search-0001"]


def test_where_nobody_can_be_trained_the_race_has_no_winner(store):
    with begin(store, "none", {4: 0.97}) as runner:
        runner.fails = lambda trial: trial.phase == "race"
        with pytest.raises(ValueError, match=r"in every fold of the race\. search-0000 could not be trained"):
            confirm_search(runner)


def test_the_champion_runs_every_fold_and_cannot_win(store):
    with begin(store, "title", {4: 0.97}) as first:
        promote_winner(first)
    with HandRunner("rivals", {4: 0.97, 8: 0.6, 16: 0.85}, registered="title", **store) as runner:
        assert confirm_search(runner.search(8, 16)) == "search-0001"
        assert folds_run(runner, "models:/title/1") == list(range(len(runner.splits.folds)))
        found = raced(runner.ledger)
        champion = next(racer for racer in found.racers if racer.variant)
        assert (champion.left_after, champion.behind.mean > 0) == (None, True)


def test_a_member_that_is_the_champion_never_leaves(store):
    with begin(store, "staying", {4: 0.8}) as first:
        promote_winner(first)
    with HandRunner("staying-new", {4: 0.8, 8: 0.98}, registered="staying", **store) as runner:
        confirm_search(runner.search(4, 8))
        assert course_of(runner.ledger).champion == ""
        assert folds_run(runner, "search-0000") == list(range(len(runner.splits.folds)))


def test_several_refit_seeds_race_as_one_by_the_mean_of_their_probabilities(store):
    with begin(store, "several", {4: 0.975, 8: 0.7}) as runner:
        confirm_search(runner, refit_seeds=3)
        assert {trial.seed - CONFIRM_SEED for trial in runner.ledger.of_phase("race")} == {0, 1, 2}
        found = raced(runner.ledger)
        assert found.num_seeds == 3
        assert found.first.accuracy.mean == 1, "each is wrong on another clip, so that two of three are right"


def test_promote_takes_the_winner_and_not_the_recommended_one(store, monkeypatch):
    monkeypatch.setattr(registry, "log_and_register", lambda **_: 1)
    with begin(store, "takes", {4: 0.7, 8: 0.97}) as runner:
        promoted = promote_winner(runner)
        assert promoted.evidence.trial_id == promoted.race.winner == "search-0001"
        assert [row.trial_id for row in promoted.rows] == ["search-0001"]


def test_the_ledger_that_is_read_again_tells_the_same_race(store):
    with begin(store, "read", {4: 0.7, 8: 0.95}) as runner:
        confirm_search(runner)
        found = raced(runner.ledger)
        assert raced(Ledger.read(runner.folder)) == found
        assert found.num_trainings == len(runner.ledger.of_phase("race"))
        assert found.corrected.low < found.first.accuracy.mean


def test_the_evidence_and_the_card_of_a_champion_tell_the_race_that_it_won(store, monkeypatch):
    monkeypatch.setattr(registry, "log_and_register", lambda **_: 1)
    with begin(store, "tells", {4: 0.6, 8: 0.97}) as runner:
        promote_winner(runner)
        folder = runner.ledger.trial_folder("refit-0000")
        told = read_evidence(folder / "evidence.json")["race"]
        assert (told["num_configurations"], told["num_left_early"], told["num_seeds"]) == (2, 1, 1)
        assert told["corrected"]["low"] <= told["accuracy"]["mean"]
        card = (folder / "MODEL_CARD.md").read_text()
        tested = (
            f"outside the holdout ({told['num_people']} people, {told['num_clips']} clips; {told['num_folds']} folds)."
        )
        assert (
            f"It won a race of 2 configurations by cross-validation: {100 * told['accuracy']['mean']:.1f} % {tested}"
            in card
        )
        assert "Corrected for the choice (BBC-CV) that is " in card


def test_the_card_tells_of_a_race_whose_winner_is_not_the_most_accurate_without_a_corrected_figure(store, monkeypatch):
    monkeypatch.setattr(registry, "log_and_register", lambda **_: 1)
    with begin(store, "light-card", {4: 0.8, 16: 0.95}) as runner:
        runner.ledger.open_study(prefer="param_count=1")
        promote_winner(runner)
        card = (runner.ledger.trial_folder("refit-0000") / "MODEL_CARD.md").read_text()
        assert "It won a race of 2 configurations by cross-validation: " in card
        assert "BBC-CV" not in card


def test_a_champion_that_was_asked_for_by_name_won_no_race(store, monkeypatch):
    monkeypatch.setattr(registry, "log_and_register", lambda **_: 1)
    with begin(store, "named", {4: 0.97, 8: 0.6}) as runner:
        promote_winner(runner, trial_id="search-0000")
        folder = runner.ledger.trial_folder("refit-0000")
        assert read_evidence(folder / "evidence.json")["race"] is None
        assert "race" not in (folder / "MODEL_CARD.md").read_text()


def test_promote_takes_who_won_the_race_that_was_run_with_more_configurations(store, monkeypatch):
    monkeypatch.setattr(registry, "log_and_register", lambda **_: 1)
    with begin(store, "top", {4: 0.7, 8: 0.75, 16: 0.7, 32: 0.72, 64: 0.98}) as runner:
        assert confirm_search(runner, top=5) == "search-0004"
        runner.asked.clear()
        assert promote_winner(runner).evidence.trial_id == "search-0004"
        assert {trial.phase for trial in runner.asked} == {"refit"}


def test_a_race_is_run_again_where_the_study_chose_anew(store, monkeypatch):
    monkeypatch.setattr(registry, "log_and_register", lambda **_: 1)
    with begin(store, "anew", {4: 0.9, 8: 0.97, 16: 0.6}) as runner:
        runner.ledger.select(["search-0000"], "search-0000")
        assert confirm_search(runner) == "search-0000"
        runner.ledger.select(["search-0000", "search-0001"], "search-0000")
        assert promote_winner(runner).evidence.trial_id == "search-0001"


def test_limits_are_kept_to_by_all_networks_that_answer_together(store):
    with begin(store, "limits", {4: 0.9, 8: 0.97}) as runner:
        runner.ledger.open_study(prefer="param_count<=1e6")  # 0.4 and 0.8 million in one network
        assert confirm_search(runner) == "search-0001"
        assert confirm_search(runner, refit_seeds=2) == "search-0000"


def test_no_accuracy_is_corrected_for_a_winner_that_is_not_the_most_accurate(store):
    with begin(store, "light", {4: 0.6, 16: 0.95}) as runner:
        runner.ledger.open_study(prefer="param_count=1")
        confirm_search(runner)
        assert raced(runner.ledger).corrected is None
