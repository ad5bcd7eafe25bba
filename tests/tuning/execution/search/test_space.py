"""Equal configurations are one point of a search, and a parameter is asked for where it exists."""

import dataclasses

import numpy as np
import optuna
import pytest
from optuna.trial import TrialState
from ray import tune

from search_spaces.core.study import Study
from tests.support.builders import make_trial
from tuning.execution.search.optuna_searcher import OptunaSearcher
from tuning.execution.search.space import Space

DEPTHS = tune.choice([0, 1, 2])
SHORTCUTS = tune.choice(["linear", "parameter_free"])
METRICS = {"accuracy": 0.8, "train_time_s": 10.0, "param_count": 1e6}


def make_study(parameters, **fields):
    given = {"trainable": "res_rbg", "dataset": "drawn_faces", "registered_model": "demo", "parameters": parameters}
    return Study(**{**given, **fields})


def run(searcher):
    """All that is asked for, each told before the next; accuracy rises with the depth."""
    trials = []
    while (trial := searcher.ask()) is not None:
        metrics = {**METRICS, "accuracy": 0.5 + 0.1 * trial.parameters.get("rbg_depth", 0)}
        trials.append(
            dataclasses.replace(trial, trial_id=f"search-{len(trials):04d}", state="FINISHED", metrics=metrics)
        )
        searcher.tell(trials[-1])
    return trials


def parameters_of(trials):
    return [trial.parameters for trial in trials]


def test_what_has_no_effect_beside_the_others_is_not_tried():
    study = make_study({"shortcut": SHORTCUTS, "rbg_depth": DEPTHS, "recurrent": tune.choice(["rbg", "bi_gru"])})
    tried = parameters_of(run(OptunaSearcher(study, num_samples=30, begun=[])))
    expected = [{"rbg_depth": 0}]
    for depth in (1, 2):
        expected += [{"rbg_depth": depth, "recurrent": "rbg", "shortcut": name} for name in SHORTCUTS.categories]
        expected.append({"rbg_depth": depth, "recurrent": "bi_gru"})
    assert sorted(tried, key=str) == sorted(expected, key=str)


def test_a_study_says_where_else_a_parameter_exists():
    study = make_study(
        {"masking_rate": tune.uniform(0.05, 0.4), "attention": tune.choice(["none", "eca"])},
        only_if={"masking_rate": {"attention": ("eca",)}},
    )
    tried = parameters_of(run(OptunaSearcher(study, num_samples=8, begun=[])))
    assert len(tried) == 8
    assert all(("masking_rate" in point) == (point["attention"] == "eca") for point in tried)
    assert tried.count({"attention": "none"}) == 1, "one configuration, tried once"


def test_the_sampler_is_told_what_exists_alone():
    study = make_study({"rbg_depth": DEPTHS, "shortcut": SHORTCUTS, "lr": tune.loguniform(1e-4, 1e-2)})
    searcher = OptunaSearcher(study, num_samples=25, begun=[])
    trials = run(searcher)
    told = [trial.params for trial in searcher._optuna.get_trials(states=[TrialState.COMPLETE])]
    assert told == parameters_of(trials)
    assert {"shortcut" in point for point in told} == {True, False}
    again = OptunaSearcher(study, num_samples=30, begun=trials)
    assert [trial.params for trial in again._optuna.trials] == told


def test_a_search_ends_when_every_configuration_is_tried():
    study = make_study({"rbg_depth": DEPTHS, "shortcut": SHORTCUTS})
    searcher = OptunaSearcher(study, num_samples=20, begun=[])
    trials = run(searcher)
    assert len(trials) == 5
    assert searcher.exhausted
    assert not searcher._optuna.get_trials(states=[TrialState.RUNNING, TrialState.WAITING])
    assert OptunaSearcher(study, num_samples=20, begun=trials).ask() is None


