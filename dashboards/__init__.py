"""How a study is looked at: one file is one panel of the report.

`dashboards/<name>.py` defines `panel(report: ReportData) -> Panel | None`; `core/data.py` says what a report knows,
`core/panel.py` what a panel is. Every file is tested for this (`tests/conformance/test_panels.py`):

- It answers for every study: one that was only opened, one without trials, a search, an ablation, one full of markup.
  `None` where it does not apply; where something is missing, `missing(...)` says what.
- `lead` and `body` are made by `element`, `join` and `table` (`core/html.py`), which escape what others wrote; a figure
  begins as `figures.blank(...)` (`core/figures.py`) and has a `label` for those who cannot see it.
- The module and `panel` have docstrings.

Panels stand in ascending `order`: 10 recommendation, 20 front, 30 evidence, 40 confusion, 50 parameters, 60 curves,
70 trials, 80 provenance.
"""
