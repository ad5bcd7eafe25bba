"""A study as tables: what is in them, while it runs and after, and what is said where there is nothing."""

import dataclasses
import math

import pandas as pd
import pytest

import fertune
from tests.support.sample_ablation import write_ablation
from tests.support.sample_study import write_sample
from tests.support.tiny_study import tiny_study
from tuning.evidence.holdout import evidence
from tuning.evidence.race import raced
from tuning.records.front.course import Course
from tuning.records.ledger import Ledger, Trial


def test_trials_have_their_settings_and_metrics_by_the_names_they_have_everywhere(sample_home):
    trials = fertune.load("smiles", home=str(sample_home)).trials
    first = Ledger.read(sample_home / "smiles").trials["search-0000"]
    assert len(trials) == 12 + 8 + 6
    for key, value in (first.parameters | first.metrics).items():
        assert trials.loc["search-0000", key] == value
    assert trials.loc["search-0003", "state"] == "FAILED"
    assert str(trials["started_at"].dt.tz) == "UTC"


def test_the_front_is_what_no_other_trial_dominates_and_marks_what_is_recommended(sample_home):
    snapshot = fertune.load("smiles", home=sample_home)
    chosen = snapshot.ledger.selection
    assert set(snapshot.front.index) == set(chosen["front"])
    assert list(snapshot.front.index[snapshot.front["recommended"]]) == [chosen["recommended"]]
    assert snapshot.front["front_probability"].is_monotonic_decreasing
    assert (snapshot.front["front_probability"] == snapshot.trials["front_probability"][snapshot.front.index]).all()
    searched = snapshot.ledger.trials[chosen["recommended"]].parameters
    assert list(snapshot.front) == [
        "recommended",
        "front_probability",
        *searched,
        "accuracy",
        "train_time_s",
        "param_count",
    ]


def test_a_study_that_runs_is_read_without_its_lock_and_its_front_is_that_of_now(sample_home):
    with Ledger.write(sample_home / "smiles") as ledger:
        better = dict(ledger.trials["search-0000"].metrics) | {
            "accuracy": 1.0,
            "train_time_s": 0.0,
            "param_count": 0.0,
        }
        ledger.end("search-0011", "FINISHED", better)
        snapshot = fertune.load("smiles", home=sample_home)
    assert list(snapshot.front.index) == ["search-0011"]
    assert not snapshot.front["recommended"].any()


def test_baselines_are_by_name_with_their_limits(sample_home):
    found = fertune.load("smiles", home=sample_home).baselines
    assert list(found.index) == ["majority", "logistic_regression", "plain_network"]
    assert found.loc["majority", ["accuracy", "low", "high", "num_people"]].to_list() == [0.25, 0.07, 0.52, 16]
    assert found.loc["plain_network", "error"] == "OutOfMemoryError: no memory"


def test_curves_have_a_row_for_each_epoch(sample_home):
    snapshot = fertune.load("smiles", home=sample_home)
    mine = snapshot.curves[snapshot.curves["trial_id"] == "search-0000"]
    assert mine.drop(columns="trial_id").to_dict("records") == snapshot.ledger.trials["search-0000"].curve


def test_the_race_has_a_row_for_each_configuration_and_says_who_won(sample_home, tmp_path):
    found, told = fertune.load("smiles", home=sample_home).race, raced(Ledger.read(sample_home / "smiles"))
    assert list(found["trial_id"]) == [racer.trial_id for racer in told.racers]
    assert (found.attrs["winner"], found.attrs["num_folds"], found.attrs["reason"]) == (told.winner, 3, "")
    assert found.attrs["corrected_low"] == told.corrected.low
    first, *_, last = told.racers
    assert found.loc[0, "accuracy_low"] == first.accuracy.low
    assert found["behind_high"].iloc[-1] == last.behind.high
    assert math.isnan(found.loc[0, "behind_low"])
    folder = write_sample(tmp_path, "bare", confirmed=False)
    assert fertune.load("bare", home=tmp_path).race.attrs["reason"] == "Nothing has raced."
    course = Course(members=("search-0000",), folds=(0, 1), seeds=(7,))
    with Ledger.write(folder) as ledger:
        ledger.note("race", **dataclasses.asdict(course))
    begun = fertune.load("bare", home=tmp_path).race
    assert begun.attrs["reason"] == "A race of 1 configuration over 2 folds is not at its end."
    with Ledger.write(folder) as ledger:
        ledger.note("race", **dataclasses.asdict(dataclasses.replace(course, winner="search-0000")))
    assert fertune.load("bare", home=tmp_path).race.attrs["reason"] == "The predictions of the race are gone."


