"""The rows of baselines under a front."""

import io
import json

import pytest
from rich.console import Console

from search_spaces.core.study import PARETO
from tests.support.sample_study import write_sample
from tests.support.tiny_study import tiny_study
from tuning.records.ledger import Ledger
from tuning.records.ran import Ran
from tuning.text.baseline_tables import show_baselines
from tuning.text.outcomes import show_front
from tuning.text.progress import TerminalListener
from tuning.text.shown import Shown


@pytest.fixture
def ledger(tmp_path):
    return Ledger.read(write_sample(tmp_path))


def shown_on(written: io.StringIO, *, as_json: bool = False) -> Shown:
    console = Console(file=written, width=150)
    return Shown(console=console, listener=TerminalListener(console), as_json=as_json)


def test_each_has_its_interval_and_its_people_and_a_missing_one_its_reason(ledger):
    show_baselines(ledger, shown_on(written := io.StringIO()))
    lines = written.getvalue().splitlines()
    assert lines[0].startswith("Baselines (validation people)")
    (majority,) = (line.split() for line in lines if "majority class" in line)
    assert majority[2:10] == ["25.0", "%", "7.0", "to", "52.0", "%", "64", "16"]
    assert any("plain network" in line and "not measured: OutOfMemoryError: no memory" in line for line in lines)


def test_as_data_each_is_an_object(ledger, capsys):
    show_baselines(ledger, shown_on(io.StringIO(), as_json=True))
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [row["baseline"] for row in rows] == ["majority", "logistic_regression", "plain_network"]
    assert (rows[0]["accuracy"], rows[0]["low"], rows[0]["num_clips"]) == (0.25, 0.07, 64)
    assert rows[2]["accuracy"] is None
    assert rows[2]["error"] == "OutOfMemoryError: no memory"


def test_a_search_that_a_baseline_beats_begins_with_that(ledger, tmp_path, monkeypatch):
    monkeypatch.setattr("tuning.text.baseline_tables.verdict", lambda ledger: "A logistic regression has more.")
    study = tiny_study(objectives=PARETO)
    show_front(Ran(study=study, home=tmp_path, ledger=ledger), shown_on(written := io.StringIO()))
    lines = written.getvalue().splitlines()
    assert lines[0] == "A logistic regression has more."
    front, baselines = (next(n for n, line in enumerate(lines) if line.startswith(head)) for head in ("Pareto", "Base"))
    assert front < baselines


def test_of_an_ablation_they_are_of_test_people(ledger):
    ledger.study["design"] = {"reference": "base"}
    show_baselines(ledger, shown_on(written := io.StringIO()))
    assert written.getvalue().startswith("Baselines (test people)")


def test_a_study_without_shows_nothing(tmp_path):
    show_baselines(Ledger.read(tmp_path), shown_on(written := io.StringIO()))
    assert written.getvalue() == ""
