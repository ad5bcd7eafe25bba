"""A promotion by override: what it passes and what it never does, and where it is shown."""

import dataclasses
import json

import mlflow
import pytest

import fertune
from dashboards.core.page import report
from tests.support.command import call, on_terminal
from tuning.confirming import judging
from tuning.evidence.contest import Refused
from tuning.evidence.evidence_file import read_evidence
from tuning.evidence.model.override import Override
from tuning.logs import logs
from tuning.models import models
from tuning.promote import promote_winner
from tuning.records import registry
from tuning.records.aliases import aliases
from tuning.records.tags import ACCURACY_REFERENCE, MARGIN_SPENT
from tuning.status import status
from tuning.text.listing import model_lines
from tuning.text.outcomes import show_promotion
from tuning.text.tables import show_status

GOOD, FAIR, POOR = 0.97, 0.75, 0.4
REASON = "the old one is too slow"


@pytest.fixture
def client(store, monkeypatch):
    monkeypatch.setenv("LOGNAME", "ada")
    return mlflow.MlflowClient(store["uri"])


def refused_then_overridden(begin, capsys=None):
    """A challenger that is not shown to be better than the champion: the refusal, and the promotion by override."""
    first = promote_winner(begin({4: FAIR}, name="old").search(4))
    runner = begin({8: FAIR + 0.04, 4: FAIR}).search(8)
    with pytest.raises(Refused) as caught:
        promote_winner(runner)
    assert not runner.ledger.of_phase("refit")
    assert caught.value.overridable
    return first, runner, caught.value, promote_winner(runner, override=REASON)


def test_what_the_gate_refuses_is_promoted_and_evidence_verdict_and_margin_stay_what_they_are(begin, client):
    first, runner, refused, promoted = refused_then_overridden(begin)
    name = promoted.name
    assert aliases(client, name) == {"champion": 2, "previous": 1}
    assert promoted.verdict == refused.verdict
    assert not promoted.verdict.promoted
    assert promoted.override == Override(reason=REASON, user="ada", refused=refused.verdict.reason)
    stated = client.get_model_version(name, "2").tags
    assert (stated["fertune.override"], stated["fertune.override_user"]) == (REASON, "ada")
    assert stated["fertune.overridden"] == refused.verdict.reason
    assert float(stated[MARGIN_SPENT]) == pytest.approx(max(-refused.verdict.low, 0), abs=1e-6)
    assert float(stated[MARGIN_SPENT]) > 0
    assert stated[ACCURACY_REFERENCE] == f"models:/{name}/{first.version}"
    facts = read_evidence(runner.folder / "trials" / "refit-0000" / "evidence.json")
    assert [verdict["promoted"] for verdict in facts["verdicts"]] == [False]
    assert facts["verdicts"][0]["reason"] == refused.verdict.reason
    assert facts["override"] == {"reason": REASON, "user": "ada", "refused": refused.verdict.reason}
    assert facts["replaced"]["version"] == 1
    refusals = [event for event in runner.ledger.events if event["event"] == "refused"]
    assert len(refusals) == 1, "the same question, asked once"
    again = promote_winner(runner, override="another reason")
    assert (again.already, again.override) == (True, promoted.override)
    assert runner.notes[-1] == "The override was not needed: search-0000 is champion already."


def test_it_is_shown_wherever_the_version_is(begin, client, capsys, monkeypatch):
    _, runner, refused, promoted = refused_then_overridden(begin)
    told = f"promoted by override: {REASON} (ada); the gate said: {refused.verdict.reason}"
    show_promotion(promoted, on_terminal())
    assert f"It was {told}" in capsys.readouterr().out
    show_promotion(promoted, on_terminal(as_json=True))
    assert json.loads(capsys.readouterr().out)["override"]["reason"] == REASON
    show_status(runner.home, status(runner.study.name, home=runner.home), False)
    assert told in capsys.readouterr().out
    assert status(runner.study.name, home=runner.home)[0].promoted[-1]["override"]["user"] == "ada"
    assert any(told in line.text for line in logs(runner.study.name, home=runner.home))
    assert told in client.get_model_version(promoted.name, "2").description
    page = report(runner.study.name, runner.folder / "page.html", home=runner.home).read_text()
    assert f"It was {told}".replace("'", "&#x27;") in page
    monkeypatch.setenv("MLFLOW_TRACKING_URI", runner.tracker.uri)
    (found,) = [one for one in models(home=runner.home) if one.name == promoted.name]
    assert (found.version, found.study, found.override) == (2, runner.study.name, promoted.override)
    assert f"  {told}" in model_lines(found)
    left = f"  3 of 5 % of the error level left for {promoted.name} on these people, 1 question asked"
    assert left in model_lines(found), "an override earns nothing back"
    assert promoted.name in fertune.list("models", home=runner.home)
    monkeypatch.setenv("FERTUNE_HOME", str(runner.home))
    assert told in call("list", "models").stdout
    rows = [json.loads(line) for line in call("list", "models", "--json").stdout.splitlines()]
    assert REASON in [row["override"]["reason"] for row in rows if row["override"]]


