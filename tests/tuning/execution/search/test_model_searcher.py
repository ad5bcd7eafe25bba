"""The searcher that models quality: what it proposes, what it says of it, and what it learns."""

import dataclasses
import itertools
import math
import threading

import pytest
from ray import tune

from search_spaces.core.study import Study
from tests.support.builders import make_trial
from tuning.execution.search import ehvi
from tuning.execution.search.model_searcher import ModelSearcher
from tuning.execution.seeds import SEARCH_STRIDE

SPACE = {
    "rbg_depth": tune.choice([0, 1, 2]),
    "gru_hidden": tune.choice([8, 16, 32]),
    "attention": tune.choice(["none", "eca"]),
}
METRICS = {"accuracy": 0.8, "train_time_s": 10.0, "param_count": 1e6}
POINT = {"rbg_depth": 2, "gru_hidden": 16, "attention": "eca"}


def make_study(parameters=SPACE, **fields):
    given = {"trainable": "res_rbg", "dataset": "drawn_faces", "registered_model": "demo", "parameters": parameters}
    settings = {"backbone": "resnet18", "image_size": 32}
    return Study(**{"settings": settings, **given, **fields})


def measured(trial, number=0):
    """Depth and width help, and cost; what is measured varies a little."""
    depth, width = trial.parameters.get("rbg_depth", 0), trial.parameters.get("gru_hidden", 8)
    accuracy = 0.5 + 0.1 * depth + 0.002 * width + 0.01 * math.sin(7 * number)
    metrics = {"accuracy": accuracy, "train_time_s": 10.0 + 3 * depth, "param_count": 1e6 * (1 + depth) + 1e4 * width}
    return dataclasses.replace(trial, trial_id=f"search-{number:04d}", state="FINISHED", metrics=metrics)


def run(searcher, most=99, begun=0):
    """All that is asked for, each told before the next."""
    trials = []
    while len(trials) < most and (trial := searcher.ask()) is not None:
        trials.append(measured(trial, begun + len(trials)))
        searcher.tell(trials[-1])
    return trials


def whys(trials):
    return [trial.proposed["why"] for trial in trials]


def test_first_points_come_first_then_some_at_random_then_what_the_model_expects_most_of():
    study = make_study(first_points=(POINT, {"rbg_depth": 0}), seed=3, search_folds=(0, 2))
    trials = run(ModelSearcher(study, num_samples=7, begun=[]))
    assert len(trials) == 7
    assert trials[0].parameters == POINT
    assert trials[1].parameters["rbg_depth"] == 0
    assert whys(trials) == ["first", "first", "random", "model", "model", "model", "model"]
    assert [trial.seed for trial in trials] == [3 * SEARCH_STRIDE + number for number in range(7)]
    assert {trial.folds for trial in trials} == {(0, 2)}
    assert len({str(sorted(trial.parameters.items())) for trial in trials}) == 7


def test_a_first_point_that_was_tried_is_passed_over():
    other = {"rbg_depth": 0, "shortcut": "linear", "gru_hidden": 8, "attention": "none"}
    space = {**SPACE, "shortcut": tune.choice(["linear", "parameter_free"])}
    study = make_study(space, first_points=(other, {**other, "shortcut": "parameter_free"}, {"rbg_depth": 1}))
    trials = run(ModelSearcher(study, num_samples=5, begun=[]))
    assert [trial.parameters["rbg_depth"] for trial in trials][0::2][:2] == [0, 1]
    assert whys(trials)[0] == whys(trials)[2] == "first"
    assert len({str(sorted(trial.parameters.items())) for trial in trials}) == 5


def test_a_proposal_of_the_model_says_what_is_expected():
    trials = run(ModelSearcher(make_study(first_points=(POINT,)), num_samples=6, begun=[]))
    told = trials[-1].proposed
    mean, sd = told["expected"]["accuracy"]
    assert 0.3 < mean < 1.2
    assert sd > 0
    assert told["known"].keys() == {"train_time_s", "param_count"}
    assert told["exact"] == ["param_count"]
    assert told["gain"] > 0
    assert told["num_compared"] == 18 - 5


def test_the_same_asked_and_told_in_the_same_order_proposes_the_same():
    def parameters(seed):
        return [trial.parameters for trial in run(ModelSearcher(make_study(seed=seed), num_samples=7, begun=[]))]

    assert parameters(1) == parameters(1)
    assert parameters(1) != parameters(2)


def test_a_search_that_goes_on_knows_what_was_tried():
    study = make_study()
    trials = run(ModelSearcher(study, num_samples=6, begun=[]))
    more = run(ModelSearcher(study, num_samples=9, begun=trials), begun=6)
    assert whys(more) == ["model"] * 3
    assert [trial.seed for trial in more] == [6, 7, 8]
    tried = [tuple(sorted(trial.parameters.items())) for trial in (*trials, *more)]
    assert len(set(tried)) == 9


def test_parallel_proposals_differ():
    searcher = ModelSearcher(make_study(), num_samples=12, begun=[])
    run(searcher, most=4)
    at_once = [searcher.ask().parameters for _ in range(6)]
    assert len({str(sorted(point.items())) for point in at_once}) == 6


