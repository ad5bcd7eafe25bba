"""How many trials a search is to have, and on how many clips it chooses among them."""

import pytest
from ray import tune

from tests.support.ablation_driver import prepare_subjects, study_of
from tests.support.builders import make_trial
from tests.support.without_ray import METRICS, LoopRunner
from tuning.execution import runner as module
from tuning.plan import plan


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    return prepare_subjects(tmp_path_factory.mktemp("data"))


def search_of(**changes):
    return study_of(design=None, parameters={"lr": tune.loguniform(1e-4, 1e-2)}, num_samples=3, **changes)


def test_a_search_goes_on_with_as_many_trials_as_were_asked_for_or_as_it_has(prepared, tmp_path):
    with LoopRunner(search_of(), tmp_path, prepared) as runner:
        assert runner.search_size(None, resume=False, extend=None) == 3
        assert runner.search_size(7, resume=False, extend=None) == 7
        runner.search(2)
        runner.ledger.open_study(num_samples=4)
        assert runner.search_size(None, resume=True, extend=None) == 4, "what was asked for when it was begun"
        assert runner.search_size(None, resume=False, extend=3) == 5
        runner.search(5)
        runner.ledger.open_study(num_samples=4)
        assert runner.search_size(None, resume=True, extend=None) == 5, "it was extended"
        assert runner.search_size(9, resume=True, extend=None) == 9
        with pytest.raises(ValueError, match=r"has 5 trials\. Go on with --resume"):
            runner.search_size(None, resume=False, extend=None)


def small_search(**changes):
    """Five configurations: without a pair the shortcut is none."""
    parameters = {"rbg_depth": tune.choice([0, 1, 2]), "shortcut": tune.choice(["linear", "parameter_free"])}
    return study_of(design=None, parameters=parameters, num_samples=8, **changes)


def test_a_search_ends_with_a_sentence_when_every_configuration_is_tried(prepared, tmp_path):
    with LoopRunner(small_search(), tmp_path, prepared) as runner:
        runner.search(3, searcher="optuna:tpe")
        assert not [note for note in runner.listener.notes if note.startswith("The search of")]
        runner.search(8)
        tried = [trial.parameters for trial in runner.ledger.of_phase("search")]
        assert len(tried) == 5
        assert tried.count({"rbg_depth": 0}) == 1
        said = "The search of depths ends with 5 trials: its space has no more configurations, and none is tried twice."
        assert [note[: len(said)] for note in runner.listener.notes if note.startswith("The search of")] == [said]
        runner.search(8)
        assert len(runner.ledger.of_phase("search")) == 5
    assert plan(small_search(), home=tmp_path, num_samples=8).lines()[0] == (
        "Trainings: 5 (5 trials on 1 fold, all configurations that there are); 5 of them are done."
    )


def test_a_search_by_model_tries_promising_configurations_with_other_seeds_when_nothing_else_is_left(
    prepared, tmp_path
):
    told = iter([0.5, 0.62, 0.6, 0.61, 0.6, 0.63, 0.6, 0.64])
    with LoopRunner(small_search(), tmp_path, prepared, train=lambda _: {**METRICS, "accuracy": next(told)}) as runner:
        runner.search(8, searcher="ehvi")
        begun = runner.ledger.of_phase("search")
        assert runner.ledger.study["searcher"] == "ehvi"
        whys = [trial.proposed["why"] for trial in begun]
        different = {str(sorted(trial.parameters.items())) for trial in begun}
        assert whys[:1] == ["first"]
        assert whys.count("again") == len(begun) - len(different) >= 2
        assert len({trial.seed for trial in begun}) == len(begun)


def test_a_search_of_an_earlier_version_goes_on_without_trying_anything_again(prepared, tmp_path):
    """It wrote down the shortcut of a network without a pair, and tried both."""
    with LoopRunner(small_search(), tmp_path, prepared) as runner:
        for number, shortcut in enumerate(("linear", "parameter_free")):
            parameters = {"rbg_depth": 0, "shortcut": shortcut}
            runner.ledger.start(make_trial(number, parameters=parameters))
            runner.ledger.end(f"search-000{number}", "FINISHED", METRICS)
        halted = make_trial(2, parameters={"rbg_depth": 1, "shortcut": "linear"})
        runner.ledger.start(halted)
        runner.ledger.end(halted.trial_id, "INTERRUPTED")
        runner.search(8, searcher="optuna:tpe")
        assert runner.specs[0]["trial_id"] == "search-0002", "what was half run goes on"
        assert len(runner.specs) == 4
        assert all(spec["parameters"]["rbg_depth"] > 0 for spec in runner.specs)
        assert {trial.state for trial in runner.ledger.of_phase("search")} == {"FINISHED"}


@pytest.mark.parametrize("search_folds", [(0,), (0, 1)])
def test_the_clips_that_a_search_chooses_by_are_those_it_validated_on(prepared, tmp_path, monkeypatch, search_folds):
    counted, choose = [], module.choose
    monkeypatch.setattr(module, "choose", lambda *given: counted.append(given[3]) or choose(*given))
    with LoopRunner(search_of(search_folds=search_folds), tmp_path, prepared) as runner:
        runner.search(2)
        validated = {clip for fold in search_folds for clip in runner.splits.folds[fold].validation}
    assert counted == [len(validated)]
