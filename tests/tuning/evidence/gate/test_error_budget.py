"""The budget of error over homes that share a store, and what the ledger hears of it."""

from functools import partial

import pytest

from tests.support.mlflow_store import new_store
from trainables.core.prepared.splits import salt_of
from tuning.evidence.gate.error_budget import ErrorBudget
from tuning.records.budget.question import EVENT, key_hash
from tuning.records.ledger import Ledger
from tuning.records.mlflow_client import default_uri

NAME = "smiles"
KEY = key_hash({"challengers": ["a"], "against": 1})


@pytest.fixture
def homes(tmp_path, monkeypatch):
    """Two homes that track into one store; makes budgets as a study in one of them does."""
    uri = new_store(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    return [
        partial(ErrorBudget.of, default_uri(tmp_path / home), NAME, salt_of("clip_folder", NAME))
        for home in ("one", "two")
    ]


def test_two_homes_share_it(homes):
    one, two = (of() for of in homes)
    assert one.left == two.left == 0.05
    assert one.ask(KEY, study="first", challenger="search-0001") == 0.02
    assert two.left == pytest.approx(0.03)
    assert two.ask(KEY, study="second") == 0.02
    assert two.ask(key_hash("another")) == pytest.approx(0.012)
    two.settle(key_hash("another"), promoted=True)
    assert one.left == pytest.approx(0.018 + 0.05)
    assert [(one.study, one.state) for one in one.questions] == [("first", "asked"), ("", "promoted")]
    assert "6.8 % (at first 5 %) of the error level left for smiles" in one.balance.told


def test_the_ledger_hears_of_what_is_left(homes, tmp_path):
    with Ledger.write(tmp_path / "study") as ledger:
        budget = homes[0](ledger=ledger)
        budget.ask(KEY)
        budget.settle(KEY, promoted=False)
        heard = [event for event in ledger.events if event["event"] == EVENT]
    assert [(event["model"], event["left"], event["asked"], event["promoted"]) for event in heard] == [
        (NAME, pytest.approx(0.03), 1, 0)
    ] * 2


def test_refusals_alone_never_pay_more_than_five_percent(homes):
    budget = homes[0]()
    levels = [budget.ask(key_hash(number)) for number in range(8)]
    assert levels == sorted(levels, reverse=True)
    assert sum(levels) < 0.05
    assert budget.balance.is_hopeless


def test_one_challenger_earns_against_one_champion_once(homes):
    budget = homes[0]()
    for name in ("two seeds", "three seeds"):
        budget.ask(key_hash(name), challenger="abc against models:/smiles/1")
        budget.settle(key_hash(name), promoted=True)
    assert [one.state for one in budget.questions] == ["promoted", "refused"]
