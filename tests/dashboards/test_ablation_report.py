"""The report of an ablation: its panel of differences, and no sentence about trials that it never had."""

import json

import pytest

from dashboards.core.data import read_report_data
from dashboards.core.page import collect_panels
from tests.support.report_pages import HOSTILE, read_page
from tests.support.sample_ablation import DESIGN, SMALL, write_ablation
from tests.support.sample_study import FACTS
from tuning.evidence.ablation import comparison_of
from tuning.records.ledger import Ledger
from tuning.text.ablation_document import compared, differences_by_name


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    home = tmp_path_factory.mktemp("ablated")
    write_ablation(home)
    return home


@pytest.fixture(scope="module")
def page(home):
    return read_page(home, "parts")


def test_it_has_a_panel_of_its_own_and_none_of_what_a_search_alone_has(home, page):
    panels = collect_panels(read_report_data(home, "parts"))
    assert "ablation" in panels
    assert not set(panels) & {"recommendation", "front", "evidence", "robustness", "confusion"}
    whole = " ".join(page.texts.values())
    for never in ("No trial", "nothing to recommend", "Nothing is confirmed", "0 search trials"):
        assert never not in whole
    assert "24 trainings" in str(page.header)


def test_its_tables_and_words_are_those_of_the_terminal(home, page):
    document = compared(comparison_of(Ledger.read(home / "parts")))
    text = page.texts["ablation"]
    for sheet in document.sheets:
        assert sheet.title in text
        for cell in (cell for row in sheet.rows for cell in row):
            assert cell in text
    for line in document.summary:
        assert line in text
    assert "98.10" in text


def test_the_forest_has_a_dot_and_three_intervals_for_each_difference(home, page):
    comparison = comparison_of(Ledger.read(home / "parts"))
    labels = [attrs["aria-label"] for attrs in page.all("div") if attrs.get("class") == "plot"]
    of_variants, of_effects = [one for _, one in differences_by_name(comparison)], list(comparison.effects.values())
    place = labels.index(next(label for label in labels if label.startswith("3 differences to base: gate ")))
    assert labels[place + 1].startswith("3 effects: rbg raises accuracy by ")
    across = [page.figures[number]["layout"]["xaxis"]["title"]["text"] for number in (place, place + 1)]
    assert across == ["difference in accuracy to base, points", "effect on accuracy, points (interactions halved)"]
    assert page.figures[place + 1]["layout"]["yaxis"]["ticktext"] == ["rbg", "gate", "rbg x gate"]
    for number, found in ((place, of_variants), (place + 1, of_effects)):
        _check_forest(page.figures[number]["data"], found)


def _check_forest(traces, found):
    dots = [trace for trace in traces if trace["mode"] == "markers"]
    bars = [trace for trace in traces if trace["mode"] == "lines"]
    assert [trace["x"][0] for trace in dots] == pytest.approx([100 * one.interval.mean for one in found])
    assert [bar["x"] for bar in bars[:3]] == [
        pytest.approx([100 * one.low, 100 * one.high])
        for one in (found[0].interval, found[0].nadeau_bengio, found[0].bootstrap)
    ]
    filled = [trace["marker"]["symbol"] == "circle" for trace in dots]
    assert filled == [one.p_adjusted <= 0.05 for one in found]
    assert True in filled
    assert False in filled


def test_every_training_is_listed_with_its_variant_fold_and_curve(page):
    assert "24 trainings: 24 finished" in page.texts["trials"]
    assert "ablation-0023\nrbg+gate\n2\n1\nfinished" in page.texts["trials"]
    assert "Validation accuracy" in page.texts["learning_curves"]
    assert "ablation\n24 trials, seeds 0 and 1, folds 0, 1, 2" in page.texts["provenance"]


def test_what_cannot_be_compared_is_listed_with_the_reason(tmp_path):
    write_ablation(tmp_path, num_folds=1)
    text = read_page(tmp_path, "parts").texts["ablation"]
    assert "All runs are on fold 0, and one fold shows no spread" in text
    assert "Means over the runs, not compared" in text
    assert "2 of 2" in text


def test_an_objective_of_its_own_has_a_column_in_every_table(tmp_path):
    folder = write_ablation(tmp_path, design=SMALL, objectives=[["accuracy", "max"], ["latency_ms", "min"]])
    assert "latency, ms" not in read_page(tmp_path, "parts").texts["ablation"], "nobody measured it"
    ledger_file = folder / "ledger.jsonl"
    ledger_file.write_text(ledger_file.read_text().replace('"train_time_s": 6', '"latency_ms": 2.5, "train_time_s": 6'))
    texts = read_page(tmp_path, "parts").texts
    for panel in ("ablation", "trials"):
        assert "latency, ms" in texts[panel]
        assert "\n2.5\n" in texts[panel]


@pytest.mark.slow
def test_a_variant_that_failed_is_said_to_be_left_out(tmp_path):
    write_ablation(tmp_path, failed=("gate",))
    page = read_page(tmp_path, "parts")
    assert "gate is not compared: it has 6 of 6 runs missing or without a result" in page.texts["ablation"]
    assert "The effect gate is not computed: it needs the results of gate" in page.texts["ablation"]
    assert "6 failed" in page.texts["trials"]


def test_an_ablation_that_has_only_begun_and_one_whose_files_are_damaged_say_so(tmp_path):
    with Ledger.write(tmp_path / "begun") as ledger:
        ledger.open_study(**FACTS, design=DESIGN.facts())
    page = read_page(tmp_path, "begun")
    assert "No training has ended" in page.texts["ablation"]
    assert page.plots["ablation"] == []
    folder = write_ablation(tmp_path, design=SMALL)
    (folder / "trials" / "ablation-0003" / "predictions.parquet").write_bytes(b"damaged")
    text = read_page(tmp_path, "parts").texts["ablation"]
    assert "is not compared: fold 1, seed 0: Could not open Parquet input source" in text
    assert "Means over the runs, not compared" in text
    (folder / "splits.json").unlink()
    assert (
        "splits.json: the splits of this study cannot be read ([Errno 2]"
        in read_page(tmp_path, "parts").texts["ablation"]
    )


def test_what_is_wrong_besides_is_said_as_it_is(tmp_path):
    write_ablation(tmp_path, design=SMALL, published={"base": {"accuracy": 98.1}})
    text = read_page(tmp_path, "parts").texts["ablation"]
    assert "The published accuracy of base is given as 98.1; a share between 0 and 1 is allowed." in text
    assert "cannot be read" not in text


def test_drawn_smoke_and_leaky_are_said_to_be(tmp_path):
    write_ablation(tmp_path, design=SMALL, smoke=True, drawn=True, leaky=True)
    text = read_page(tmp_path, "parts").texts["ablation"]
    for line in ("smoke run", "drawn by a program", "leaky: clips dealt at random", "too high"):
        assert line in text


def test_names_of_others_stay_text(tmp_path):
    write_ablation(tmp_path, design=SMALL)
    page = read_page(tmp_path, "parts")
    assert not page.all("img")
    assert len(page.scripts) == 3
    assert HOSTILE in page.texts["ablation"]
    assert "<img" not in json.dumps(page.figures)