def test_what_runs_is_not_asked_for_again_and_what_failed_may_be():
    study = make_study({"rbg_depth": DEPTHS})
    searcher = OptunaSearcher(study, num_samples=9, begun=[])
    running = [searcher.ask() for _ in range(3)]
    assert {trial.parameters["rbg_depth"] for trial in running} == {0, 1, 2}
    assert searcher.ask() is None
    searcher.tell(dataclasses.replace(running[1], state="FAILED"))
    assert searcher.ask().parameters == running[1].parameters
    refused = dataclasses.replace(running[1], state="FAILED", error="DoesNotFit: res_rbg takes 9 GiB.")
    searcher.tell(refused)
    assert searcher.ask() is None, "the device is as small as it was"
    begun = [dataclasses.replace(refused, trial_id="search-0001")]
    again = OptunaSearcher(study, num_samples=9, begun=begun)
    assert {again.ask().parameters["rbg_depth"] for _ in range(2)} == {0, 1, 2} - {refused.parameters["rbg_depth"]}
    assert again.ask() is None


@pytest.mark.parametrize("state", ["FINISHED", "INTERRUPTED", "RUNNING"])
def test_a_trial_of_an_earlier_version_counts_as_the_configuration_that_it_is(state):
    study = make_study({"rbg_depth": tune.choice([0, 1]), "shortcut": SHORTCUTS})
    begun = [make_trial(0, parameters={"rbg_depth": 0, "shortcut": "linear"}, state=state, metrics=METRICS)]
    searcher = OptunaSearcher(study, num_samples=9, begun=begun)
    learnt = [trial.params for trial in searcher._optuna.trials]
    assert learnt == ([{"rbg_depth": 0}] if state == "FINISHED" else [])
    assert {point["rbg_depth"] for point in parameters_of(run(searcher))} == {1}


def test_a_trial_on_other_folds_was_another():
    study = make_study({"rbg_depth": tune.choice([1])}, search_folds=(0, 1))
    begun = [make_trial(0, parameters={"rbg_depth": 1}, state="FINISHED", metrics=METRICS)]
    assert len(run(OptunaSearcher(study, num_samples=9, begun=begun))) == 1


def test_a_trial_with_a_value_where_the_study_has_none_does_not_teach():
    study = make_study(
        {"masking_rate": tune.choice([0.1, 0.2]), "attention": tune.choice(["none", "eca"])},
        only_if={"masking_rate": {"attention": ("eca",)}},
    )
    fits, other = ({"attention": "none", "masking_rate": rate} for rate in (0.1, 0.2))  # 0.1 is the default
    begun = [make_trial(n, parameters=one, state="FINISHED", metrics=METRICS) for n, one in enumerate((fits, other))]
    learnt = OptunaSearcher(study, num_samples=9, begun=begun)._optuna.trials
    assert [trial.params for trial in learnt] == [{"attention": "none"}]


def test_a_first_point_with_what_does_not_exist_is_tried_once():
    point = {"rbg_depth": 0, "shortcut": "linear", "gru_hidden": 8}
    study = make_study(
        {"rbg_depth": DEPTHS, "shortcut": SHORTCUTS, "gru_hidden": tune.choice([8, 16])}, first_points=(point,)
    )
    first = run(OptunaSearcher(study, num_samples=1, begun=[]))
    assert parameters_of(first) == [{"rbg_depth": 0, "gru_hidden": 8}]
    again = OptunaSearcher(study, num_samples=2, begun=first)
    assert not again._optuna.get_trials(states=[TrialState.WAITING])


def test_without_conditions_and_repeats_the_suggestions_are_optunas_own():
    study = make_study({"lr": tune.loguniform(1e-4, 1e-2), "gru_hidden": tune.randint(8, 33), "rbg_depth": DEPTHS})
    sampler = optuna.samplers.TPESampler(seed=0, multivariate=True, n_startup_trials=4)
    plain = optuna.create_study(directions=["maximize", "minimize", "minimize"], sampler=sampler)
    expected = []
    for _ in range(10):
        asked = plain.ask(Space(study).distributions)
        expected.append(asked.params)
        plain.tell(asked, [0.5 + 0.1 * asked.params["rbg_depth"], 10.0, 1e6])
    assert parameters_of(run(OptunaSearcher(study, num_samples=10, begun=[]))) == expected


