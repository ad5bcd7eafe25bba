"""The report in Chromium: it draws, asks nothing of anybody, and answers in both themes and on a phone."""

import re
import time
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from dashboards.core import page as pages
from tests.support.sample_ablation import write_ablation
from tests.support.sample_study import FACTS, add_trial, search_trial, select, write_sample
from tuning.records.ledger import Ledger

HOSTILE = "</script><img src=x onerror=alert(1)><script>alert(2)</script>"
DRAWN = "html[data-drawn=true]"
DESK, PHONE = {"width": 1240, "height": 900}, {"width": 390, "height": 844}


@pytest.fixture(scope="module")
def report(tmp_path_factory) -> Path:
    """The report of a confirmed study of twelve trials."""
    home = tmp_path_factory.mktemp("home")
    write_sample(home)
    return pages.report("smiles", home / "report.html", home=home)


@pytest.fixture
def visit(browser: Browser):
    """Opens a file and waits until it is drawn; afterwards nothing may have been asked of others or complained of."""
    complaints, asked, contexts, files = [], [], [], []

    def opened(path: Path, *, theme: str = "light", viewport: dict[str, int] = DESK) -> Page:
        context = browser.new_context(viewport=viewport, color_scheme=theme)
        contexts.append(context)
        files.append(path.as_uri())
        page = context.new_page()
        page.set_default_timeout(30_000)
        page.on("request", lambda request: asked.append(request.url))
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("dialog", lambda dialog: complaints.append(f"dialog {dialog.message}"))
        page.goto(path.as_uri())
        page.wait_for_selector(DRAWN)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert complaints == []
    assert [url for url in asked if not url.startswith(("data:", "blob:"))] == files


def wait_until(page: Page, condition: str) -> None:
    """Ask until `condition` holds; playwright's own way is code from a string, which the page's policy forbids."""
    end = time.monotonic() + 30
    while not page.evaluate(condition):
        assert time.monotonic() < end, f"never came true: {condition}"
        page.wait_for_timeout(50)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("viewport", [DESK, PHONE], ids=["desk", "phone"])
def test_every_panel_is_drawn(visit, report, tmp_path, theme, viewport):
    page = visit(report, theme=theme, viewport=viewport)
    assert re.fullmatch(r"smiles: study report, \d{1,2} \w+ \d{4}", page.title())
    sections = page.eval_on_selector_all("section", "all => all.map(one => one.id)")
    assert {"recommendation", "front", "evidence", "robustness", "trials"} <= set(sections)
    assert page.locator(".plot:has(.main-svg)").count() == page.locator(".plot").count() >= 8
    assert "var(--" not in "".join(page.eval_on_selector_all(".plot", "all => all.map(one => one.innerHTML)"))
    assert page.evaluate("document.documentElement.scrollWidth") <= viewport["width"]
    shot = tmp_path / f"{theme}.png"
    page.screenshot(path=shot, full_page=True)
    assert shot.stat().st_size > 50_000


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("viewport", [DESK, PHONE], ids=["desk", "phone"])
def test_an_ablation_is_drawn_with_its_differences_first(visit, tmp_path, theme, viewport):
    write_ablation(tmp_path)
    page = visit(pages.report("parts", tmp_path / "report.html", home=tmp_path), theme=theme, viewport=viewport)
    assert page.eval_on_selector_all("section", "all => all.map(one => one.id)")[0] == "ablation"
    assert page.locator("#ablation .plot:has(.main-svg)").count() == 2  # differences, and effects of components
    assert page.evaluate("document.documentElement.scrollWidth") <= viewport["width"]
    page.screenshot(path=tmp_path / "shot.png", full_page=True)


def test_figures_follow_a_change_of_theme(visit, report):
    page = visit(report)
    ink = "getComputedStyle(document.querySelector('.plot .annotation-text')).fill"
    light = page.evaluate(ink)
    page.emulate_media(color_scheme="dark")
    wait_until(page, f"{ink} !== '{light}'")
    assert page.evaluate(ink) == page.evaluate("getComputedStyle(document.body).color")


