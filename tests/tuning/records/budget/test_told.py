"""What `status` tells of the error level left: by the registry where it is a file here, else by what the ledger heard."""

import json

import pytest

from tests.support.mlflow_store import new_store
from trainables.core.prepared.splits import salt_of
from tuning.evidence.gate.error_budget import ErrorBudget
from tuning.records.budget.question import key_hash
from tuning.records.budget.told import balance_of
from tuning.records.ledger import Ledger
from tuning.status import status
from tuning.text.tables import show_status

FACTS = {"registered_model": "smiles", "dataset": "clip_folder", "design": None, "leaky": False, "drawn": False}


@pytest.fixture(autouse=True)
def here(monkeypatch):
    for name in ("MLFLOW_TRACKING_URI", "MLFLOW_REGISTRY_URI"):
        monkeypatch.delenv(name, raising=False)


def begun(home, name="smiles", **changes):
    with Ledger.write(home / name) as ledger:
        ledger.open_study(**{**FACTS, **changes})
    return ledger


def budget_in(home, model="smiles", **given):
    return ErrorBudget.of(new_store(home), model, salt_of("clip_folder", "smiles"), **given)


def test_what_another_study_asked_is_told_of_this_one_too(tmp_path, capsys):
    begun(tmp_path)
    assert status("smiles", home=tmp_path)[0].error_budget.left == 0.05
    budget_in(tmp_path).ask(key_hash("one"), study="another")
    found = status("smiles", home=tmp_path)
    show_status(tmp_path, found, False)
    told = "3 of 5 % of the error level left for smiles on these people, 1 question asked"
    assert f"  {told}\n" in capsys.readouterr().out
    show_status(tmp_path, found, True)
    assert json.loads(capsys.readouterr().out)["error_budget"] == {
        "model": "smiles",
        "left": pytest.approx(0.03),
        "of": 0.05,
        "asked": 1,
        "promoted": 0,
        "salt": "clip_folder smiles",
        "as_of": None,
    }


def test_where_it_is_hopeless_it_is_said_what_renews_it(tmp_path):
    begun(tmp_path)
    budget = budget_in(tmp_path)
    for number in range(8):
        budget.ask(key_hash(number))
    assert "What renews it is a promotion, or other people" in status("smiles", home=tmp_path)[0].error_budget.told


def test_of_a_registry_on_a_server_it_tells_what_the_ledger_heard_last_without_asking(tmp_path, monkeypatch):
    with Ledger.write(tmp_path / "smiles") as ledger:
        ledger.open_study(**FACTS)
        budget = budget_in(tmp_path, ledger=ledger)
        budget.ask(key_hash("one"))
        budget.ask(key_hash("two"))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    (found,) = status("smiles", home=tmp_path)
    assert (found.error_budget.left, found.error_budget.asked) == (pytest.approx(0.018), 2)
    assert ", 2 questions asked, as of 20" in found.error_budget.told
    begun(tmp_path, "unasked")
    assert status("unasked", home=tmp_path)[0].error_budget is None, "nobody knows here"


def test_the_drawn_copy_of_a_data_set_has_its_own(tmp_path):
    ledger = begun(tmp_path, drawn=True)
    budget_in(tmp_path).ask(key_hash("one"))
    assert balance_of(ledger, tmp_path) == balance_of(ledger, tmp_path / "elsewhere")
    assert balance_of(ledger, tmp_path).model == "smiles-drawn"


@pytest.mark.parametrize(
    "changes", [{"design": {"variants": {}}}, {"leaky": True}, {"registered_model": None}, {"dataset": None}]
)
def test_what_can_promote_nothing_and_what_does_not_say_its_model_has_none(tmp_path, changes):
    assert balance_of(begun(tmp_path, **changes), tmp_path) is None