def test_the_same_seed_tries_the_same_also_where_points_are_drawn():
    study = make_study({"rbg_depth": DEPTHS, "gru_hidden": tune.choice([8, 16, 32])}, seed=4)
    one, other = (parameters_of(run(OptunaSearcher(study, num_samples=9, begun=[]))) for _ in range(2))
    assert one == other
    assert len({str(point) for point in one}) == 9


def test_how_many_trials_a_search_may_still_begin():
    space = Space(make_study({"rbg_depth": DEPTHS, "shortcut": SHORTCUTS}))
    done = [make_trial(0, parameters={"rbg_depth": 0}, state="FINISHED")]
    failed = [make_trial(1, parameters={"rbg_depth": 1, "shortcut": "linear"}, state="FAILED")]
    assert space.num_new(3, []) == 3
    assert space.num_new(20, []) == 5
    assert space.num_new(20, done) == 4
    assert space.num_new(20, done + failed) == 4
    assert Space(make_study({"lr": tune.loguniform(1e-4, 1e-2)})).num_new(20, []) == 20
    assert Space(make_study({"lr": tune.quniform(0.1, 0.4, 0.1)})).num_new(20, []) == 4
    assert Space(make_study({"gru_hidden": tune.qrandint(8, 32, 8)})).num_new(20, []) == 4


def test_a_variant_of_a_design_has_a_space_of_its_own():
    study = make_study({"gru_hidden": tune.choice([8, 16]), "dropout": tune.choice([0.0, 0.5])})
    assert Space(study).num_new(9, []) == 4
    assert Space(study, {"temporal": "mean"}).num_new(9, []) == 2


def test_a_trial_of_before_that_todays_ranges_refuse_does_not_end_the_search():
    study = make_study({"gru_hidden": tune.choice([8, 16]), "dropout": tune.choice([0.0, 0.5])})
    refused = make_trial(0, parameters={"gru_hidden": 8, "dropout": 1.0}, folds=study.search_folds, state="FINISHED")
    tried = parameters_of(run(OptunaSearcher(study, num_samples=5, begun=[refused])))
    assert len(tried) == 4
    assert not Space(study).fits({"gru_hidden": 8, "dropout": 1.0, "removed": 1})


def test_points_are_listed_drawn_and_found_near_others_as_far_as_they_exist():
    study = make_study({"rbg_depth": DEPTHS, "shortcut": SHORTCUTS, "gru_hidden": tune.choice([8, 16, 32])})
    space, rng = Space(study), np.random.default_rng(0)
    listed = space.points(15)
    assert len(listed) == 15
    assert space.points(14) is None
    assert Space(make_study({"lr": tune.loguniform(1e-4, 1e-2)})).points(99) is None
    for point in [space.drawn(rng) for _ in range(30)]:
        assert point in listed
    given = [space.drawn(rng, given={"rbg_depth": 0, "shortcut": "linear"}) for _ in range(5)]
    assert all(point.keys() == {"rbg_depth", "gru_hidden"} for point in given)
    weighed = [space.drawn(rng, {"rbg_depth": {0: 1.0, 1: 1e-6, 2: 1e-6}}) for _ in range(20)]
    assert {point["rbg_depth"] for point in weighed} == {0}
    near = space.near({"rbg_depth": 0, "gru_hidden": 16}, rng)
    assert [(point["rbg_depth"], point["gru_hidden"], "shortcut" in point) for point in near] == [
        (1, 16, True),
        (0, 8, False),
        (0, 32, False),
    ]


def test_what_todays_space_admits():
    space = Space(make_study({"rbg_depth": DEPTHS, "lr": tune.loguniform(1e-4, 1e-2)}))
    assert space.admits({"rbg_depth": 1, "lr": 1e-3})
    for point in (
        {"rbg_depth": 3, "lr": 1e-3},
        {"rbg_depth": 1, "lr": 1.0},
        {"rbg_depth": 1},
        {"rbg_depth": 1, "lr": "1"},
    ):
        assert not space.admits(point)
