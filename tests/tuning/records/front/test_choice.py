"""What a ledger is told of a selection: the exact front, who may belong to it, the recommended one, how sure that is."""

import json
from types import SimpleNamespace

import pytest

from search_spaces.core.study import PARETO
from tests.support.sample_study import write_sample
from tests.tuning.records.front.test_noise import begun
from tuning.records.front.choice import choose
from tuning.records.ledger import Ledger
from tuning.statistics.front_probability import REAL_MEMBER

STUDY = SimpleNamespace(objectives=PARETO, seed=0)


def chosen(ledger, **facts):
    if facts:
        ledger.open_study(**facts)
    return choose(STUDY, ledger, ledger.finished("search"), 64)


@pytest.fixture
def ledger(tmp_path):
    write_sample(tmp_path, confirmed=False)
    with Ledger.write(tmp_path / "smiles") as ledger:
        yield ledger


def test_members_are_those_of_a_probability_of_a_fifth_and_the_exact_front_stays(ledger):
    found = chosen(ledger)
    assert list(found.front) == ledger.selection["front"]
    assert set(found.front_probability) == {trial.trial_id for trial in ledger.finished("search")}
    assert set(found.members) == {name for name, share in found.front_probability.items() if share >= REAL_MEMBER}
    assert set(found.members) - set(found.front), "one that is dominated as measured may belong there"
    assert min(found.front_probability[name] for name in found.front) > 0
    assert found.recommended in found.members
    assert sum(found.sureness.values()) == pytest.approx(1, abs=0.02)


def test_it_is_the_same_each_time_and_as_a_ledger_keeps_it(ledger):
    facts = chosen(ledger).facts()
    assert facts == chosen(ledger).facts() == json.loads(json.dumps(facts))
    ledger.select(**facts)
    before = len(ledger.events)
    ledger.select(**chosen(ledger).facts())
    assert len(ledger.events) == before, "nothing new to say"
    assert Ledger.read(ledger.folder).selection == facts


def test_the_preference_that_the_ledger_keeps_is_chosen_by(ledger):
    trials = ledger.trials
    best = chosen(ledger, prefer="accuracy")
    assert trials[best.recommended].metrics["accuracy"] == max(
        trials[name].metrics["accuracy"] for name in best.members
    )
    small = chosen(ledger, prefer="small").recommended
    assert trials[small].metrics["param_count"] < trials[best.recommended].metrics["param_count"]
    limited = chosen(ledger, prefer="param_count<=11.4M")
    assert limited.recommended
    assert trials[limited.recommended].metrics["param_count"] <= 11.4e6
    assert not limited.unmet
    assert limited.prefer == "param_count<=11.4M"
    assert limited.front == best.front
    assert limited.front_probability == best.front_probability


def test_a_preference_may_name_what_is_no_objective(ledger):
    found = chosen(ledger, prefer="latency_ms<=17")
    assert ledger.trials[found.recommended].metrics["latency_ms"] <= 17


def test_limits_that_nothing_keeps_to_are_told(ledger):
    found = chosen(ledger, prefer="param_count<=1")
    smallest = min(ledger.finished("search"), key=lambda trial: trial.metrics["param_count"])
    assert ledger.trials[found.recommended].metrics["param_count"] == smallest.metrics["param_count"]
    assert found.unmet == "No trial keeps to param_count<=1; the one that exceeds it least is recommended."


def test_without_a_finite_objective_nothing_is_chosen(tmp_path):
    with Ledger.write(tmp_path) as ledger:
        (trial,) = begun(ledger, 0.8)
        trial.metrics["param_count"] = float("nan")
        found = choose(STUDY, ledger, [trial], 64)
    assert (found.front, found.members, found.recommended, found.front_probability) == ((), (), None, {})
