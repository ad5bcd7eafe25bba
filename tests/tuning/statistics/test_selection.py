"""Which trial of a search is recommended: never one that is cheap because it guesses."""

import math
from pathlib import Path

from ray import tune

from search_spaces.core.study import Objective, Study
from tuning.records.front.choice import choose as choose_among
from tuning.records.ledger import Ledger, Trial


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
