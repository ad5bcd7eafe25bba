"""The report of studies that are young, unlucky, old, hostile or large: what is missing is said to be."""

import json
import math

import pytest

from dashboards.core.data import read_report_data
from dashboards.core.page import render, report
from tests.support.report_pages import HOSTILE, Page, open_study, read_page
from tests.support.sample_study import FACTS, add_confirmation, add_trial, search_trial, select, write_sample
from trainables.core.training.metrics import METRICS
from tuning.evidence.holdout import evidence
from tuning.records.ledger import Ledger
from tuning.text.quantities import quantity


@pytest.mark.slow
def test_unconfirmed_is_said_to_be(tmp_path):
    write_sample(tmp_path, confirmed=False)
    page = read_page(tmp_path)
    assert "It is not confirmed" in page.texts["recommendation"]
    assert "python tune.py confirm smiles" in page.texts["recommendation"]
    assert "Nothing is confirmed yet" in page.texts["evidence"]
    assert "validation people" in page.texts["confusion"]


def test_evidence_no_better_than_guessing_is_said_to_be(tmp_path):
    with open_study(tmp_path) as ledger:
        add_trial(ledger, search_trial(0, {"rbg_depth": 1}))
        add_confirmation(ledger, select(ledger)[0], seed=0, ability=0.27)
        assert not evidence(ledger)[0].beats_majority
    assert "does not exclude that, so it would not be promoted" in read_page(tmp_path).texts["recommendation"]


@pytest.mark.slow
def test_curves_that_are_lost_are_said_to_be_lost(tmp_path):
    folder = write_sample(tmp_path)
    lost = sorted((folder / "trials").glob("confirm-*/robustness.json"))
    lost[0].write_text("damaged")
    assert "Accuracy by rotation" in read_page(tmp_path).texts["robustness"]  # the other seed has its own
    for path in lost:
        path.unlink()
    assert "No confirmed run has a robustness.json that can be read" in read_page(tmp_path).texts["robustness"]


def test_provenance_shows_what_changed_and_facts_it_has_no_words_for(tmp_path):
    with open_study(tmp_path) as ledger:
        ledger.open_study(**{**FACTS, "git_commit": "f" * 40, "num_nodes": 3})
    shown_text = read_page(tmp_path).texts["provenance"]
    assert "What changed between runs" in shown_text
    assert shown_text.count(FACTS["git_commit"]) == 1
    assert "num_nodes" in shown_text


def test_a_ledger_of_before_versions_were_noted_is_read(tmp_path):
    with Ledger.write(tmp_path / "smiles") as ledger:
        ledger.open_study(**{key: value for key, value in FACTS.items() if key != "version"})
    assert "fertune version\nnot noted then\n" in read_page(tmp_path).texts["provenance"]


def test_provenance_does_not_list_which_settings_have_an_effect(tmp_path):
    with open_study(tmp_path) as ledger:
        ledger.open_study(effects={"only_if": {"shortcut": {"rbg_depth": [1, 2]}}, "defaults": {"rbg_depth": 2}})
    assert "effects" not in read_page(tmp_path).texts["provenance"]


def test_drawn_faces_and_smoke_runs_are_said_to_be(tmp_path):
    with open_study(tmp_path, drawn=True, smoke=True) as ledger:
        add_trial(ledger, search_trial(0, {"rbg_depth": 1}))
        select(ledger)
    shown_text = read_page(tmp_path).texts["recommendation"]
    assert "drawn by a program" in shown_text
    assert "smoke run" in shown_text


def test_mixed_devices_on_a_front_are_said_to_be(tmp_path):
    with open_study(tmp_path) as ledger:
        add_trial(ledger, search_trial(0, {"rbg_depth": 1}), accuracy=0.8, train_time_s=10.0)
        add_trial(ledger, search_trial(1, {"rbg_depth": 1}), device="NVIDIA H200", accuracy=0.9, train_time_s=20.0)
    assert "mixes devices (AMD EPYC, NVIDIA H200)" in read_page(tmp_path).texts["front"]
    with Ledger.write(tmp_path / "smiles") as ledger:
        ledger.open_study(objectives=[["accuracy", "max"], ["param_count", "min"]])  # which are the same on any device
    assert "mixes devices" not in read_page(tmp_path).texts["front"]