def test_what_failed_is_tried_again_last_and_what_cannot_fit_never():
    study = make_study({"rbg_depth": tune.choice([0, 1, 2, 3])}, first_points=({"rbg_depth": 3}, {"rbg_depth": 1}))
    searcher = ModelSearcher(study, num_samples=9, begun=[], again=False)
    broken, large = searcher.ask(), searcher.ask()
    searcher.tell(dataclasses.replace(broken, state="FAILED", error="ValueError: no."))
    searcher.tell(dataclasses.replace(large, state="FAILED", error="DoesNotFit: 9 GiB."))
    rest = run(searcher)
    assert [trial.parameters["rbg_depth"] for trial in rest][2] == 3
    assert {trial.parameters["rbg_depth"] for trial in rest} == {0, 2, 3}
    assert searcher.exhausted


def test_where_nothing_new_is_left_a_point_that_cannot_be_told_apart_gets_another_seed():
    study = make_study({"rbg_depth": tune.choice([0, 1, 2])})

    def noisy(trial, number):
        accuracy = (0.5, 0.6, 0.605)[trial.parameters["rbg_depth"]] + (0.02 if number % 2 else -0.02) * (number > 2)
        metrics = {**METRICS, "accuracy": accuracy}
        return dataclasses.replace(measured(trial, number), metrics=metrics)

    searcher, trials = ModelSearcher(study, num_samples=6, begun=[]), []
    while (trial := searcher.ask()) is not None:
        trials.append(noisy(trial, len(trials)))
        searcher.tell(trials[-1])
    assert len(trials) == 6
    assert whys(trials)[3:] == ["again"] * 3
    assert len({trial.seed for trial in trials}) == 6
    assert trials[3].proposed["num_scores"] == 1
    alone = ModelSearcher(study, num_samples=6, begun=[], again=False)
    assert len(run(alone)) == 3


def test_a_prior_is_followed_at_first_and_forgotten_where_it_is_wrong():
    wrong = make_study(prior={"rbg_depth": {0: 5, 1: 1}}, first_points=())
    trials = run(ModelSearcher(wrong, num_samples=12, begun=[]))
    depths = [trial.parameters["rbg_depth"] for trial in trials]
    assert depths[1:3].count(0) >= 1
    assert 2 in depths[3:]
    assert {"prior" in trial.proposed for trial in trials[3:]} == {True}


def test_a_conditional_and_continuous_space_is_searched_and_nothing_is_tried_twice():
    study = make_study(
        {
            "rbg_depth": tune.choice([0, 1, 2]),
            "shortcut": tune.choice(["linear", "parameter_free"]),
            "lr": tune.loguniform(1e-4, 1e-2),
            "gru_hidden": tune.randint(8, 33),
        }
    )
    trials = run(ModelSearcher(study, num_samples=7, begun=[]))
    assert len({str(sorted(trial.parameters.items())) for trial in trials}) == 7
    for trial in trials:
        assert ("shortcut" in trial.parameters) == (trial.parameters["rbg_depth"] > 0)
        assert 1e-4 <= trial.parameters["lr"] <= 1e-2
        assert 8 <= trial.parameters["gru_hidden"] <= 32
    assert "param_count" in trials[-1].proposed["exact"], "the network of what is proposed is looked at"


def test_past_trials_that_fit_todays_space_are_learnt_and_others_are_not():
    def past(number, metrics=METRICS, state="FINISHED", **changes):
        return make_trial(number, parameters={**POINT, **changes}, state=state, metrics=metrics)

    begun = [
        past(0),
        past(1, rbg_depth=3),  # a choice that was taken away
        past(2, metrics={"accuracy": 0.5}),  # of a study with other objectives
        past(3, metrics={**METRICS, "accuracy": math.nan}),
        past(4, state="KILLED"),
        past(5, dropout=0.1),  # a parameter that is fixed today
        past(6, rbg_depth=0),
    ]
    searcher = ModelSearcher(make_study(), num_samples=8, begun=begun)
    assert [point["rbg_depth"] for point, _ in searcher._ended] == [2, 0]
    assert whys(run(searcher)) == ["model"]


def test_a_trial_that_runs_since_an_earlier_run_counts_as_running_until_it_is_told():
    halted = make_trial(0, parameters=POINT, state="INTERRUPTED", folds=(0,))
    searcher = ModelSearcher(make_study(), num_samples=4, begun=[halted])
    assert searcher._running == [POINT]
    searcher.tell(measured(halted))
    assert searcher._running == []
    assert len(searcher._ended) == 1


def test_it_is_not_ready_before_its_proposal_is_and_waits_where_it_is_asked(monkeypatch):
    entered, go_on = threading.Event(), threading.Event()
    monkeypatch.setattr(ehvi.Ehvi, "propose", lambda *_: entered.set() or (go_on.wait(60) and None))
    searcher = ModelSearcher(make_study(), num_samples=3, begun=[])
    assert entered.wait(60)
    assert not searcher.ready
    go_on.set()
    assert searcher.ask() is None
    assert searcher.exhausted


def test_what_goes_wrong_in_its_thread_is_raised_where_it_is_asked(monkeypatch):
    def broken(self, history):
        raise RuntimeError("no proposal")

    monkeypatch.setattr(ehvi.Ehvi, "propose", broken)
    searcher = ModelSearcher(make_study(), num_samples=3, begun=[])
    with pytest.raises(RuntimeError, match="no proposal"):
        searcher.ask()


def test_there_are_no_more_than_num_samples():
    study = make_study()
    begun = run(ModelSearcher(study, num_samples=3, begun=[]))
    searcher = ModelSearcher(study, num_samples=3, begun=begun)
    assert searcher.ready
    assert searcher.ask() is None
    assert not searcher.exhausted
    assert list(itertools.islice(iter(searcher.ask, None), 2)) == []
