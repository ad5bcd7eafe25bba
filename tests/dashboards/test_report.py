"""The report: one page that needs nothing but itself, says what is known, and says what is not."""

import base64
import hashlib
import json
import math
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from dashboards.core.data import read_report_data
from dashboards.core.html import element
from dashboards.core.page import collect_panels, render, write_report
from dashboards.core.scales import Continuous, Places, parameter_scale
from tests.support.sample_study import FACTS, add_confirmation, add_trial, search_trial, select, write_sample
from trainables.core import lookup
from tuning.evidence.holdout import evidence
from tuning.records.ledger import Ledger
from tuning.text.quantities import quantity

HOSTILE = "</script><img src=x onerror=alert(1)><script>alert(2)</script>"


class Page(HTMLParser):
    """A parsed page: its elements, the text of each section, its scripts and the figures they draw."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, str] = {}
        self.scripts: list[tuple[dict[str, str | None], str]] = []
        self.header = ""
        self._section, self._in_script = "", False
        self.feed(text)
        self.figures = json.loads(next(text for attrs, text in self.scripts if attrs.get("id") == "figures"))

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        self._in_script = tag == "script"
        if self._in_script:
            self.scripts.append((dict(attrs), ""))
        elif tag == "section":
            self._section = dict(attrs)["id"]
            self.texts[self._section] = ""

    def handle_endtag(self, tag):
        if tag == "section":
            self._section = ""
        elif tag in ("td", "th", "dt", "dd", "p") and self._section:
            self.texts[self._section] += "\n"
        self._in_script = False

    def handle_data(self, data):
        if self._in_script:
            self.scripts[-1] = (self.scripts[-1][0], self.scripts[-1][1] + data)
        elif self._section:
            self.texts[self._section] += data
        elif not self.texts:
            self.header += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        """The attributes of every `tag`."""
        return [attrs for name, attrs in self.elements if name == tag]


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A home with one confirmed study of twelve trials."""
    home = tmp_path_factory.mktemp("home")
    write_sample(home)
    return home


@pytest.fixture(scope="module")
def page(home):
    """The page of that study."""
    return read_page(home)


def read_page(home, name="smiles"):
    return Page(render(read_report_data(home, name)))


def open_study(home, name="smiles", **facts):
    ledger = Ledger.write(home / name)
    ledger.open_study(**{**FACTS, **facts})
    return ledger


def test_writes_one_whole_file(home, tmp_path):
    out = write_report(home, "smiles", tmp_path / "deep" / "report.html")
    assert out == tmp_path / "deep" / "report.html"
    assert [path.name for path in out.parent.iterdir()] == ["report.html"]
    assert out.read_text(encoding="utf-8").startswith("<!doctype html>")


def test_refuses_a_study_that_was_not_begun(home, tmp_path):
    with pytest.raises(ValueError, match=r"no study begun under .* named 'smile'\. Did you mean 'smiles'"):
        write_report(home, "smile", tmp_path / "report.html")
    assert not list(tmp_path.iterdir())


def test_a_page_that_cannot_be_put_in_its_place_leaves_nothing(home, tmp_path, monkeypatch):
    with pytest.raises(ValueError, match=r"is a folder; --out needs a file, such as .*/smiles\.html"):
        write_report(home, "smiles", tmp_path)

    def refuse(self, target):
        raise PermissionError(f"{target} is open elsewhere")

    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(PermissionError):
        write_report(home, "smiles", tmp_path / "report.html")
    assert not list(tmp_path.iterdir())


def test_every_file_of_the_folder_is_a_section(home, page):
    panels = collect_panels(read_report_data(home, "smiles"))
    assert set(page.texts) == set(lookup.names("dashboards")) - {"ablation"} == set(panels)
    assert list(page.texts) == sorted(panels, key=lambda name: panels[name].order)
    assert page.all("html") == [{"lang": "en"}]


def test_nothing_is_asked_of_any_network(page):
    for tag, attrs in page.elements:
        for name in ("src", "href", "action", "srcset"):
            assert attrs.get(name, "#").startswith(("#", "data:")), (tag, attrs)
    assert not [attrs for attrs in page.all("link") if attrs["rel"] != "icon"]


