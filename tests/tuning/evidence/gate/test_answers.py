"""What racers answered, as the gate reads it from their predictions."""

import numpy as np
import pytest

from tests.support.hand_runner import HandRunner
from tuning.confirm import confirm_search
from tuning.evidence.gate.answers import candidate, seeds_in_all, trainings_of
from tuning.records.ledger import Trial


@pytest.fixture
def raced(store, request):
    with HandRunner(request.node.name, {8: 0.9, 4: 0.7}, **store, registered=request.node.name) as runner:
        confirm_search(runner.search(8, 4), top=2)
        yield runner


def of(runner, name, *, seeds, num_members=1, left_out=()):
    trainings = trainings_of(runner.ledger, name, range(3))
    given = {"num_members": num_members, "left_out": left_out, "subjects_are": "people"}
    return candidate(runner.ledger, name, trainings, seeds=seeds, **given)


def again(runner, name, seed):
    parameters = dict(runner.ledger.trials[name].parameters)
    trials = [Trial(phase="race", parameters=parameters, seed=seed, folds=(fold,), of=name) for fold in range(3)]
    runner.run_listed("race", trials)


def test_every_clip_of_the_folds_is_there_once_with_a_column_for_each_seed(raced):
    (seed,) = seeds_in_all(trainings_of(raced.ledger, "search-0000", range(3)))
    again(raced, "search-0000", seed + 1)
    found = of(raced, "search-0000", seeds=[seed, seed + 1])
    tested = [raced.prepared.clip_ids[i] for fold in range(3) for i in raced.splits.view("race", fold).test]
    assert sorted(found.answers["clip_id"]) == sorted(tested)
    assert found.correct.shape == (len(tested), 2)
    assert found.correct.mean() == pytest.approx(0.9, abs=0.02)
    assert len(found.costs.train_times_s) == 6


def test_clips_that_are_left_out_are_gone(raced):
    seeds = seeds_in_all(trainings_of(raced.ledger, "search-0000", range(3)))
    whole = of(raced, "search-0000", seeds=seeds)
    gone = set(whole.answers["clip_id"][:5])
    found = of(raced, "search-0000", seeds=seeds, left_out=gone)
    assert set(found.answers["clip_id"]) == set(whole.answers["clip_id"]) - gone


def test_several_that_answer_together_cost_as_much_together(raced):
    (seed,) = seeds_in_all(trainings_of(raced.ledger, "search-0000", range(3)))
    again(raced, "search-0000", seed + 1)
    one = of(raced, "search-0000", seeds=[seed, seed + 1])
    two = of(raced, "search-0000", seeds=[seed, seed + 1], num_members=2)
    assert two.costs.param_count == 2 * one.costs.param_count
    assert two.costs.train_times_s == tuple(2 * np.array(one.costs.train_times_s))
    assert set(np.round(two.correct.mean(axis=1), 9)) <= {0.0, 1.0}, "together they answer once"


def test_seeds_that_a_fold_lacks_are_not_compared(raced):
    (seed,) = seeds_in_all(trainings_of(raced.ledger, "search-0000", range(3)))
    parameters = dict(raced.ledger.trials["search-0000"].parameters)
    raced.run_listed("race", [Trial(phase="race", parameters=parameters, seed=seed + 1, folds=(0,), of="search-0000")])
    assert seeds_in_all(trainings_of(raced.ledger, "search-0000", range(3))) == [seed]