def test_text_of_others_stays_text(tmp_path):
    classes = [HOSTILE, "b", "c", "d"]
    with open_study(tmp_path, classes=classes, dataset=HOSTILE, space={HOSTILE: HOSTILE}) as ledger:
        add_trial(ledger, search_trial(0, {HOSTILE: HOSTILE, "lr": 0.1}), device=HOSTILE)
        failed = search_trial(1, {HOSTILE: "x"})
        ledger.start(failed)
        ledger.end(failed.trial_id, "FAILED", error=HOSTILE + "\udcff\x00")
        add_confirmation(ledger, select(ledger)[0], seed=0, variant=HOSTILE)
    report("smiles", tmp_path / "report.html", home=tmp_path)
    page = Page((tmp_path / "report.html").read_text(encoding="utf-8"))
    assert len(page.scripts) == 3
    assert not page.all("img")
    assert HOSTILE in page.texts["trials"]
    # Plotly reads markup in its texts too, and what a hover template names.
    assert "<img" not in json.dumps(page.figures)
    assert "&lt;img" in json.dumps(page.figures)


@pytest.mark.parametrize("begun", [False, True])
def test_a_study_without_trials_says_so(tmp_path, begun):
    with Ledger.write(tmp_path / "smiles") as ledger:
        if begun:
            ledger.open_study(**FACTS)
        else:
            ledger.note("opened")
    page = read_page(tmp_path)
    assert "No trial has started yet" in page.texts["recommendation"]
    assert "No trial has started yet" in page.texts["trials"]
    assert not any(page.plots[name] for name in ("front", "learning_curves"))


def test_a_study_where_nothing_finished_gives_the_first_error(tmp_path):
    with open_study(tmp_path) as ledger:
        add_trial(ledger, search_trial(0, {"rbg_depth": 1}), state="FAILED")
        add_trial(ledger, search_trial(1, {"rbg_depth": 2}), state="RUNNING")
    page = read_page(tmp_path)
    assert "The first error, of search-0000: The loss became NaN" in page.texts["recommendation"]
    assert "No trial has finished" in page.texts["front"]
    assert (len(page.plots["front"]), len(page.plots["learning_curves"])) == (0, 1)


def test_one_trial_is_a_front(tmp_path):
    with open_study(tmp_path) as ledger:
        add_trial(ledger, search_trial(0, {"rbg_depth": 1}))
        select(ledger)
    page = read_page(tmp_path)
    assert "The recommended model is search-0000" in page.texts["recommendation"]
    assert "The 1 member of the front" in page.texts["front"]


def test_a_running_study_has_a_front_but_no_recommendation(tmp_path):
    with open_study(tmp_path) as ledger:
        add_trial(ledger, search_trial(0, {"rbg_depth": 1}))
        add_trial(ledger, search_trial(1, {"rbg_depth": 2}), state="RUNNING")
        page = read_page(tmp_path)  # while another has the ledger open for writing
    assert "There is no recommendation yet" in page.texts["recommendation"]
    assert "The 1 member of the front" in page.texts["front"]


@pytest.mark.slow
def test_a_choice_that_later_trials_outdate_is_said_to_be_old(tmp_path):
    with open_study(tmp_path) as ledger:
        add_trial(ledger, search_trial(0, {"rbg_depth": 1}), accuracy=0.5)
        select(ledger)
        add_trial(ledger, search_trial(1, {"rbg_depth": 1}), accuracy=0.9, train_time_s=1.0, param_count=1.0)
    page = read_page(tmp_path)
    assert "its next run chooses anew" in page.texts["recommendation"]


def test_a_finished_trial_without_a_number_is_left_out_and_counted(tmp_path):
    with open_study(tmp_path) as ledger:
        add_trial(ledger, search_trial(0, {"rbg_depth": 1}))
        add_trial(ledger, search_trial(1, {"rbg_depth": 2}), accuracy=math.nan)
        select(ledger)
    page = read_page(tmp_path)
    assert "1 finished trial left out" in page.texts["front"]
    assert "search-0001" not in json.dumps(page.plots["front"])


