"""Every panel of the report there is: whatever the study looks like, it answers, and what it shows stands on the page.

What a panel must have stands in the docstring of `dashboards/`.
"""

import inspect

import pytest

from dashboards.core.data import ReportData, read_report_data
from dashboards.core.html import Html
from dashboards.core.panel import Panel
from tests.support.report_pages import HOSTILE, open_study, read_page
from tests.support.sample_ablation import write_ablation
from tests.support.sample_study import add_confirmation, add_trial, search_trial, select, write_sample
from trainables.core import lookup
from tuning.records.ledger import Ledger

PANELS = lookup.names("dashboards")
STUDIES = {"opened": "opened", "begun": "begun", "search": "smiles", "ablation": "parts", "hostile": "hostile"}


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A study that has only been opened, one without trials, a confirmed search, an ablation, one that others named."""
    home = tmp_path_factory.mktemp("panels")
    with Ledger.write(home / "opened") as ledger:
        ledger.note("opened")
    open_study(home, "begun").close()
    write_sample(home, "smiles")
    write_ablation(home)
    with open_study(
        home, "hostile", classes=[HOSTILE, "b", "c", "d"], dataset=HOSTILE, space={HOSTILE: HOSTILE}
    ) as ledger:
        add_trial(ledger, search_trial(0, {HOSTILE: HOSTILE, "lr": 0.1}), device=HOSTILE)
        add_confirmation(ledger, select(ledger)[0], seed=0, variant=HOSTILE)
    return home


@pytest.fixture(scope="module")
def pages(home):
    return {kind: read_page(home, name) for kind, name in STUDIES.items()}


@pytest.fixture(params=PANELS)
def module(request):
    return lookup.load("dashboards", request.param, "panel")


@pytest.mark.parametrize("kind", STUDIES)
def test_it_answers_for_every_kind_of_study_and_stands_on_its_page(module, home, pages, kind):
    name = module.__name__.rpartition(".")[2]
    panel = module.panel(read_report_data(home, STUDIES[kind]))
    assert (panel is not None) == (name in pages[kind].texts)
    if panel is not None:
        assert isinstance(panel, Panel)
        assert panel.title
        assert isinstance(panel.lead, Html), "`element` and `join` of dashboards.core.html escape what others wrote"
        assert isinstance(panel.body, Html), "`element` and `join` of dashboards.core.html escape what others wrote"
        assert all(figure.label for figure in panel.figures), "what a figure shows, for those who cannot see it"
        assert all(figure.plot.layout.height for figure in panel.figures), "`figures.blank(..., height=...)`"
    assert not pages[kind].all("img"), "the names that others gave stay text"


def test_some_study_has_it(module, pages):
    name = module.__name__.rpartition(".")[2]
    assert any(name in page.texts for page in pages.values())


def test_it_says_what_it_shows(module):
    assert module.__doc__
    assert module.panel.__doc__
    assert list(inspect.signature(module.panel).parameters) == ["report"]
    assert inspect.get_annotations(module.panel, eval_str=True)["report"] is ReportData