def test_evidence_has_a_row_for_each_confirmed_configuration_with_its_interval(sample_home):
    snapshot = fertune.load("smiles", home=sample_home)
    rows = evidence(snapshot.ledger)
    assert list(snapshot.evidence["trial_id"]) == [row.trial_id for row in rows]
    assert list(snapshot.evidence["accuracy_low"]) == [row.accuracy.low for row in rows]
    assert list(snapshot.evidence["rbg_depth"]) == [row.parameters["rbg_depth"] for row in rows]


def test_a_parameter_is_missing_where_it_has_no_effect(tmp_path):
    with Ledger.write(tmp_path / "tiny") as ledger:
        only_if = {"shortcut": {"rbg_depth": [1]}}
        ledger.open_study(objectives=[["accuracy", "max"]], effects={"only_if": only_if, "defaults": {}})
        for number, depth in enumerate((0, 1)):
            parameters = {"rbg_depth": depth, "shortcut": "linear"}
            trial_id = f"search-{number:04d}"
            ledger.start(Trial(trial_id=trial_id, phase="search", parameters=parameters, seed=0, folds=(0,)))
            ledger.end(trial_id, "FINISHED", {"accuracy": 0.5})
    snapshot = fertune.load("tiny", home=tmp_path)
    for table in (snapshot.trials, snapshot.front):
        assert table["rbg_depth"].to_dict() == {"search-0000": 0, "search-0001": 1}
        assert table["shortcut"].dropna().to_dict() == {"search-0001": "linear"}


def test_what_bounds_every_figure_is_on_every_table(tmp_path):
    with Ledger.write(tmp_path / "tiny") as ledger:
        ledger.open_study(objectives=[["accuracy", "max"]], drawn=True, smoke=True, leaky=False)
    snapshot = fertune.load("tiny", home=tmp_path)
    drawn, smoke = snapshot.marks
    assert drawn.startswith("drawn faces")
    assert repr(snapshot).endswith(f"; {drawn}; {smoke}")
    for table in (snapshot.trials, snapshot.front, snapshot.curves, snapshot.evidence):
        assert table.attrs["marks"] == [drawn, smoke]


def test_an_ablation_has_its_differences(tmp_path):
    write_ablation(tmp_path)
    snapshot = fertune.load(next(tmp_path.glob("*/ledger.jsonl")).parent.name, home=tmp_path)
    compared = snapshot.evidence.set_index("name")
    assert (compared["is"] == "variant").any()
    assert math.isfinite(compared["difference_low"].dropna().iloc[0])
    assert snapshot.front.empty


def test_what_has_no_trial_yet_is_empty_and_says_why(tmp_path):
    with Ledger.write(tmp_path / "tiny") as ledger:
        ledger.open_study(objectives=[["accuracy", "max"]])
    snapshot = fertune.load(tiny_study(), home=tmp_path)
    for table in (snapshot.trials, snapshot.front, snapshot.curves, snapshot.evidence):
        assert isinstance(table, pd.DataFrame)
        assert table.empty
    assert snapshot.evidence.attrs["reason"] == "Nothing was confirmed."
    assert repr(snapshot) == f"tiny under {tmp_path}: 0 trials, 0 of them on the front"


def test_where_nothing_was_begun_the_home_is_named(tmp_path, monkeypatch):
    monkeypatch.delenv("FERTUNE_HOME", raising=False)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match=f"study begun under {tmp_path / 'runs'} named 'demo'"):
        fertune.load("demo")


def test_nothing_outside_the_home_is_read(sample_home):
    (sample_home.parent / "within").mkdir(exist_ok=True)
    with pytest.raises(ValueError, match="no study begun"):
        fertune.load(f"../{sample_home.name}/smiles", home=sample_home.parent / "within")
