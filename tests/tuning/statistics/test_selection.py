"""Which trial of a search is recommended: never one that is cheap because it guesses."""

import math
from pathlib import Path

import numpy as np
import pytest
from ray import tune

from search_spaces.core.study import Objective, Study
from tuning.records.front.choice import choose as choose_among
from tuning.records.ledger import Ledger, Trial
from tuning.statistics.front_probability import Noise
from tuning.statistics.selection import Rule
from tuning.statistics.selection import choose as choose_rows


def study(*metrics):
    return Study(
        name="any",
        trainable="res_rbg",
        dataset="clip_folder",
        registered_model="any",
        parameters={"gru_hidden": tune.choice([8])},
        objectives=tuple(Objective(metric=metric, direction=direction) for metric, direction in metrics),
    )


def trials(key, *rows):
    return [
        Trial(
            trial_id=f"search-{number:04d}",
            phase="search",
            parameters={},
            seed=number,
            folds=(0,),
            state="FINISHED",
            metrics={key: rate, "param_count": count},
        )
        for number, (rate, count) in enumerate(rows)
    ]


def choose(study, found, num_validation):
    """The front and the recommended one among trials whose predictions are gone."""
    chosen, by_name = (
        choose_among(study, Ledger(Path("nowhere")), found, num_validation),
        {one.trial_id: one for one in found},
    )
    return [by_name[name] for name in chosen.front], chosen.recommended and by_name[chosen.recommended]


def test_a_tiny_network_at_chance_is_on_the_front_and_not_recommended():
    for key in ("accuracy", "uar"):
        found = trials(key, (0.90, 12e6), (0.88, 6e6), (0.25, 0.1e6), (0.80, 13e6))
        front, recommended = choose(study((key, "max"), ("param_count", "min")), found, num_validation=100)
        assert [trial.trial_id for trial in front] == ["search-0000", "search-0001", "search-0002"]
        assert recommended is not None
        assert recommended.metrics[key] >= 0.88


def test_more_validation_clips_make_the_rule_stricter():
    found = trials("accuracy", (0.90, 12e6), (0.87, 3e6), (0.85, 1e6))
    chosen = [choose(study(("accuracy", "max"), ("param_count", "min")), found, clips)[1] for clips in (20, 20_000)]
    assert [trial.trial_id for trial in chosen if trial] == ["search-0001", "search-0000"]


def test_where_no_objective_is_finite_there_is_no_front():
    found = trials("accuracy", (math.nan, 1e6))
    assert choose(study(("accuracy", "max"), ("param_count", "min")), found, 10) == ([], None)


def test_a_trial_that_did_not_answer_every_question_raises_no_floor():
    found = trials("accuracy", (0.90, 10.0), (0.89, 4.0), (0.88, 3.0), (0.99, math.nan))
    front, recommended = choose(study(("accuracy", "max"), ("param_count", "min")), found, num_validation=100)
    assert [trial.trial_id for trial in front] == ["search-0000", "search-0001", "search-0002"]
    assert recommended is found[1]


WAYS = ("max", "min", "min")
TABLE = np.array([[0.90, 30.0, 12e6], [0.89, 20.0, 6e6], [0.88, 25.0, 2e6], [0.50, 5.0, 1e6], [0.40, 6.0, 3e6]])


def chosen_by(**rule):
    return choose_rows(TABLE, WAYS, num_objectives=3, noises=[None] * 3, rule=Rule(**rule))


@pytest.mark.parametrize(
    ("rule", "row"),
    [
        ({"num_clips": 100}, 1),
        ({"kind": "accuracy"}, 0),
        ({"kind": "small", "size": 2, "num_clips": 100}, 2),
        ({"kind": "small", "size": 2, "num_clips": 10_000}, 0),
        ({"kind": "limits", "limits": ((2, "<=", 7e6),)}, 1),
        ({"kind": "limits", "limits": ((2, "<=", 7e6), (1, "<=", 10.0))}, 3),
        ({"kind": "limits", "limits": ((0, ">=", 0.885), (2, "<=", 7e6))}, 1),
        ({"kind": "weights", "weights": (3.0, 0.0, 1.0)}, 2),
        ({"kind": "weights", "weights": (0.0, 1.0, 0.0)}, 3),
    ],
)
def test_each_preference_takes_its_member(rule, row):
    found = chosen_by(**rule)
    assert found.recommended == row
    assert found.front.tolist() == [0, 1, 2, 3], "which no preference changes"
    assert found.met
    assert found.chosen_in[row] == 1.0, "nothing varies"


def test_limits_that_nothing_keeps_to_are_told_and_the_nearest_is_taken():
    found = chosen_by(kind="limits", limits=((0, ">=", 0.8), (2, "<=", 1e6)))
    assert not found.met
    assert found.recommended == 3, "0.3 of 0.8 is less to give up than twice the parameters"
    assert set(found.members) == set(found.front)


def test_with_limits_the_members_are_of_those_that_keep_to_them():
    found = chosen_by(kind="limits", limits=((1, ">=", 6.0), (2, "<=", 4e6)))
    assert found.members.tolist() == [2, 4], "the last is on no front but theirs"


def test_members_are_on_the_front_in_a_fifth_of_the_draws_and_the_rule_says_how_sure_it_is():
    values = np.array([[0.80, 2e6], [0.79, 2e6], [0.60, 2e6], [0.30, 1e6]])
    noise = Noise(own=np.full(4, 0.02), by_people=np.zeros((4, 1)))
    found = choose_rows(values, ("max", "min"), num_objectives=2, noises=[noise, None], rule=Rule(num_clips=200))
    assert found.front.tolist() == [0, 3]
    assert found.members.tolist() == [0, 1, 3]
    assert (found.probability[[0, 1, 2, 3]] > [0.2, 0.2, -1, 0.99]).all()
    assert found.probability[2] < 0.01
    assert found.recommended == 0
    assert 0.5 < found.chosen_in[0] < 0.9
    assert found.chosen_in.sum() == pytest.approx(1)


def test_what_no_draw_often_has_on_the_front_leaves_the_exact_front():
    """Forty that are alike: none is on the front in a fifth of the draws."""
    noise = Noise(own=np.full(40, 0.05), by_people=np.zeros((40, 1)))
    values = np.column_stack([np.linspace(0.70, 0.72, 40), np.ones(40)])
    found = choose_rows(values, ("max", "min"), num_objectives=2, noises=[noise, None], rule=Rule())
    assert found.members.tolist() == found.front.tolist() == [39]
