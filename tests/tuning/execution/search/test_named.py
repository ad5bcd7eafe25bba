"""A searcher by its name."""

import optuna
import pytest
from ray import tune

from search_spaces.core.study import Objective, Study
from tests.support.builders import make_trial
from tuning.execution.asked import require_fitting
from tuning.execution.search.model_searcher import ModelSearcher
from tuning.execution.search.named import name_for, require_searcher, search_of, searcher_of
from tuning.execution.search.optuna_searcher import OptunaSearcher
from tuning.records.ledger import Ledger

COSTS = (Objective(metric="accuracy"), Objective(metric="latency_ms"))


def make_study(**fields):
    given = {"trainable": "res_rbg", "dataset": "drawn_faces", "registered_model": "demo", "name": "demo"}
    return Study(**{**given, "parameters": {"rbg_depth": tune.choice([0, 1, 2])}, **fields})


@pytest.mark.parametrize(
    ("name", "sampler"),
    [
        ("optuna:tpe", optuna.samplers.TPESampler),
        ("optuna:nsga2", optuna.samplers.NSGAIISampler),
        ("optuna:gp", optuna.samplers.GPSampler),
        ("optuna:random", optuna.samplers.RandomSampler),
        ("optuna.samplers:QMCSampler", optuna.samplers.QMCSampler),
    ],
)
def test_any_sampler_of_optunas_is_one_word_away(name, sampler):
    searcher = searcher_of(name_for(make_study(), name), make_study(), num_samples=3, begun=[])
    assert isinstance(searcher, OptunaSearcher)
    assert type(searcher._optuna.sampler) is sampler
    assert searcher.ready
    assert searcher.ask().parameters.keys() == {"rbg_depth"}


@pytest.mark.parametrize(
    "name", ["optuna:best", "tpe", "optuna.samplers:Sampler", "nowhere:Sampler", "os:path", ":", ""]
)
def test_a_name_that_is_none_is_answered_with_those_that_are(name):
    with pytest.raises(ValueError, match=r"was given as .*; allowed are ehvi, optuna:tpe, .*import path"):
        require_searcher(name)
    with pytest.raises(ValueError, match="allowed are ehvi"):
        require_fitting(make_study(), searcher=name)


def test_the_one_that_models_quality_is_asked_for_and_another_searches_what_it_cannot():
    told = []
    assert name_for(make_study(), None, told.append) == "optuna:tpe"
    assert {name_for(one, "ehvi", told.append) for one in (make_study(), make_study(objectives=COSTS))} == {"ehvi"}
    assert told == []
    both = make_study(objectives=(Objective(metric="accuracy"), Objective(metric="uar")))
    assert name_for(both, "ehvi", told.append) == "optuna:tpe"
    assert name_for(make_study(objectives=(Objective(metric="param_count"),)), "ehvi", told.append) == "optuna:tpe"
    assert told[0].endswith("the objectives are accuracy, uar.")
    assert len(told) == 2


def test_a_search_goes_on_with_the_searcher_that_it_had_until_another_is_asked_for(tmp_path):
    told = []
    with Ledger.write(tmp_path / "demo") as ledger:
        assert isinstance(search_of(make_study(), ledger, 9, "ehvi", told.append).searcher, ModelSearcher)
        ledger.open_study(searcher="optuna:random")
        ledger.start(make_trial(0, parameters={"rbg_depth": 1}))
        found = search_of(make_study(), ledger, 9, None, told.append)
        assert (found.name, found.num_new) == ("optuna:random", 2)
        assert told == [found.all_tried(3)]
        assert "none is tried twice" in told[0]
        found = search_of(make_study(), ledger, 9, "ehvi", told.append)
        assert (found.name, found.num_new) == ("ehvi", 8)
        assert "further seeds of its best would tell no more" in found.all_tried(5)


def test_what_searches_nothing_takes_no_searcher():
    from search_spaces.core.designs import sweep

    ablation = make_study(parameters={}, design=sweep("rbg_depth", [0, 1]))
    with pytest.raises(ValueError, match="Study demo searches nothing; --searcher is for searches"):
        require_fitting(ablation, searcher="ehvi")