def test_policy_forbids_all_but_the_scripts_of_the_page(page):
    policy = next(meta["content"] for meta in page.all("meta") if meta.get("http-equiv") == "Content-Security-Policy")
    allowed = re.search(r"script-src ([^;]*);", policy)[1].split()
    scripts = [text for attrs, text in page.scripts if attrs.get("type") != "application/json"]
    found = [f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'" for text in scripts]
    assert allowed == found
    assert "default-src 'none'" in policy


def test_recommendation_stands_on_its_evidence(home, page):
    report = read_report_data(home, "smiles")
    found = next(row for row in evidence(report.ledger) if row.trial_id == report.recommended.trial_id)
    words = page.texts["recommendation"].replace("\u202f", " ")
    accuracy = found.accuracy
    assert f"{100 * accuracy.mean:.1f} % of {found.num_clips} clips" in words
    assert f"95 % interval {100 * accuracy.low:.1f} % to {100 * accuracy.high:.1f} %, 2 fresh seeds" in words
    assert f"commonest class would give {100 * found.majority:.1f} %" in words
    assert "not confirmed" not in words


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
    assert "not beyond doubt better" in read_page(tmp_path).texts["recommendation"]


def test_front_marks_its_members_and_states_its_volume(home, page):
    report = read_report_data(home, "smiles")
    assert "Hypervolume: the front fills" in page.texts["front"]
    chosen, members = report.recommended.trial_id, {trial.trial_id for trial in report.front}
    assert members == set(report.ledger.selection["front"])
    view = page.figures[0]["data"]
    stars = [trace["customdata"] for trace in view if trace.get("marker", {}).get("symbol") == "star"]
    assert stars == [[chosen]]
    rows = {attrs["data-trial"] for attrs in page.all("button") if "data-trial" in attrs}
    assert members < rows


def test_table_sorts_by_value_and_gives_the_error(home, page):
    report = read_report_data(home, "smiles")
    sorts = [float(attrs["data-sort"]) for attrs in page.all("td") if (attrs.get("data-sort") or "").count(".") == 1]
    assert report.recommended.metrics["accuracy"] in sorts
    failed = next(trial for trial in report.search if trial.state == "FAILED")
    assert failed.error in page.texts["trials"]
    for words in ("stopped early", "interrupted", "6 epochs so far"):
        assert words in page.texts["trials"]


def test_controls_and_chance_stand_beside_the_evidence(page):
    assert "order_blind (control)" in page.texts["evidence"]
    assert "commonest class" in page.texts["evidence"]


def test_robustness_starts_at_the_plain_accuracy_and_shows_controls(home, page):
    report = read_report_data(home, "smiles")
    text = page.texts["robustness"].replace("\u202f", " ")
    for row in report.evidence:
        name = f"{row.variant} (control)" if row.variant else row.trial_id
        assert text.count(f"{name}\n{100 * row.accuracy.mean:.1f} %") == 2  # in either table
    labels = [attrs["aria-label"] for attrs in page.all("div") if attrs.get("class") == "plot"]
    places = [
        i for i, label in enumerate(labels) if label.startswith(("Accuracy over share", "Accuracy over rotation"))
    ]
    assert len(places) == 2
    for place in places:
        curves = [trace for trace in page.figures[place]["data"] if "customdata" in trace]
        assert len(curves) == len(report.evidence)
        assert all(trace["x"][0] == 0 and trace["y"] == sorted(trace["y"], reverse=True) for trace in curves)


def test_curves_that_are_lost_are_said_to_be_lost(tmp_path):
    folder = write_sample(tmp_path)
    lost = sorted((folder / "trials").glob("confirm-*/robustness.json"))
    lost[0].write_text("damaged")
    assert "Accuracy by rotation" in read_page(tmp_path).texts["robustness"]  # the other seed has its own
    for path in lost:
        path.unlink()
    assert "No confirmed run left robustness.json" in read_page(tmp_path).texts["robustness"]


def test_confusion_counts_every_answer_on_the_holdout(page):
    assert "holdout people, 2 seeds pooled" in page.texts["confusion"]
    counts = re.findall(r"\d+\u202f% (\d+)\n", page.texts["confusion"])
    assert sum(map(int, counts)) == 2 * 64


def test_provenance_names_data_code_device_and_seeds(page):
    for fact in (FACTS["dataset_fingerprint"], FACTS["git_commit"], "AMD EPYC", "seeds 0 to 11, fold 0", "16 people"):
        assert fact in page.texts["provenance"]
    assert "drawn" not in page.texts["provenance"]
    assert FACTS["data_root"] not in str(page.texts)  # a shared page tells nothing of its maker's disk


def test_provenance_shows_what_changed_and_facts_it_has_no_words_for(tmp_path):
    with open_study(tmp_path) as ledger:
        ledger.open_study(**{**FACTS, "git_commit": "f" * 40, "num_nodes": 3})
    words = read_page(tmp_path).texts["provenance"]
    assert "What changed between runs" in words
    assert words.count(FACTS["git_commit"]) == 1
    assert "num_nodes" in words


def test_drawn_faces_and_smoke_runs_are_said_to_be(tmp_path):
    with open_study(tmp_path, drawn=True, smoke=True) as ledger:
        add_trial(ledger, search_trial(0, {"rbg_depth": 1}))
        select(ledger)
    words = read_page(tmp_path).texts["recommendation"]
    assert "drawn by a program" in words
    assert "smoke run" in words


def test_mixed_devices_on_a_front_are_said_to_be(tmp_path):
    with open_study(tmp_path) as ledger:
        add_trial(ledger, search_trial(0, {"rbg_depth": 1}), accuracy=0.8, train_time_s=10.0)
        add_trial(ledger, search_trial(1, {"rbg_depth": 1}), device="NVIDIA H200", accuracy=0.9, train_time_s=20.0)
    assert "mixes devices (AMD EPYC, NVIDIA H200)" in read_page(tmp_path).texts["front"]


def test_one_device_is_not_said_to_be_mixed(page):
    assert "mixes devices" not in page.texts["front"]


def test_text_of_others_stays_text(tmp_path):
    classes = [HOSTILE, "b", "c", "d"]
    with open_study(tmp_path, classes=classes, dataset=HOSTILE, space={HOSTILE: HOSTILE}) as ledger:
        add_trial(ledger, search_trial(0, {HOSTILE: HOSTILE, "lr": 0.1}), device=HOSTILE)
        failed = search_trial(1, {HOSTILE: "x"})
        ledger.start(failed)
        ledger.end(failed.trial_id, "FAILED", error=HOSTILE + "\udcff\x00")
        add_confirmation(ledger, select(ledger)[0], seed=0, variant=HOSTILE)
    write_report(tmp_path, "smiles", tmp_path / "report.html")
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
    assert page.figures == []


def test_a_study_where_nothing_finished_gives_the_first_error(tmp_path):
    with open_study(tmp_path) as ledger:
        add_trial(ledger, search_trial(0, {"rbg_depth": 1}), state="FAILED")
        add_trial(ledger, search_trial(1, {"rbg_depth": 2}), state="RUNNING")
    page = read_page(tmp_path)
    assert "The first error, of search-0000: The loss became NaN" in page.texts["recommendation"]
    assert "No trial has finished" in page.texts["front"]
    assert len(page.figures) == 1  # the learning curves


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
    assert "search-0001" not in json.dumps(page.figures[0])


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
    page = read_page(tmp_path)
    labels = [attrs["aria-label"] for attrs in page.all("div") if attrs.get("class") == "plot"]
    assert sum(" over " in label and " by epoch" not in label for label in labels) == views


def test_lost_predictions_are_said_to_be_lost(tmp_path):
    folder = write_sample(tmp_path)
    (folder / "trials" / "confirm-0000" / "predictions.parquet").write_bytes(b"damaged")
    page = read_page(tmp_path)
    assert "predictions cannot be read" in page.texts["evidence"]
    assert "predictions of confirm-0000 cannot be read" in page.texts["confusion"]
    assert "It is not confirmed" in page.texts["recommendation"]


def test_a_promotion_is_reported(tmp_path):
    write_sample(tmp_path)
    with Ledger.write(tmp_path / "smiles") as ledger:
        recommended = ledger.selection["recommended"]
        ledger.note("promoted", name="smiles", version=3, of=recommended, refit="refit-0000")
    assert "Version 3 of smiles was made from it" in read_page(tmp_path).texts["recommendation"]


def test_a_refusal_is_reported(tmp_path):
    write_sample(tmp_path)
    with Ledger.write(tmp_path / "smiles") as ledger:
        ledger.note("refused", of="search-0003", asked=[], against="models:/smiles/2", look=2)
    text = read_page(tmp_path).texts["recommendation"]
    assert "search-0003 was asked to be promoted and refused on" in text
    assert "at look 2, against models:/smiles/2." in text


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


def test_elements_escape_what_is_not_markup_yet():
    assert element("p", "a<b", element("b", 'x"'), title='"') == '<p title="&quot;">a&lt;b<b>x&quot;</b></p>'


def test_quantities_have_units_and_unknown_ones_their_own_name():
    assert quantity("train_time_s").shown(12345.6) == "12\u202f345.6\u202fs"
    assert quantity("param_count").heading == "parameters, M"
    assert quantity("accuracy").shown(math.nan) == "–"
    assert quantity("own_score").shown(0.000123456) == "0.0001235"


def test_scales_put_values_in_order():
    assert [words for _, words in Places("p", [True, "b", None, 2, 10]).ticks] == ["not set", "True", "2", "10", "b"]
    lr = parameter_scale("lr", [10.0**-power for power in range(1, 12)])
    assert lr.where(1e-6) == pytest.approx(0.5)  # logarithmic
    some = parameter_scale("lr", [None, *range(1, 12)])
    assert (some.where(None), some.where(11)) == (0.0, 1.0)
    assert some.ticks[0] == (0.0, "not set") < some.ticks[1]
    assert Continuous("time", [1.0, 2.0, 3.0], flipped=True).where(1.0) == 1.0  # the better end is on top
    assert [words for _, words in Continuous("a", [61.2, 84.4]).ticks] == ["65", "70", "75", "80"]
    assert [words for _, words in Continuous("a", [2.0, 2.0]).ticks] == ["2"]
