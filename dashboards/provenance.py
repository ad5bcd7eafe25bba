"""Provenance: data, code, device, seeds and folds, and how the study changed between runs."""

from __future__ import annotations

import itertools
from typing import Any

from dashboards.core.data import ReportData
from dashboards.core.html import NOTHING, Cell, Html, element, facts, join, missing, table
from dashboards.core.panel import Panel
from trainables.core.training.metrics import METRICS
from trainables.core.wording import counted
from tuning.records.ledger import Trial
from tuning.text.phases import PHASE_TITLES
from tuning.text.quantities import day, quantity, setting

_WRITTEN_OUT = (
    "objectives",
    "space",
    "settings",
    "classes",
    "device",
    "concurrency",
    "version",
    "git_commit",
    "smoke",
    "data_root",
    "dataset",
    "dataset_fingerprint",
    "trainable",
    "registered_model",
)
_OURS = ("effects",)  # for fertune, and told by nothing else that is of use to people


def panel(report: ReportData) -> Panel:
    """What somebody needs to do it again, and to know what it was done on."""
    if not report.study:
        return Panel(
            title="Provenance", order=80, lead=missing("The study has not run yet, so nothing is known of it.")
        )
    reading = (
        "What these figures were made from. The commit pins the version of every library in its requirements.lock."
    )
    return Panel(title="Provenance", order=80, reading=reading, body=join([facts(_facts(report)), _history(report)]))


def _facts(report: ReportData) -> list[tuple[str, object]]:
    study = report.study
    drawn = ", faces drawn by a program" if report.drawn else ""
    objectives = (f"{quantity(one.metric).name} ({one.direction})" for one in report.objectives)
    began = report.ledger.events[0]["time"]
    pairs: list[tuple[str, object]] = [
        ("data set", f"{study.get('dataset', 'unknown')}{drawn}"),
        ("data fingerprint", element("code", study.get("dataset_fingerprint", "unknown"))),
        ("classes", ", ".join(study.get("classes", []))),
        ("trainable", study.get("trainable", "unknown")),
        ("registered model", study.get("registered_model", "not noted then")),
        ("objectives", ", ".join(objectives)),
        *((METRICS[key].label, METRICS[key].measured) for key, _ in report.objectives if key in METRICS),
        ("searched", _listed(study.get("space", {}))),
        ("fixed", _listed(study.get("settings", {}))),
        ("device", join(sorted(set(report.devices.values())) or ["unknown"], ", ")),
        ("trials at once", study.get("concurrency", "unknown")),
        ("fertune version", study.get("version") or "not noted then"),
        ("fertune commit", element("code", study.get("git_commit") or "not a checkout")),
    ]
    for phase, title in PHASE_TITLES.items():
        if trials := report.ledger.of_phase(phase):
            pairs.append((title, _seeds_and_folds(trials)))
    if report.evidence:
        pairs.append(("holdout", f"{report.evidence[0].tested_on}; only confirmations read it"))
    # What has no words here is shown as it stands.
    pairs += [(key, _plain(value)) for key, value in study.items() if key not in (*_WRITTEN_OUT, *_OURS)]
    pairs += [
        ("study began", day(began)),
        ("last event", day(report.ledger.events[-1]["time"])),
        ("report written", f"{day(report.written_at)}, {report.written_at:%H:%M %Z}"),
    ]
    return pairs


def _history(report: ReportData) -> Html:
    """What changed between the runs of a study that was resumed, extended or widened."""
    openings = [event for event in report.ledger.events if event["event"] == "study"]
    rows = []
    for before, after in itertools.pairwise(itertools.accumulate(openings, lambda known, event: known | event)):
        for key in after:
            if key not in ("time", "event", *_OURS) and before.get(key) != after[key]:
                changed = (day(after["time"]), key, _plain(before.get(key)), _plain(after[key]))
                rows.append([Cell(shown=value) for value in changed])
    return table("What changed between runs", ["date", "what", "before", "after"], rows) if rows else NOTHING


def _seeds_and_folds(trials: list[Trial]) -> str:
    folds = sorted({fold for trial in trials for fold in trial.folds})
    seeds = sorted({trial.seed for trial in trials})
    listed = f"{seeds[0]} to {seeds[-1]}" if len(seeds) > 2 else " and ".join(map(str, seeds))
    listed_folds = f"fold{'s' * (len(folds) > 1)} {', '.join(map(str, folds))}"
    return f"{counted(len(trials), 'trial')}, seed{'s' * (len(seeds) > 1)} {listed}, {listed_folds}"


def _listed(mapping: dict[str, Any]) -> str:
    return "; ".join(f"{key} {setting(value)}" for key, value in mapping.items()) or "nothing"


def _plain(value: object) -> str:
    return _listed(value) if isinstance(value, dict) else setting(value)
