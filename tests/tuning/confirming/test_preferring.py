"""A preference is kept with the study until another is given, and chosen by at once."""

import contextlib
import importlib

import pytest

from tests.support.ablation_driver import prepare_subjects, study_of
from tests.support.without_ray import METRICS, LoopRunner
from tests.tuning.execution.test_search_size import search_of
from tuning.confirming.preferring import choose_by, require_preference
from tuning.execution.asked import require_fitting
from tuning.records.ledger import Ledger

SMALL = {**METRICS, "accuracy": 0.78, "uar": 0.78, "param_count": 2e6, "train_time_s": 9.0}
WEAK = {**METRICS, "accuracy": 0.1, "uar": 0.1, "param_count": 1e6}


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    return prepare_subjects(tmp_path_factory.mktemp("data"))


@pytest.fixture
def runner(prepared, tmp_path):
    turns = iter([METRICS, SMALL, WEAK, *[WEAK] * 4])
    with LoopRunner(search_of(), tmp_path, prepared, train=lambda spec: next(turns)) as runner:
        yield runner


def test_the_last_preference_given_is_kept_and_chosen_by(runner):
    runner.search(3, prefer="small")
    assert runner.ledger.selection["recommended"] == "search-0001"
    assert runner.ledger.selection["prefer"] == runner.ledger.study["prefer"] == "small"
    runner.search(4)
    assert runner.ledger.study["prefer"] == "small", "a search that goes on keeps it"
    assert runner.ledger.selection["recommended"] == "search-0001"
    choose_by(runner, None)
    assert runner.ledger.selection["prefer"] == "small"
    choose_by(runner, "accuracy")
    assert runner.ledger.selection["recommended"] == "search-0000"
    assert Ledger.read(runner.folder).study["prefer"] == "accuracy"
    runner.search(4, prefer="param_count<=2M")
    assert runner.ledger.selection["recommended"] == "search-0001", "where no trial is left to run, too"


@pytest.mark.parametrize(("verb", "works"), [("confirm", "confirm_search"), ("promote", "promote_winner")])
def test_confirm_and_promote_choose_by_it_before_they_train(runner, monkeypatch, verb, works):
    runner.search(3, prefer="accuracy")
    module, seen = importlib.import_module(f"tuning.{verb}"), []

    @contextlib.contextmanager
    def opened(*given, **settings):
        yield runner

    def work(opened, **asked):
        seen.append(opened.ledger.selection["recommended"])
        raise KeyboardInterrupt  # what it would train is tested elsewhere

    monkeypatch.setattr(module, "Runner", opened)
    monkeypatch.setattr(module, works, work)
    for words in (None, "small", None):
        with pytest.raises(KeyboardInterrupt):
            getattr(module, verb)("depths", prefer=words)
    assert seen == ["search-0000", "search-0001", "search-0001"]
    with pytest.raises(ValueError, match="both given"):
        getattr(module, verb)("depths", prefer="small", trial_id="search-0000")


def test_limits_that_nothing_keeps_to_are_noted(runner):
    runner.search(2, prefer="train_time_s<=1")
    assert "No trial keeps to train_time_s<=1; the one that exceeds it least is recommended." in runner.listener.notes


def test_the_exact_front_is_the_same_by_any_preference(runner):
    runner.search(3)
    front = runner.ledger.selection["front"]
    for words in ("small", "accuracy", "accuracy=3,param_count=1"):
        choose_by(runner, words)
        assert runner.ledger.selection["front"] == front


def test_what_states_no_preference_or_chooses_twice_is_refused():
    with pytest.raises(ValueError, match="The preference was given as 'cheap'"):
        require_preference("cheap")
    with pytest.raises(ValueError, match="--prefer and --trial were both given"):
        require_preference("small", "search-0000")
    with pytest.raises(ValueError, match="The preference was given as 'cheap'"):
        require_fitting(search_of(), prefer="cheap")
    with pytest.raises(ValueError, match="--prefer is an option of a search"):
        require_fitting(study_of(), prefer="small")
