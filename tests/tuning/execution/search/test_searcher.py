"""What is tried next: proposals, and how Optuna is told what became of them."""

import dataclasses
import math

import optuna
import pytest
from optuna.trial import TrialState
from ray import tune

from search_spaces.core.study import Study
from tests.support.builders import make_trial
from tuning.execution.search.optuna_searcher import OptunaSearcher
from tuning.execution.search.searcher import ListSearcher
from tuning.execution.seeds import SEARCH_STRIDE

SPACE = {
    "rbg_depth": tune.choice([0, 1, 2]),
    "attention": tune.choice(["none", "eca"]),
    "lr": tune.loguniform(1e-4, 1e-2),
    "gru_hidden": tune.randint(8, 33),
}
POINT = {"rbg_depth": 2, "attention": "eca", "lr": 0.001, "gru_hidden": 32}
METRICS = {"accuracy": 0.8, "train_time_s": 10.0, "param_count": 1e6}


def make_study(**fields):
    given = {"trainable": "res_rbg", "dataset": "drawn_faces", "registered_model": "demo", "parameters": SPACE}
    return Study(**{**given, **fields})


def propose_all(proposer):
    """All proposals, each with its id as the ledger would give it."""
    trials = []
    while (trial := proposer.ask()) is not None:
        trial.trial_id = f"search-{len(trials):04d}"
        trials.append(trial)
    return trials


def ended(trial, state="FINISHED", metrics=METRICS):
    return dataclasses.replace(trial, state=state, metrics=dict(metrics))


def optuna_study(proposer) -> optuna.Study:
    return proposer._optuna


def test_there_are_num_samples_trials_in_all():
    study = make_study(seed=3, search_folds=(0, 2))
    trials = propose_all(OptunaSearcher(study, num_samples=5, begun=[]))
    assert len(trials) == 5
    for number, trial in enumerate(trials):
        assert (trial.phase, trial.state, trial.folds) == ("search", "RUNNING", (0, 2))
        assert trial.seed == 3 * SEARCH_STRIDE + number
        assert trial.parameters.keys() == SPACE.keys()
        assert trial.parameters["rbg_depth"] in (0, 1, 2)
        assert 1e-4 <= trial.parameters["lr"] <= 1e-2
        assert 8 <= trial.parameters["gru_hidden"] <= 32
    more = propose_all(OptunaSearcher(study, num_samples=8, begun=[ended(trial) for trial in trials]))
    assert [trial.seed for trial in more] == [3 * SEARCH_STRIDE + number for number in (5, 6, 7)]
    assert OptunaSearcher(study, num_samples=5, begun=trials).ask() is None


def test_optuna_is_told_how_each_trial_ended_and_nothing_stays_running():
    proposer = OptunaSearcher(make_study(), num_samples=6, begun=[])
    trials = propose_all(proposer)
    values = list(METRICS.values())
    proposer.tell(ended(trials[5]))
    proposer.tell(ended(trials[0]))
    proposer.tell(ended(trials[1], "FAILED", {}))
    proposer.tell(ended(trials[2], "KILLED", METRICS))  # what it had so far cannot be compared
    proposer.tell(ended(trials[3], "FINISHED", {**METRICS, "accuracy": math.nan}))
    proposer.tell(ended(trials[4], "FINISHED", {"accuracy": 0.5}))
    found = optuna_study(proposer).trials
    complete, fail = TrialState.COMPLETE, TrialState.FAIL
    assert [trial.state for trial in found] == [complete, fail, fail, fail, fail, complete]
    assert found[0].values == values
    assert found[0].params == trials[0].parameters
    assert found[5].params == trials[5].parameters


@pytest.mark.parametrize("state", ["FINISHED", "FAILED"])
def test_a_trial_resumed_from_an_earlier_run_teaches_too(state):
    halted = make_trial(0, parameters=POINT, state="INTERRUPTED")
    proposer = OptunaSearcher(make_study(), num_samples=3, begun=[halted])
    fresh = propose_all(proposer)
    proposer.tell(ended(halted, state))
    for trial in fresh:
        proposer.tell(ended(trial))
    learnt = [trial.params for trial in optuna_study(proposer).trials if trial.state == TrialState.COMPLETE]
    assert len(fresh) == 2
    assert (POINT in learnt) == (state == "FINISHED")
    assert not [trial for trial in optuna_study(proposer).trials if trial.state == TrialState.RUNNING]


