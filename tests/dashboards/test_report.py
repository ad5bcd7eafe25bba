"""The report: one page that needs nothing but itself, says what is known, and says what is not."""

import base64
import hashlib
import math
import re
from pathlib import Path

import pytest

from dashboards import recommendation
from dashboards.core.data import read_report_data
from dashboards.core.html import element
from dashboards.core.page import collect_panels, report
from dashboards.core.scales import Continuous, Places, parameter_scale
from tests.support.report_pages import read_page
from tests.support.sample_study import FACTS, write_sample
from tuning.evidence.holdout import evidence
from tuning.text.quantities import quantity


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


def test_writes_one_whole_file(home, tmp_path):
    out = report("smiles", tmp_path / "deep" / "report.html", home=home)
    assert out == tmp_path / "deep" / "report.html"
    assert [path.name for path in out.parent.iterdir()] == ["report.html"]
    assert out.read_text(encoding="utf-8").startswith("<!doctype html>")


def test_refuses_a_study_that_was_not_begun(home, tmp_path):
    with pytest.raises(ValueError, match=r"no study begun under .* named 'smile'\. Did you mean 'smiles'"):
        report("smile", tmp_path / "report.html", home=home)
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_a_page_that_cannot_be_put_in_its_place_leaves_nothing(home, tmp_path, monkeypatch):
    with pytest.raises(ValueError, match=r"is a folder; --out needs a file, such as .*/smiles\.html"):
        report("smiles", tmp_path, home=home)

    def refuse(self, target):
        raise PermissionError(f"{target} is open elsewhere")

    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(PermissionError):
        report("smiles", tmp_path / "report.html", home=home)
    assert not list(tmp_path.iterdir())


def test_the_panels_are_sections_in_their_order(home, page):
    panels = collect_panels(read_report_data(home, "smiles"))
    assert {"recommendation", "front", "evidence", "trials", "provenance"} <= set(panels)
    assert "ablation" not in panels
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
    text = page.texts["recommendation"].replace("\u202f", " ")
    accuracy = found.accuracy
    assert f"{100 * accuracy.mean:.1f} % accuracy on {found.num_clips} clips" in text
    assert f"95 % interval {100 * accuracy.low:.1f} % to {100 * accuracy.high:.1f} %, 2 fresh seeds" in text
    assert f"majority baseline (always answering the commonest class) has {100 * found.majority:.1f} %" in text
    assert "not confirmed" not in text


def test_baselines_stand_with_their_intervals_and_a_search_that_they_beat_begins_with_it(home, page, monkeypatch):
    text = page.texts["baselines"].replace("\u202f", " ")
    for message in ("logistic regression", "7.0 to 52.0 %", "not measured: OutOfMemoryError: no memory"):
        assert message in text
    monkeypatch.setattr(recommendation, "verdict", lambda ledger: "A logistic regression has more.")
    assert "A logistic regression has more." in recommendation.panel(read_report_data(home, "smiles")).lead


def test_front_marks_its_members_and_states_its_volume(home, page):
    report = read_report_data(home, "smiles")
    assert "Hypervolume: the front fills" in page.texts["front"]
    chosen, members = report.recommended.trial_id, {trial.trial_id for trial in report.front}
    assert members == set(report.ledger.selection["front"])
    view = page.plots["front"][0][1]["data"]
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
    for text in ("stopped early", "interrupted", "6 epochs so far"):
        assert text in page.texts["trials"]


def test_controls_and_chance_stand_beside_the_evidence(page):
    assert "order_blind (control)" in page.texts["evidence"]
    assert "majority baseline" in page.texts["evidence"]


def test_robustness_starts_at_the_plain_accuracy_and_shows_controls(home, page):
    report = read_report_data(home, "smiles")
    text = page.texts["robustness"].replace("\u202f", " ")
    for row in report.evidence:
        name = f"{row.variant} (control)" if row.variant else row.trial_id
        assert text.count(f"{name}\n{100 * row.accuracy.mean:.1f} %") == 2  # in either table
    labels = [label for label, _ in page.plots["robustness"]]
    assert [label[:18] for label in labels] == ["Accuracy over shar", "Accuracy over rota"]
    for _, figure in page.plots["robustness"]:
        curves = [trace for trace in figure["data"] if "customdata" in trace]
        assert len(curves) == len(report.evidence)
        assert all(trace["x"][0] == 0 and trace["y"] == sorted(trace["y"], reverse=True) for trace in curves)


def test_confusion_counts_every_answer_on_the_holdout(page):
    assert "holdout people, 2 seeds pooled" in page.texts["confusion"]
    counts = re.findall(r"\d+\u202f% (\d+)\n", page.texts["confusion"])
    assert sum(map(int, counts)) == 2 * 64


def test_provenance_names_data_code_device_and_seeds(page):
    for fact in (
        FACTS["dataset_fingerprint"],
        FACTS["git_commit"],
        "0.2.0",
        "AMD EPYC",
        "seeds 0 to 11, fold 0",
        "16 people",
    ):
        assert fact in page.texts["provenance"]
    assert "drawn" not in page.texts["provenance"]
    assert FACTS["data_root"] not in str(page.texts)  # a shared page tells nothing of its maker's disk


def test_one_device_is_not_said_to_be_mixed(page):
    assert "mixes devices" not in page.texts["front"]


def test_elements_escape_what_is_not_markup_yet():
    assert element("p", "a<b", element("b", 'x"'), title='"') == '<p title="&quot;">a&lt;b<b>x&quot;</b></p>'


def test_quantities_have_units_and_unknown_ones_their_own_name():
    assert quantity("train_time_s").shown(12345.6) == "12\u202f345.6\u202fs"
    assert quantity("param_count").heading == "parameters, M"
    assert quantity("accuracy").shown(math.nan) == "–"
    assert quantity("own_score").shown(0.000123456) == "0.0001235"


def test_scales_put_values_in_order():
    assert [label for _, label in Places("p", [True, "b", None, 2, 10]).ticks] == ["not set", "True", "2", "10", "b"]
    lr = parameter_scale("lr", [10.0**-power for power in range(1, 12)])
    assert lr.where(1e-6) == pytest.approx(0.5)  # logarithmic
    some = parameter_scale("lr", [None, *range(1, 12)])
    assert (some.where(None), some.where(11)) == (0.0, 1.0)
    assert some.ticks[0] == (0.0, "not set") < some.ticks[1]
    assert Continuous("time", [1.0, 2.0, 3.0], flipped=True).where(1.0) == 1.0  # the better end is on top
    assert [label for _, label in Continuous("a", [61.2, 84.4]).ticks] == ["65", "70", "75", "80"]
    assert [label for _, label in Continuous("a", [2.0, 2.0]).ticks] == ["2"]
