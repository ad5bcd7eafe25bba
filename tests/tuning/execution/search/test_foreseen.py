"""What is known of costs before a trial: exactly by shapes, nearly by trials."""

import numpy as np
import pytest
from ray import tune

from search_spaces.core.study import Objective, Study
from tests.support.builders import make_trial
from trainables import res_rbg
from trainables.core.training.costs import planned_costs
from tuning.execution.search import foreseen
from tuning.execution.search.foreseen import SECONDS, Ended, Foreseen, can_foresee, quality_of, seconds_of
from tuning.execution.search.space import Space

SPACE = {"rbg_depth": tune.choice([0, 1]), "gru_hidden": tune.choice([8, 16, 32]), "lr": tune.loguniform(1e-4, 1e-2)}
NOTHING = Ended(points=[], table=np.zeros((0, 3)), values={})


def make_study(parameters=SPACE, **fields):
    given = {"trainable": "res_rbg", "dataset": "drawn_faces", "registered_model": "demo", "parameters": parameters}
    return Study(**{"settings": {"backbone": "resnet18", "image_size": 32}, **given, **fields})


def point(depth, width):
    return {"rbg_depth": depth, "gru_hidden": width, "lr": 1e-3}


def counted(study, one):
    return planned_costs(res_rbg.build_model, study.config(one))["param_count"]


def test_which_studies_have_one_quality_and_known_costs():
    assert can_foresee(make_study())
    assert quality_of(make_study()) == "accuracy"
    assert can_foresee(make_study(objectives=(Objective(metric="uar"),)))
    assert not can_foresee(make_study(objectives=(Objective(metric="accuracy"), Objective(metric="uar"))))
    assert not can_foresee(make_study(objectives=(Objective(metric="param_count"),)))


@pytest.mark.parametrize("most", [64, 3])
def test_parameters_are_known_before_any_trial_of_few_networks_exactly(monkeypatch, most):
    monkeypatch.setattr(foreseen, "_MOST_BUILT", most)
    study = make_study()
    known = Foreseen(study, Space(study))
    points = [point(depth, width) for depth in (0, 1) for width in (8, 32)]
    costs = known.costs(points, NOTHING)
    exact = np.log([counted(study, one) for one in points])
    assert costs.told == {"param_count"}
    assert known.metrics == ["train_time_s", "param_count"]
    assert costs.some_estimated == (most == 3)
    assert costs.exact == (frozenset() if most == 3 else {"param_count"})
    assert costs.logs[:, 1] == pytest.approx(exact, abs=0.3 if most == 3 else 1e-9)
    assert (costs.logs[:, 0] == 0).all(), "no trial has told its time yet"
    corrected = known.corrected(costs, points)
    assert corrected.logs[:, 1] == pytest.approx(exact)
    assert corrected.exact == {"param_count"}


def test_times_are_learnt_from_trials_that_ended_and_from_their_networks():
    study = make_study()
    known = Foreseen(study, Space(study))
    points = [point(depth, width) for depth in (0, 1) for width in (8, 16, 32)]
    times = np.array([10.0, 11.0, 12.0, 20.0, 22.0, 24.0])
    ended = Ended(
        points=points, table=Space(study).columns.table(points), values={"train_time_s": times, SECONDS: 2 * times}
    )
    costs = known.costs(points, ended)
    assert np.exp(costs.logs[:, 0]) == pytest.approx(times, rel=0.1)
    assert np.exp(costs.seconds) == pytest.approx(2 * times, rel=0.1)
    assert costs.told == {"train_time_s", "param_count", SECONDS}


def test_a_network_that_cannot_be_built_is_told_by_none():
    study = make_study({"lr": tune.choice([1e-3, 1e-2])}, settings={"backbone": "resnet18", "image_size": 32})
    known = Foreseen(study, Space(study), {"weights": "no such weights", "frozen_stages": 99})
    costs = known.costs([{"lr": 1e-3}], Ended(points=[], table=np.zeros((0, 1)), values={}))
    assert costs.told == frozenset()
    assert costs.logs.tolist() == [[0.0, 0.0]]


def test_a_trial_that_was_stopped_early_took_the_time_that_it_ran():
    assert seconds_of(make_trial(state="FINISHED", metrics={SECONDS: 7.0})) == 7.0
    assert seconds_of(make_trial(state="KILLED", started_at=10.0, ended_at=14.0)) == 4.0
    assert np.isnan(seconds_of(make_trial(state="FAILED", started_at=10.0, ended_at=14.0)))