def test_a_first_champion_below_the_majority_baseline_passes_by_override_with_what_was_measured(begin, client):
    runner = begin({8: 0.6}).search(8)
    promoted = promote_winner(runner, override=REASON)
    said = promoted.override.refused
    assert said.startswith("the lower bound of its accuracy on the holdout (16 people, 32 clips) is ")
    assert "tune.py" not in said, "no path of this machine goes into the evidence"
    facts = read_evidence(runner.folder / "trials" / "refit-0000" / "evidence.json")
    assert facts["test"]["over_majority"]["low"] < facts["majority"]
    assert facts["override"]["refused"] == said
    assert client.get_model_version(promoted.name, "1").tags[MARGIN_SPENT] == "0"


def test_both_conditions_are_looked_at_and_told(begin, client):
    promote_winner(begin({4: FAIR}, name="old").search(4))
    promoted = promote_winner(begin({8: 0.5, 4: FAIR}).search(8), trial_id="search-0000", override=REASON)
    assert "majority baseline" in promoted.override.refused
    assert promoted.override.refused.endswith(promoted.verdict.reason)


def test_where_the_gate_lets_it_pass_the_override_is_told_as_not_needed_and_not_tagged(begin, client):
    runner = begin({8: GOOD}).search(8)
    promoted = promote_winner(runner, override=REASON)
    assert promoted.override is None
    assert "The override was not needed: the gate lets search-0000 pass, so nothing is tagged with it." in runner.notes
    assert not [key for key in client.get_model_version(promoted.name, "1").tags if "overrid" in key]
    facts = read_evidence(runner.folder / "trials" / "refit-0000" / "evidence.json")
    assert facts["override"] is None


def test_a_superior_challenger_below_the_majority_baseline_does_not_reset_the_margin(begin, client, monkeypatch):
    """The champion test is passed, the other is not: what was given up before stays given up."""
    first = promote_winner(begin({4: POOR}, name="old").search(4), override=REASON)
    client.set_model_version_tag(first.name, "1", MARGIN_SPENT, "0.015")

    def refuses(*_):
        raise Refused("long", overridable=True, gate="below", over_majority={"look": 1, "confidence": 0.95, "low": 0.1})

    monkeypatch.setattr(judging, "require_beats_majority", refuses)
    promoted = promote_winner(begin({8: GOOD, 4: POOR}).search(8), override=REASON)
    assert promoted.verdict.superior
    stated = client.get_model_version(first.name, "2").tags
    assert (float(stated[MARGIN_SPENT]), stated[ACCURACY_REFERENCE]) == (0.015, f"models:/{first.name}/1")


@pytest.mark.parametrize("reason", ["", "two\nlines"], ids=["empty", "two-lines"])
def test_a_reason_that_cannot_be_written_down_is_refused_before_anything_is_trained(begin, reason):
    runner = begin({8: GOOD}).search(8)
    with pytest.raises(ValueError, match="--override was given as"):
        promote_winner(runner, override=reason)
    assert not runner.asked
    with pytest.raises(ValueError, match="--override was given as"):
        fertune.promote("smiles", override=reason, home=runner.home / "nowhere")
    assert not (runner.home / "nowhere").exists()


@pytest.mark.slow
def test_where_a_promotion_makes_no_sense_no_override_passes(begin, client):
    first = promote_winner(begin({4: FAIR}, name="old").search(4))
    failing = begin({8: GOOD, 4: FAIR}, name="failing").search(8)
    failing.fails = lambda trial: trial.phase == "race"
    with pytest.raises(Refused, match="it diverged"):
        promote_winner(failing, override=REASON)
    leaky = begin({8: GOOD}, name="leaky").search(8)
    leaky.splits = dataclasses.replace(leaky.splits, leaky=True)
    with pytest.raises(Refused, match="random_leaky"):
        promote_winner(leaky, override=REASON)
    unfinished = begin({8: GOOD, 4: FAIR}, name="unfinished").search(8)
    unfinished.fails = lambda trial: trial.variant == "champion"
    with pytest.raises(Refused, match="could not be trained with 2 seeds"):
        promote_winner(unfinished, override=REASON)
    client.set_model_version_tag(first.name, "1", "fertune.classes", '["sad"]')
    with pytest.raises(Refused, match="other classes"):
        promote_winner(begin({8: GOOD}, name="classes").search(8), override=REASON)
    assert aliases(client, first.name) == {"champion": 1}


def test_a_promotion_that_died_before_it_was_written_down_is_written_down_with_its_override(begin, client, monkeypatch):
    runner = begin({8: 0.6}).search(8)
    note = runner.ledger.note

    def dies(event, **facts):
        if event == "promoted":
            raise KeyboardInterrupt
        note(event, **facts)

    monkeypatch.setattr(runner.ledger, "note", dies)
    with pytest.raises(KeyboardInterrupt):
        promote_winner(runner, override=REASON)
    monkeypatch.setattr(runner.ledger, "note", note)
    promote_winner(runner)
    (event,) = [event for event in runner.ledger.events if event["event"] == "promoted"]
    assert event["override"]["reason"] == REASON
    assert len(registry.registered(runner.tracker.uri)) >= 1
