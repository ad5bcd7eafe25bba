"""The budget of error that a study's gate has is the one that `status` tells of."""

import mlflow
import pytest

from tuning.confirming.judging import error_budget_of
from tuning.evidence.champion import registered_name
from tuning.records.budget.question import key_hash
from tuning.records.tags import QUESTION
from tuning.status import status


@pytest.mark.parametrize("drawn", [False, True])
def test_a_study_asks_of_the_people_that_its_status_tells_of(begin, monkeypatch, drawn):
    runner = begin({8: 0.9}, name=f"drawn-{drawn}".lower())
    object.__setattr__(runner.prepared, "drawn", drawn)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", runner.tracker.uri)
    runner.ledger.open_study(**runner.study.facts(), dataset=runner.prepared.name, drawn=drawn)
    assert error_budget_of(runner).ask(key_hash("one"), study=runner.study.name) == 0.02
    name = registered_name(runner.study, runner.prepared)
    assert name.endswith("-drawn") == drawn
    (tag,) = mlflow.MlflowClient(runner.tracker.uri).get_registered_model(name).tags
    assert tag.startswith(QUESTION)
    (found,) = status(runner.study.name, home=runner.home)
    assert (found.error_budget.model, found.error_budget.left, found.error_budget.as_of) == (
        name,
        pytest.approx(0.03),
        None,
    )
    heard = [event for event in runner.ledger.events if event["event"] == "error_budget"]
    assert [event["left"] for event in heard] == [pytest.approx(0.03)]
