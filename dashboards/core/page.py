"""The report: every panel of `dashboards/` on one HTML page that needs nothing but itself."""

from __future__ import annotations

import base64
import hashlib
import json
import os
from pathlib import Path

from plotly.offline import get_plotlyjs

from dashboards.core.data import ReportData, read_report_data
from dashboards.core.html import Html, element, join
from dashboards.core.panel import Figure, Panel
from trainables.core import lookup
from trainables.core.wording import counted
from tuning.records.home import Named, home_of, name_of
from tuning.text.quantities import day

_HERE = Path(__file__).parent


def report(study: str | Named, out: str | Path | None = None, *, home: str | Path | None = None) -> Path:
    """Write the report of a study to the file `out`, whole or not at all, and return it; default: `STUDY.html` here.

    Raises `ValueError` where the study was not begun, and where `out` is a folder.
    """
    study = name_of(study)
    file = Path(out or f"{study}.html")
    if file.is_dir():
        raise ValueError(f"{file} is a folder; --out needs a file, such as {file / f'{study}.html'}.")
    page = render(read_report_data(home_of(home), study))
    file.parent.mkdir(parents=True, exist_ok=True)
    temporary = file.with_name(f".{file.name}.{os.getpid()}.tmp")
    try:
        temporary.write_text(page, encoding="utf-8")
        temporary.replace(file)
    finally:
        temporary.unlink(missing_ok=True)
    return file


def collect_panels(report: ReportData) -> dict[str, Panel]:
    """The panels that apply to a study, by file name, in the order of the page."""
    found = {name: lookup.load("dashboards", name, "panel").panel(report) for name in lookup.names("dashboards")}
    return dict(sorted(((name, panel) for name, panel in found.items() if panel), key=lambda item: item[1].order))


def render(report: ReportData) -> str:
    """The page as text."""
    panels = collect_panels(report)
    figures: list[Figure] = []
    sections = [_section(name, panel, figures) for name, panel in panels.items()]
    written = day(report.written_at)
    title = f"{report.name}: study report, {written}"
    plotly = Html(_in_script(get_plotlyjs()))
    script = Html(_in_script((_HERE / "report.js").read_text(encoding="utf-8")))
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=_policy(plotly, script)),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("meta", name="referrer", content="no-referrer"),
        element("link", rel="icon", href="data:,"),  # else a server would be asked for one
        element("title", title),
        element("style", Html((_HERE / "report.css").read_text(encoding="utf-8"))),
    )
    body = element(
        "body",
        element("a", "Skip to the panels", href="#panels", class_="skip"),
        _header(report, panels, written),
        element("main", *sections, id="panels"),
        element("aside", id="selected", aria_live="polite", hidden=True),
        element("script", _figures_json(figures), type="application/json", id="figures"),
        element("script", plotly),
        element("script", script),
    )
    return f"<!doctype html>\n{element('html', head, body, lang='en')}\n"


def _header(report: ReportData, panels: dict[str, Panel], written: str) -> Html:
    facts = [counted(len(report.trained), "training" if report.is_ablation else "search trial")]
    facts += [f"data set {report.study['dataset']}"] if "dataset" in report.study else []
    devices = sorted(set(report.devices.values()))
    facts += [f"on {' and '.join(devices)}"] if devices else []
    links = (element("li", element("a", panel.title, href=f"#{name}")) for name, panel in panels.items())
    return element(
        "header",
        element("p", "Study report", class_="overline"),
        element("h1", report.name),
        element("p", join([*facts, element("time", written, datetime=report.written_at.isoformat())], " · ")),
        element("nav", element("ul", *links), aria_label="Panels"),
    )


def _section(name: str, panel: Panel, figures: list[Figure]) -> Html:
    drawn = []
    for figure in panel.figures:
        place = element(
            "div",
            id=f"figure-{len(figures)}",
            class_="plot",
            role="img",
            aria_label=figure.label,
            style=f"height: {figure.plot.layout.height}px; min-width: {figure.min_width}px",
        )
        drawn.append(element("figure", place))
        figures.append(figure)
    return element(
        "section",
        element("h2", panel.title, id=f"{name}-title"),
        element("p", panel.reading, class_="reading") if panel.reading else "",
        panel.lead,
        element("div", *drawn, class_="figures") if drawn else "",
        panel.body,
        id=name,
        aria_labelledby=f"{name}-title",
    )


def _figures_json(figures: list[Figure]) -> Html:
    """The figures as data. A `<` could end the script element that holds them."""
    plain = [json.loads(figure.plot.to_json()) for figure in figures]
    return Html(json.dumps(plain, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c"))


def _policy(*scripts: str) -> str:
    """Nothing may be loaded from anywhere, and no script runs but these; plotly writes styles of its own."""
    hashes = " ".join(
        f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'" for script in scripts
    )
    return (
        f"default-src 'none'; script-src {hashes}; style-src 'unsafe-inline'; img-src data: blob:; "
        "base-uri 'none'; form-action 'none'"
    )


def _in_script(source: str) -> str:
    """JavaScript that cannot end its own element, with the line ends that a browser hashes."""
    return source.replace("\r\n", "\n").replace("</script", "<\\/script")