def test_past_trials_that_fit_todays_space_are_learnt_and_others_are_not():
    def past(number, state="FINISHED", metrics=METRICS, **changes):
        return make_trial(number, parameters={**POINT, **changes}, state=state, metrics=metrics)

    without = {key: value for key, value in POINT.items() if key != "attention"}
    begun = [
        past(0),
        past(1, rbg_depth=3),  # a choice that was taken away
        past(2, lr=0.5),  # beyond a bound
        past(3, attention=7),  # of another type
        past(4, lr="fast"),
        past(5, dropout=0.1),  # a parameter that is fixed today
        make_trial(6, parameters=without, state="FINISHED", metrics=METRICS),
        past(7, gru_hidden=33),
        past(8, state="FAILED", metrics={}),
        past(9, state="KILLED"),
        past(10, metrics={"accuracy": 0.5}),  # of a study with other objectives
        past(11, rbg_depth=0),
    ]
    proposer = OptunaSearcher(make_study(), num_samples=13, begun=begun)
    learnt = optuna_study(proposer).trials
    assert [trial.params["rbg_depth"] for trial in learnt] == [2, 0]
    assert {trial.state for trial in learnt} == {TrialState.COMPLETE}
    assert learnt[0].values == list(METRICS.values())
    assert len(propose_all(proposer)) == 1


def test_what_was_learnt_changes_what_is_proposed():
    """Twelve trials say that a small learning rate is better in everything."""
    begun = []
    for number in range(12):
        rate = 1e-4 if number % 2 else 1e-2
        good = {"accuracy": 0.9 if number % 2 else 0.2, "train_time_s": 1 if number % 2 else 50, "param_count": 1e6}
        parameters = {**POINT, "lr": rate * (1 + number / 100) if number % 2 else rate / (1 + number / 100)}
        begun.append(make_trial(number, parameters=parameters, state="FINISHED", metrics=good))
    rates = [t.parameters["lr"] for t in propose_all(OptunaSearcher(make_study(), num_samples=32, begun=begun))]
    assert sum(rate < 1e-3 for rate in rates) >= 15  # half of them by chance


def test_first_points_are_tried_first_and_not_again():
    second = {**POINT, "rbg_depth": 0}
    study = make_study(first_points=(POINT, second))
    trials = propose_all(OptunaSearcher(study, num_samples=4, begun=[]))
    assert [trial.parameters for trial in trials[:2]] == [POINT, second]
    again = propose_all(OptunaSearcher(study, num_samples=6, begun=[ended(trial) for trial in trials[:1]]))
    assert again[0].parameters == second
    assert POINT not in [trial.parameters for trial in again]


def test_the_front_on_former_data_is_tried_before_first_points_as_far_as_it_fits():
    second = {**POINT, "rbg_depth": 0}
    front = [make_trial(3, parameters=second), make_trial(4, parameters={**POINT, "attention": "gone"})]
    trials = propose_all(OptunaSearcher(make_study(first_points=(POINT, second)), num_samples=4, begun=[], first=front))
    assert [trial.parameters for trial in trials[:2]] == [second, POINT]
    assert second not in [trial.parameters for trial in trials[1:]]


def test_a_first_point_may_leave_parameters_open():
    study = make_study(first_points=({"rbg_depth": 2, "attention": "eca"},))
    first = propose_all(OptunaSearcher(study, num_samples=1, begun=[]))[0]
    assert (first.parameters["rbg_depth"], first.parameters["attention"]) == (2, "eca")
    assert first.parameters.keys() == SPACE.keys()
    more = OptunaSearcher(study, num_samples=2, begun=[ended(first)])
    assert not [trial for trial in optuna_study(more).trials if trial.state == TrialState.WAITING]


def test_the_same_seed_proposes_the_same():
    def parameters(seed):
        proposer = OptunaSearcher(make_study(seed=seed), num_samples=6, begun=[])
        return [trial.parameters for trial in propose_all(proposer)]

    assert parameters(1) == parameters(1)
    assert parameters(1) != parameters(2)


def test_a_list_is_proposed_in_order():
    trials = [make_trial(number) for number in range(3)]
    proposer = ListSearcher(trials)
    assert [proposer.ask() for _ in range(4)] == [*trials, None]
    assert len(trials) == 3
    proposer.tell(trials[0])


def test_a_search_that_goes_on_does_not_draw_again_what_it_drew_before():
    """Trials that failed taught nothing, so only the sampler's seed tells the two apart."""
    trials = propose_all(OptunaSearcher(make_study(), num_samples=4, begun=[]))
    failed = [ended(trial, "FAILED", {}) for trial in trials]
    more = propose_all(OptunaSearcher(make_study(), num_samples=8, begun=failed))
    assert not {trial.parameters["lr"] for trial in trials} & {trial.parameters["lr"] for trial in more}