def test_figures_follow_the_width_of_the_window(visit, report):
    page = visit(report)
    page.set_viewport_size(PHONE)
    wait_until(page, "document.querySelector('.plot .main-svg').getBoundingClientRect().width < 390")


def test_a_heading_sorts_and_what_has_no_value_stays_last(visit, report):
    page = visit(report)
    column = "#search-trials tbody td:nth-child(4)"
    heading = page.locator("#search-trials thead button", has_text="accuracy")
    for order, reverse in (("ascending", False), ("descending", True)):
        heading.click()
        shown = page.locator(column).all_inner_texts()
        numbers = [float(text) for text in shown if text != "–"]
        assert numbers == sorted(numbers, reverse=reverse)
        assert shown[len(numbers) :] == ["–"] * (len(shown) - len(numbers))
        assert page.locator("#search-trials th[aria-sort]").get_attribute("aria-sort") == order


def test_the_filter_keeps_the_trials_with_all_words(visit, report):
    page = visit(report)
    page.fill("input[type=search]", "failed NaN")
    rows = page.locator("#search-trials tbody tr:visible")
    assert rows.count() == 1
    assert "search-0003" in rows.inner_text()
    assert page.inner_text("output") == "1 of 12"


def test_a_selected_trial_is_shown_in_every_figure(visit, report):
    page = visit(report)
    page.click("#search-trials button[data-trial=search-0007]")
    lengths = page.evaluate(
        "[...document.querySelectorAll('.plot')].map(plot => "
        "plot.data.filter(trace => trace.meta === 'selection').map(trace => trace.x.length))"
    )
    # Two views, race, evidence, two of robustness, seven axes, 24 epochs, losses.
    assert lengths == [[1], [1], [], [], [], [], [7], [24], []]
    assert "training time" in page.inner_text("#selected")
    page.keyboard.press("Escape")
    assert page.locator("#selected").is_hidden()


def test_a_mark_of_the_front_selects_its_trial(visit, report):
    page = visit(report)
    star = page.locator("#figure-0 path.point >> nth=-1")  # drawn last
    star.scroll_into_view_if_needed()
    mark = star.bounding_box()
    page.mouse.click(mark["x"] + mark["width"] / 2, mark["y"] + mark["height"] / 2)
    chosen = page.locator("#front tr.chosen th button").inner_text()
    assert page.inner_text("#selected h3") == chosen


def test_text_of_others_runs_nothing(visit, tmp_path):
    with Ledger.write(tmp_path / "smiles") as ledger:
        ledger.open_study(**{**FACTS, "classes": [HOSTILE, "b", "c", "d"], "device": HOSTILE})
        add_trial(ledger, search_trial(0, {HOSTILE: HOSTILE}))
        add_trial(ledger, search_trial(1, {HOSTILE: "other"}))
        select(ledger)
    page = visit(pages.report("smiles", tmp_path / "report.html", home=tmp_path))
    assert page.locator("img").count() == 0
    page.hover("#figure-0 path.point >> nth=0", force=True)
    assert "<img" in page.locator("#figure-0 .hoverlayer").text_content()


def test_a_study_without_trials_opens(visit, tmp_path):
    with Ledger.write(tmp_path / "smiles") as ledger:
        ledger.open_study(**FACTS)
    page = visit(pages.report("smiles", tmp_path / "report.html", home=tmp_path))
    assert page.locator(".plot").count() == 0


def test_five_hundred_trials_open_and_sort(visit, tmp_path):
    write_sample(tmp_path, num_trials=500)
    page = visit(pages.report("smiles", tmp_path / "report.html", home=tmp_path))
    page.locator("#search-trials thead button", has_text="accuracy").click()
    assert page.locator("#search-trials tbody tr").count() == 500
