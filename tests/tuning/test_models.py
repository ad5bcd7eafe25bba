"""What is registered, with and without a champion, and what is left of the error level for each set of people."""

import json

import pytest

import fertune
from tests.support.command import call
from tests.support.mlflow_store import MODEL, new_store, register
from tuning.evidence.gate.error_budget import ErrorBudget
from tuning.records.budget.question import Balance, key_hash


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setenv("FERTUNE_HOME", str(tmp_path))
    return tmp_path


def test_where_nothing_is_registered_it_is_said(home):
    new_store(home)
    assert fertune.models() == []
    assert call("list", "models").stdout == "No model is registered. Run a study, and `promote` it.\n"
    assert call("list", "models", "--json").stdout == ""


def test_a_model_is_told_with_its_champion_and_each_set_of_people_that_was_asked(home):
    uri = new_store(home)
    register(home, "first", "f" * 64)
    assert call("list", "models").stdout.startswith(
        f"{MODEL}: no champion\n  5 of 5 % of the error level left for {MODEL}"
    )
    register(home, "second", "f" * 64, champion=True)
    for salt, count in (("clips smiles", 1), ("others smiles", 2)):
        for number in range(count):
            ErrorBudget.of(uri, MODEL, salt).ask(key_hash(number))
    (found,) = fertune.models()
    assert (found.version, found.study, found.accuracy, found.override) == (2, "second", None, None)
    assert found.error_budgets == [
        Balance(model=MODEL, left=pytest.approx(0.03), asked=1, salt="clips smiles"),
        Balance(model=MODEL, left=pytest.approx(0.018), asked=2, salt="others smiles"),
    ]
    said = call("list", "models").stdout
    assert "  clips smiles: 3 of 5 % of the error level left" in said
    assert "  others smiles: 1.8 of 5 % of the error level left" in said
    (row,) = map(json.loads, call("list", "models", "--json").stdout.splitlines())
    assert [one["left"] for one in row["error_budgets"]] == [pytest.approx(0.03), pytest.approx(0.018)]
    assert fertune.list("models") == [MODEL]


def test_of_what_there_is_none_the_kinds_are_named(home):
    with pytest.raises(ValueError, match="models"):
        fertune.list("modles")
