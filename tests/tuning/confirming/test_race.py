"""The race of a front, as `confirm` and `promote` run it."""

import contextlib

import pytest

from search_spaces.core.study import Objective
from tests.support.hand_runner import HandRunner
from tuning.confirm import confirm_search
from tuning.confirming.race import standing_winner
from tuning.evidence.evidence_file import read_evidence
from tuning.evidence.race import raced
from tuning.execution.seeds import CONFIRM_SEED
from tuning.logs import logs
from tuning.promote import promote_winner
from tuning.records import registry
from tuning.records.front.course import course_of
from tuning.records.front.noise import seed_variances
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


@contextlib.contextmanager
def cut_short(runner, rounds):
    """Dies when round `rounds` of a race begins."""
    listed, begun = runner.run_listed, []

    def dies(phase, trials):
        begun.append(phase)
        if len(begun) == rounds:
            raise KeyboardInterrupt
        listed(phase, trials)

    runner.run_listed = dies
    with pytest.raises(KeyboardInterrupt):
        yield
    runner.run_listed = listed


def test_a_race_that_is_cut_short_goes_on_and_ends_the_same(store):
    with begin(store, "whole", {4: 0.7, 8: 0.9, 16: 0.88}) as whole:
        confirm_search(whole)
    with begin(store, "cut", {4: 0.7, 8: 0.9, 16: 0.88}) as cut:
        with cut_short(cut, 2):
            confirm_search(cut)
        confirm_search(cut)
        assert course_of(cut.ledger) == course_of(whole.ledger)


def test_a_race_is_in_the_ledger_before_its_first_training(store):
    with begin(store, "noted", {4: 0.9, 8: 0.95}) as runner:
        with cut_short(runner, 1):
            confirm_search(runner)
        course = course_of(runner.ledger)
        assert (course.members, course.winner) == (("search-0000", "search-0001"), "")
        assert raced(runner.ledger) is None
        assert standing_winner(runner, None, 1) is None


def test_a_race_that_was_begun_goes_on_with_its_members_though_others_would_race_now(store):
    skills = {4: 0.9, 8: 0.95, 16: 0.9, 32: 0.9, 64: 0.99}
    with begin(store, "kept", skills) as runner:
        with cut_short(runner, 2):
            confirm_search(runner, top=5)
        runner.notes.clear()
        assert confirm_search(runner) == "search-0004"
        assert len(course_of(runner.ledger).members) == 5
        assert runner.notes[0] == "The race of 5 configurations that was begun goes on."


def test_a_race_that_was_begun_is_left_where_other_members_are_asked_for(store):
    with begin(store, "asked", {4: 0.9, 8: 0.95, 16: 0.9}) as runner:
        with cut_short(runner, 2):
            confirm_search(runner)
        confirm_search(runner, top=2)
        assert course_of(runner.ledger).members == ("search-0000", "search-0001")
        assert not any("goes on" in note for note in runner.notes)


@pytest.mark.parametrize("changed", ["selected", "prefer", "seeds", "untrainable"])
def test_a_race_that_was_begun_is_left_where_what_it_rests_on_has_changed(store, changed):
    with begin(store, f"left-{changed}", {4: 0.9, 8: 0.95, 16: 0.9}) as runner:
        with cut_short(runner, 2):
            confirm_search(runner, top=2)
        if changed == "selected":
            runner.ledger.select(["search-0000", "search-0001", "search-0002"], "search-0001")
        elif changed == "prefer":
            runner.ledger.open_study(prefer="accuracy")
        elif changed == "untrainable":
            runner.ledger.trials["search-0001"].parameters["gone"] = 1
        confirm_search(runner, refit_seeds=2 if changed == "seeds" else 0)
        assert not any("goes on" in note for note in runner.notes)


def test_the_last_race_that_ended_is_told_while_another_runs(store):
    with begin(store, "two", {4: 0.9, 8: 0.95, 16: 0.9}) as runner:
        confirm_search(runner, top=2)
        runner.ledger.select(["search-0000", "search-0001", "search-0002"], "search-0002")
        with cut_short(runner, 1):
            confirm_search(runner)
        assert course_of(runner.ledger).winner == ""
        assert course_of(runner.ledger, ended=True).winner == raced(runner.ledger).winner == "search-0001"


def test_choosing_again_after_a_race_asks_nobody_else_to_race(store):
    with begin(store, "same", {4: 0.9, 8: 0.95, 16: 0.9}) as runner:
        before = seed_variances(runner.ledger)
        confirm_search(runner, refit_seeds=2)
        assert seed_variances(runner.ledger) == before


def test_who_left_stands_in_the_ledger_before_the_race_ends(store):
    with begin(store, "known", {4: 0.5, 8: 0.95, 16: 0.9}) as runner:
        with cut_short(runner, 2):
            confirm_search(runner)
        assert course_of(runner.ledger).left == {"search-0000": 2}
        assert "search-0000 left the race of 3 configurations early" in "".join(
            map(str, logs("known", home=runner.home))
        )


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


def test_with_weights_a_preference_may_want_the_worse_one_so_nobody_leaves(store):
    with begin(store, "weights", {4: 0.6, 16: 0.95}) as runner:
        runner.ledger.open_study(prefer="param_count=1")
        assert confirm_search(runner) == "search-0000"
        assert not course_of(runner.ledger).left


@pytest.mark.parametrize(
    ("prefer", "left"),
    [
        ("accuracy", {"search-0000": 2}),
        ("knee", {}),
        ("small", {}),
        ("param_count<=1e6", {"search-0000": 2}),
        ("param_count<=5e5", {}),  # the better one does not keep to it, so nobody leads whom the other has to reach
        ("accuracy=9,param_count=1", {}),
    ],
)
def test_who_leaves_is_who_the_preference_cannot_take_any_more(store, prefer, left):
    with begin(store, "leaves-" + "".join(filter(str.isalnum, prefer)), {4: 0.72, 8: 0.85}) as runner:
        runner.ledger.open_study(prefer=prefer)
        confirm_search(runner)
        assert course_of(runner.ledger).left == left


@pytest.mark.parametrize("prefer", ["knee", "small"])
def test_by_knee_and_small_who_is_beyond_the_floor_without_a_doubt_leaves(store, prefer):
    with begin(store, f"beyond-{prefer}", {4: 0.5, 8: 0.85}) as runner:
        runner.ledger.open_study(prefer=prefer)
        confirm_search(runner)
        assert course_of(runner.ledger).left == {"search-0000": 2}


def test_where_the_first_objective_is_another_nobody_leaves(store):
    with begin(store, "uar", {4: 0.5, 8: 0.95}) as runner:
        object.__setattr__(runner.study, "objectives", (Objective(metric="uar"), Objective(metric="param_count")))
        confirm_search(runner)
        assert course_of(runner.ledger).left == {}


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
