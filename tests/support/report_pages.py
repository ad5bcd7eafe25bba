"""A page of a report as a test reads it."""

import json
from html.parser import HTMLParser

from dashboards.core.data import read_report_data
from dashboards.core.page import render
from tests.support.sample_study import FACTS
from tuning.records.ledger import Ledger

HOSTILE = "</script><img src=x onerror=alert(1)><script>alert(2)</script>"


class Page(HTMLParser):
    """A parsed page: its elements, the text of each section, its scripts and the figures they draw.

    `plots` holds the label and the figure of each plot, by section.
    """

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, str] = {}
        self.scripts: list[tuple[dict[str, str | None], str]] = []
        self.header = ""
        self._section, self._in_script = "", False
        self._labels: list[tuple[str, str]] = []
        self.feed(text)
        self.figures = json.loads(next(text for attrs, text in self.scripts if attrs.get("id") == "figures"))
        self.plots = {name: [] for name in self.texts}
        for (section, label), figure in zip(self._labels, self.figures, strict=True):
            self.plots[section].append((label, figure))

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        self._in_script = tag == "script"
        if self._in_script:
            self.scripts.append((dict(attrs), ""))
        elif tag == "section":
            self._section = dict(attrs)["id"]
            self.texts[self._section] = ""
        elif dict(attrs).get("class") == "plot":
            self._labels.append((self._section, dict(attrs)["aria-label"]))

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


def read_page(home, name="smiles"):
    return Page(render(read_report_data(home, name)))


def open_study(home, name="smiles", **facts):
    ledger = Ledger.write(home / name)
    ledger.open_study(**{**FACTS, **facts})
    return ledger
