"""Who leaves a race early, by what the study prefers."""

import pytest

from search_spaces.core.study import Objective
from tests.support.hand_runner import HandRunner
from tuning.confirm import confirm_search
from tuning.records.front.course import course_of


def folds_run(runner, trial_id):
    return [trial.folds[0] for trial in runner.ledger.of_phase("race") if trial.of == trial_id]


def begin(store, name, skills, **changes):
    runner = HandRunner(name, skills, registered=name, **{**store, **changes})
    return runner.search(*skills)


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
