"""How many trials a search is to have, and on how many clips it chooses among them."""

import pytest
from ray import tune

from tests.support.ablation_driver import prepare_subjects, study_of
from tests.support.without_ray import LoopRunner
from tuning.execution import runner as module


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


@pytest.mark.parametrize("search_folds", [(0,), (0, 1)])
def test_the_clips_that_a_search_chooses_by_are_those_it_validated_on(prepared, tmp_path, monkeypatch, search_folds):
    counted, choose = [], module.choose
    monkeypatch.setattr(module, "choose", lambda *given: counted.append(given[2]) or choose(*given))
    with LoopRunner(search_of(search_folds=search_folds), tmp_path, prepared) as runner:
        runner.search(2)
        validated = {clip for fold in search_folds for clip in runner.splits.folds[fold].validation}
    assert counted == [len(validated)]
