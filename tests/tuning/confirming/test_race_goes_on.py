"""A race stands in the ledger from its beginning: what is cut short goes on as it began, where nothing it rests on changed."""

import contextlib

import pytest

from tests.support.hand_runner import HandRunner
from tuning.confirm import confirm_search
from tuning.confirming.race import standing_winner
from tuning.evidence.race import raced
from tuning.logs import logs
from tuning.records.front.course import course_of
from tuning.records.front.noise import seed_variances


def begin(store, name, skills):
    return HandRunner(f"goes-on-{name}", skills, registered=f"goes-on-{name}", **store).search(*skills)


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
            map(str, logs("goes-on-known", home=runner.home))
        )
