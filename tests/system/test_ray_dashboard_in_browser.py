"""Ray's dashboard as a person sees it: the job, its trials by study and number, its logs."""

import re

import pytest
from playwright.sync_api import expect

from tests.support.ray_head import SMOKE, WITH_RAY

pytestmark = [*WITH_RAY, pytest.mark.parametrize("head", [False], ids=["no token"], indirect=True, scope="session")]
PAGE_MS = 120_000  # it draws in seconds, beside another test that takes the cores in a minute


@pytest.fixture(scope="module")
def job(head, submitted):
    """A head, and the id of a job on it that ran a study of two trials."""
    assert submitted.returncode == 0, submitted.stdout
    return head, re.search(r"raysubmit_\w+", submitted.stdout).group()


@pytest.fixture(scope="module")
def page(browser):
    return browser.new_page(viewport={"width": 1400, "height": 1600})


def test_the_job_is_listed_with_its_command(job, page):
    head, submitted = job
    page.goto(f"{head.dashboard}/#/jobs")
    row = page.get_by_role("row", name=re.compile(submitted))
    expect(row).to_contain_text("SUCCEEDED", timeout=PAGE_MS)
    expect(row).to_contain_text(" ".join(SMOKE))


def test_its_train_runs_name_study_and_trial(job, page):
    """The open dashboard has no page for Train runs: they are in its answers, and on the job's page as tasks."""
    head, submitted = job
    names = ("demo-smoke-search-0000", "demo-smoke-search-0001")
    assert set(names) <= head.runs().keys()
    page.goto(f"{head.dashboard}/#/jobs/{submitted}")
    page.get_by_text("Task Table").click(timeout=PAGE_MS)
    wanted = page.get_by_label("Name", exact=True).first
    for name in names:
        wanted.fill(name, timeout=PAGE_MS)
        expect(page.get_by_role("row", name=re.compile(name)).first).to_be_visible(timeout=PAGE_MS)


def test_its_page_shows_its_log(job, page):
    head, submitted = job
    page.goto(f"{head.dashboard}/#/jobs/{submitted}")
    expect(page.get_by_text("[2/2] search-").first).to_be_visible(timeout=PAGE_MS)
