"""The browser of the tests that look at pages, and the head of those that submit jobs."""

import shutil

import pytest
from playwright.sync_api import sync_playwright

from tests.support.ray_head import SMOKE, ray_head

FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="module")
def browser():
    """A headless Chromium of the system, with a profile of its own."""
    path = shutil.which("chromium")
    assert path, "These tests drive the system's Chromium: apt-get install chromium."
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield found
        found.close()


@pytest.fixture(scope="session", params=[False, pytest.param(True, marks=pytest.mark.long)], ids=["no token", "token"])
def head(request):
    """A head that takes jobs, of a first-time user and of one whose machine holds a token."""
    with ray_head("--num-cpus=2", token=request.param) as found:
        yield found


@pytest.fixture(scope="session")
def submitted(head):
    """A study of two trials, run by a job with an uploaded working directory."""
    return head.submit("--working-dir", ".", "--", *SMOKE)
