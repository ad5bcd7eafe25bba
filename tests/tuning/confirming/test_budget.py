"""What is told before the first training of a confirmation or a promotion."""

import pytest

from tests.support.hand_runner import HandRunner, WholeRunner
from tuning.confirm import confirm_search
from tuning.execution.seeds import REFIT_SEED
from tuning.promote import promote_winner
from tuning.records import registry
from tuning.records.ledger import Trial


def begin(store, name, skills, kind=HandRunner):
    return kind(name, skills, **{**store, "registered": name}).search(*skills)


@pytest.fixture
def unregistered(monkeypatch):
    monkeypatch.setattr(registry, "log_and_register", lambda **_: 1)


def budgets(runner):
    told = [note for note in runner.notes if "at most" in note]
    runner.notes.clear()
    return told


def test_a_confirmation_counts_its_race_and_the_winner_on_the_holdout(store):
    with begin(store, "confirmation", {4: 0.9, 8: 0.95}) as runner:
        confirm_search(runner, seeds=3)
        assert budgets(runner) == [
            "9 trainings at most: 6 in the race of 2 configurations over 3 folds, then 3 for the holdout (winner). Who is "
            "clearly worse leaves the race early."
        ]
        confirm_search(runner, seeds=3)
        assert runner.notes == [], "nothing is left"
        confirm_search(runner, seeds=4)
        assert budgets(runner) == ["1 training at most: 1 for the holdout (winner)."]


def test_a_promotion_counts_the_refits_too(store, unregistered):
    with begin(store, "promotion", {4: 0.9, 8: 0.95}, WholeRunner) as runner:
        promote_winner(runner, refit_seeds=2)
        (told,) = budgets(runner)
        assert told.startswith("16 trainings at most: 12 in the race of 2 configurations over 3 folds, ")
        assert "then 2 for the holdout (winner), then 2 refits." in told
        assert len(runner.asked) == 16


def test_controls_and_the_champion_are_counted_in_the_race_and_on_the_holdout(store):
    with begin(store, "titled", {4: 0.97}) as first:
        promote_winner(first)
    with HandRunner("titled-new", {4: 0.97, 8: 0.9, 16: 0.85}, registered="titled", **store) as runner:
        object.__setattr__(runner.study, "controls", {"order_blind": {"flip": False}})
        confirm_search(runner.search(8, 16))
        assert budgets(runner)[0].startswith(
            "15 trainings at most: 9 in the race of 2 configurations beside the champion (models:/titled/1) over 3 folds, then "
            "6 for the holdout (winner, order_blind, champion)."
        )


def test_of_a_race_that_was_cut_short_the_rest_is_told(store):
    with begin(store, "rest", {4: 0.5, 8: 0.95, 16: 0.94}) as runner:
        listed, rounds = runner.run_listed, []

        def dies(phase, trials):
            rounds.append(phase)
            if len(rounds) == 2:
                raise KeyboardInterrupt
            listed(phase, trials)

        runner.run_listed = dies
        with pytest.raises(KeyboardInterrupt):
            confirm_search(runner)
        runner.run_listed = listed
        budgets(runner)
        runner.asked.clear()
        confirm_search(runner)
        assert budgets(runner) == [
            "4 trainings at most: 2 in the race of 3 configurations over 3 folds, then 2 for the holdout (winner). Who is "
            "clearly worse leaves the race early."
        ], "one has left after two folds, and two have a third before them"
        assert len(runner.asked) == 4


def test_one_trial_that_was_asked_for_is_counted_without_a_race(store):
    with begin(store, "one", {4: 0.9, 8: 0.95}) as runner:
        confirm_search(runner, trial_id="search-0000")
        assert budgets(runner) == ["2 trainings at most: 2 for the holdout (configuration)."]


def test_what_is_confirmed_already_leaves_the_refits(store, unregistered):
    with begin(store, "refits", {4: 0.9, 8: 0.95}) as runner:
        confirm_search(runner)
        budgets(runner)
        promote_winner(runner)
        assert budgets(runner) == ["1 training at most: 1 refit."]
        promote_winner(runner)
        assert budgets(runner) == [], "the refit is there"
        assert [trial.seed for trial in runner.ledger.of_phase("refit")] == [REFIT_SEED]


def test_a_promotion_of_the_champion_itself_trains_nothing(store):
    with begin(store, "itself", {4: 0.97}) as runner:
        promote_winner(runner)
        budgets(runner)
        assert promote_winner(runner).already
        assert budgets(runner) == []


def test_hours_are_told_where_trainings_tell_them(store):
    with begin(store, "hours", {4: 0.9, 8: 0.95}) as runner:
        for trial in runner.ledger.of_phase("search"):
            runner.ledger.end(trial.trial_id, "FINISHED", {**trial.metrics, "wall_time_s": 900.0})
        confirm_search(runner)
        assert budgets(runner)[0].startswith("8 trainings at most, about 2.0 hours one after another: ")
    with begin(store, "minutes", {4: 0.9}) as runner:
        trial = Trial(trial_id="search-0001", phase="search", parameters={"gru_hidden": 4}, seed=9, folds=(0, 1))
        runner.ledger.start(trial)
        runner.ledger.end("search-0001", "FINISHED", {"wall_time_s": 120.0})
        confirm_search(runner, trial_id="search-0000")
        assert "at most, about 2 minutes one after another: " in budgets(runner)[0], "another's time, on two folds"