@pytest.mark.slow
def test_trials_of_different_parameters_share_the_page(tmp_path):
    with open_study(tmp_path) as ledger:
        add_trial(ledger, search_trial(0, {"rbg_depth": 1, "lr": 0.001}))
        add_trial(ledger, search_trial(1, {"rbg_depth": 2, "dropout": 0.5}))
        select(ledger)
    page = read_page(tmp_path)
    ticks = [note["text"] for figure in page.figures for note in figure["layout"].get("annotations", [])]
    assert {"lr", "dropout", "not set"} <= set(ticks)
    for key in ("lr", "dropout"):
        assert key in page.texts["trials"]


@pytest.mark.parametrize(
    ("objectives", "views"),
    [
        ([["accuracy", "max"]], 1),
        ([["accuracy", "max"], ["latency_ms", "min"]], 1),
        ([["own_score", "min"], ["accuracy", "max"], ["weights_mb", "min"], ["latency_ms", "min"]], 3),
    ],
)
def test_any_objectives_have_their_views(tmp_path, objectives, views):
    with open_study(tmp_path, objectives=objectives) as ledger:
        for number in range(3):
            add_trial(ledger, search_trial(number, {"rbg_depth": number}), own_score=1e-5 * number)
        ledger.select(["search-0000"], "search-0000")
    page = read_page(tmp_path)
    for metric, _ in objectives:
        assert quantity(metric).name in page.texts["recommendation"]
        assert metric not in METRICS or METRICS[metric].measured in page.texts["provenance"]
    assert len(page.plots["front"]) == views


@pytest.mark.slow
def test_lost_predictions_are_said_to_be_lost(tmp_path):
    folder = write_sample(tmp_path)
    (folder / "trials" / "confirm-0000" / "predictions.parquet").write_bytes(b"damaged")
    page = read_page(tmp_path)
    assert "predictions cannot be read" in page.texts["evidence"]
    assert "predictions of confirm-0000 cannot be read" in page.texts["confusion"]
    assert "It is not confirmed" in page.texts["recommendation"]


@pytest.mark.slow
def test_a_promotion_is_reported(tmp_path):
    write_sample(tmp_path)
    with Ledger.write(tmp_path / "smiles") as ledger:
        recommended = ledger.selection["recommended"]
        ledger.note("promoted", name="smiles", version=3, of=recommended, refit="refit-0000")
    assert "Version 3 of smiles was made from it" in read_page(tmp_path).texts["recommendation"]


@pytest.mark.slow
def test_a_refusal_is_reported(tmp_path):
    write_sample(tmp_path)
    with Ledger.write(tmp_path / "smiles") as ledger:
        ledger.note("refused", of="search-0003", asked=[], against="models:/smiles/2", look=2)
    text = read_page(tmp_path).texts["recommendation"]
    assert "search-0003 was refused promotion on" in text
    assert "at test 2, against models:/smiles/2." in text


@pytest.mark.slow
def test_a_hundred_trials_stay_small(tmp_path):
    with open_study(tmp_path) as ledger:
        for number in range(100):
            trial = search_trial(number, {"rbg_depth": number % 4, "lr": 10 ** -(1 + number / 25)})
            ledger.start(trial)
            for epoch in range(1, 31):
                ledger.epoch(trial.trial_id, {"epoch": epoch, "val_accuracy": number / 100 + epoch / 1e4})
            measured = {"accuracy": number / 100, "train_time_s": 1.0 + number, "param_count": 1e6 + number}
            ledger.end(trial.trial_id, "FINISHED", measured)
    report = read_report_data(tmp_path, "smiles")
    page = Page(render(report))
    own = len(render(report)) - sum(len(text) for attrs, text in page.scripts if not attrs)
    assert own / 100 < 4000  # bytes for a trial


def test_trials_on_former_data_are_listed_as_such_and_in_no_figure(tmp_path):
    with open_study(tmp_path) as ledger:
        add_trial(ledger, search_trial(0, {"rbg_depth": 1}))
        select(ledger)
        ledger.open_study(dataset_fingerprint="0" * 64)
        add_trial(ledger, search_trial(1, {"rbg_depth": 2}))
        select(ledger)
    page = read_page(tmp_path)
    assert "search-0000" in page.texts["trials"]
    assert "version 2 is the present one" in page.texts["trials"]
    assert "search-0001" in str(page.figures)
    assert "search-0000" not in str(page.figures)
