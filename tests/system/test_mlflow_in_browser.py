"""MLflow's UI in Chromium, opened by the links that a run prints: trials by name, with parameters and objectives."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page

from tests.support.sample_study import FACTS, add_trial, search_trial, select
from tuning.records.ledger import Ledger
from tuning.records.mlflow_client import default_uri
from tuning.records.tracking import Tracker
from tuning.records.views import LOCAL

GATES = ("none", "se", "eca", "g_eca")
OBJECTIVES = ("accuracy", "train_time_s", "param_count")
PARAMETERS = ("rbg_depth", "gru_hidden", "attention", "masking_rate")
# The heads of the columns from left to right, and the rows of the runs from the top: their cells by column.
TABLE = """(() => {
    const heads = [...document.querySelectorAll(".ag-header-cell")].filter(head => head.innerText.trim())
    heads.sort((one, other) => one.getBoundingClientRect().x - other.getBoundingClientRect().x)
    const rows = {}
    for (const cell of document.querySelectorAll(".ag-row .ag-cell")) {
        const row = cell.closest(".ag-row").getAttribute("row-index")
        rows[row] = {...rows[row], [cell.getAttribute("col-id")]: cell.innerText.trim().split("\\n").pop()}
    }
    return [heads.map(head => head.innerText.trim()), Object.keys(rows).map(Number).sort((a, b) => a - b).map(i => rows[i])]
})()"""
# Compared runs: rows of a table, and the metrics, of which MLflow draws only those rows that are in sight.
ROWS = "[...document.querySelectorAll('tr')].map(row => [...row.children].map(cell => cell.innerText.trim()))"
METRICS = """(() => {
    const cells = [...document.querySelectorAll(".ReactVirtualized__Grid__innerScrollContainer > div")]
    return [...document.querySelectorAll("a[title='Plot chart']")].map(link => [link.innerText.trim(),
        cells.filter(cell => cell !== link.parentElement && cell.style.top === link.parentElement.style.top)
            .map(cell => cell.innerText.trim())])
})()"""
SCROLL = """document.querySelectorAll(".ReactVirtualized__Grid").forEach(grid =>
    grid.scrollTop = (grid.scrollTop + 90) % Math.max(1, grid.scrollHeight - grid.clientHeight + 90))"""
LAST = "params.`masking_rate`"
START_S, PAGE_S = 240, 120  # a server starts and draws in seconds, beside a Ray that takes all cores in minutes

pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def study(home):
    """Nine finished search trials and a failed one, as MLflow has them: the ledger, and the lines that a run prints."""
    with Ledger.write(home / "smiles") as ledger, Tracker(ledger, default_uri(home), home, patience_s=120) as tracker:
        ledger.open_study(**FACTS)
        for number in range(9):
            parameters = {
                "rbg_depth": number % 4,
                "gru_hidden": 32 << number % 4,
                "attention": GATES[number // 3],
                "masking_rate": 0.1 * (number % 3),
            }
            add_trial(ledger, search_trial(number, parameters))
        add_trial(ledger, search_trial(9, parameters), state="FAILED")
        select(ledger)
    assert (tracker.unwritten, tracker.error) == (0, "")
    return ledger, tracker.how_to_compare()


@pytest.fixture(scope="module")
def server(home, study):
    """`mlflow server` on the store of the study; its address."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    command = [Path(sys.executable).with_name("mlflow"), "server", "--backend-store-uri", default_uri(home)]
    log = (home / "server.log").open("wb")
    process = subprocess.Popen(
        [*command, "--host", "127.0.0.1", "--port", str(port), "--workers", "1"],
        stdout=log,
        stderr=subprocess.STDOUT,
        cwd=home,
        env=os.environ | {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"},  # as `make up` starts it
        start_new_session=True,
    )
    try:
        deadline = time.monotonic() + START_S
        while not healthy(address):
            gone = process.poll() is not None or time.monotonic() > deadline
            assert not gone, (home / "server.log").read_text()
            time.sleep(0.5)
        yield address
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        log.close()


@pytest.fixture
def visit(server, browser: Browser):  # in this order: a server waits for the connections of a browser
    """Opens a printed link on this server; whatever is not of this server gets no answer."""
    contexts = []

    def opened(link: str) -> Page:
        context = browser.new_context(viewport={"width": 1400, "height": 860})
        contexts.append(context)
        context.route(lambda url: urlsplit(url).netloc != urlsplit(server).netloc, lambda route: route.abort())
        page = context.new_page()
        page.set_default_timeout(1000 * PAGE_S)
        page.goto(link.replace(LOCAL, server))
        page.click("[data-component-id='mlflow.assistant.chat_panel.close']")  # MLflow opens it on a first visit
        return page

    yield opened
    for context in contexts:
        context.close()


def healthy(address: str) -> bool:
    try:
        with urllib.request.urlopen(f"{address}/health", timeout=2) as answer:
            return answer.status == 200
    except (urllib.error.URLError, TimeoutError, ConnectionError):
        return False


def printed(lines: list[str], start: str) -> str:
    """The link in the line that begins with `start`."""
    (line,) = [line for line in lines if line.strip().startswith(start)]
    return line.split()[-1]


def read(page: Page, script: str, wanted: Callable[[Any], bool], step: str = "") -> Any:
    """What `script` finds in the page, as soon as it is `wanted`; the page draws when it can, and more after `step`."""
    deadline = time.monotonic() + PAGE_S
    while not wanted(found := page.evaluate(script)):
        assert time.monotonic() < deadline, found
        if step:
            page.evaluate(step)
        page.wait_for_timeout(200)
    return found


def test_the_link_to_all_trials_shows_them_by_name_parameters_and_objectives(visit, study):
    ledger, lines = study
    page = visit(printed(lines, "all trials:"))
    finished = {trial.trial_id: trial for trial in ledger.of_phase("search") if trial.state == "FINISHED"}
    columns, rows = read(page, TABLE, lambda found: len(found[1]) == 10 and all(LAST in row for row in found[1]))
    assert columns == ["Run Name", "Created", *OBJECTIVES, *PARAMETERS, "Duration"]
    *measured, failed = rows  # best first
    assert failed["attributes.`Run Name`"] == "search-0009"
    assert {row["attributes.`Run Name`"] for row in measured} == set(finished)
    for row in measured:
        trial = finished[row["attributes.`Run Name`"]]
        assert [row[f"params.`{key}`"] for key in PARAMETERS] == [str(trial.parameters[key]) for key in PARAMETERS]
        for key in OBJECTIVES:
            assert float(row[f"metrics.`{key}`"]) == pytest.approx(trial.metrics[key])
    accuracies = [float(row["metrics.`accuracy`"]) for row in measured]
    assert accuracies == sorted(accuracies, reverse=True)
    box = page.locator(".ag-header-cell", has_text=PARAMETERS[-1]).bounding_box()
    assert box["x"] + box["width"] <= 1400  # seen without scrolling


def test_the_link_to_the_front_compares_its_members_side_by_side(visit, study):
    ledger, lines = study
    page = visit(printed(lines, "the front, side by side:"))
    front = [ledger.trials[trial_id] for trial_id in ledger.selection["front"]]
    page.get_by_text(re.compile(rf"Comparing {len(front)} Runs")).wait_for()
    found = read(page, ROWS, lambda found: any(row and row[0] == PARAMETERS[0] for row in found))
    rows = {name.rstrip(":"): cells for name, *cells in found}
    assert rows["Run Name"] == [trial.trial_id for trial in front]
    for key in PARAMETERS:
        assert rows[key] == [str(trial.parameters[key]) for trial in front]
    for key in OBJECTIVES:
        found = read(page, METRICS, lambda found, key=key: len(dict(found).get(key, ())) == len(front), SCROLL)
        assert [float(cell) for cell in dict(found)[key]] == pytest.approx(
            [trial.metrics[key] for trial in front], rel=1e-2
        )


def test_the_link_to_the_charts_draws_the_objectives_over_each_other(visit, study):
    ledger, lines = study
    page = visit(printed(lines, "the front, as charts:"))
    for title in ("train_time_s vs. accuracy", "param_count vs. accuracy", "Parallel Coordinates"):
        page.get_by_text(title, exact=True).wait_for()
    page.wait_for_selector(".scatterlayer .point")
    assert page.locator(".scatterlayer .point").count() == 2 * len(ledger.selection["front"])
