"""Where MLflow's UI shows a study: views with its parameters and objectives as columns, and links that open them.

A URL of MLflow's UI carries the filter and the order of a page, yet not its columns: those belong to a saved view, which
is a tag of the experiment (the menu at the top right of the runs, `?viewStateShareKey=` in a URL). Read off MLflow 3.17.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping, Sequence
from typing import Any, Literal
from urllib.parse import quote, urlsplit

from tuning.records import tags
from tuning.records.home import program
from tuning.records.mlflow_client import shown_uri

NOTE = "mlflow.note.content"  # the tag with the description on the page of an experiment or of a run
LOCAL = "http://127.0.0.1:5000"
MOST_COMPARED = 50  # the comparison page is slow past about 100 runs, and a longer link breaks where it is copied
MOST_COLUMNS = 20  # a tag holds 5000 characters
_VIEW = "mlflow.sharedViewState."
_MODE = "workflowType=machine_learning"  # else MLflow opens its pages for language models
_RUN_NAME, _CREATED = "attributes.`Run Name`", "runDateAndNestInfo"


def experiment_tags(study: str, facts: Mapping[str, Any], ledger: str) -> dict[str, str]:
    """What an experiment is tagged with, so that MLflow's UI shows the study: a description and saved views.

    The view `trials` has all search trials, or all trainings of an ablation; `front` those on the Pareto front. The best
    trial comes first; the columns are the objectives, then what is searched or varied. As charts, a view shows the first
    objective over each of the others, and the parameters as parallel coordinates. `facts` are what the ledger knows of
    the study, `ledger` is the value of the tag `fertune.ledger` of its runs.
    """
    design, objectives = facts.get("design"), facts.get("objectives", [])
    parameters = _varied(facts)
    metrics = [metric for metric, _ in objectives]
    columns = [f"metrics.`{key}`" for key in metrics] + [f"params.`{key}`" for key in parameters]
    if design:
        columns.insert(0, f"tags.`{tags.VARIANT}`")
        views = {"trials": ("All trainings of the ablation", tags.PHASE, "ablation")}
    else:
        views = {"trials": ("All search trials", tags.PHASE, "search"), "front": ("Pareto front", tags.PARETO, "true")}
    state: dict[str, Any] = {
        "selectedColumns": columns,
        "columnOrder": [_RUN_NAME, _CREATED, *columns, "duration"],
        "columnWidths": {_RUN_NAME: 140, _CREATED: 120},
        "runsHiddenMode": "SHOW_ALL",
        "compareRunCharts": _charts(parameters, metrics),
        "compareRunSections": [{"uuid": "study", "name": "Objectives and parameters", "display": True, "columns": 2}],
    }
    if objectives:
        metric, direction = objectives[0]
        state |= {"orderByKey": f"metrics.`{metric}`", "orderByAsc": direction == "min"}
    found = {NOTE: _note(study, facts, metrics, parameters)}
    for key, (name, tag, value) in views.items():
        state["searchFilter"] = f"tags.`{tag}` = '{value}' AND tags.`{tags.LEDGER}` = '{ledger}'"
        packed = json.dumps(state, separators=(",", ":"))
        view = {"name": name, "createdAt": int(1000 * facts.get("time", 0)), "state": packed}
        found[_VIEW + key] = json.dumps(view)
    return found


def study_url(base: str, experiment_id: str, view: str = "trials", drawn: Literal["table", "charts"] = "table") -> str:
    """The page of the runs in one of its views, `trials` or `front`."""
    mode = f"{_MODE}&compareRunsMode=CHART" if drawn == "charts" else _MODE
    return f"{base.rstrip('/')}/#/experiments/{quote(experiment_id)}/runs?viewStateShareKey={quote(view)}&{mode}"


def compare_url(base: str, experiment_ids: Sequence[str], run_ids: Sequence[str]) -> str:
    """The page with everything of a few runs side by side: parameters, metrics, tags."""
    runs, experiments = (quote(json.dumps(list(ids), separators=(",", ":"))) for ids in (run_ids, experiment_ids))
    return f"{base.rstrip('/')}/#/compare-runs?runs={runs}&experiments={experiments}&{_MODE}"


def how_to_compare(tracking_uri: str, experiment_id: str, front: Sequence[str]) -> list[str]:
    """Lines for the end of a run: where its trials, and the MLflow runs of its front, are compared.

    With a server these are links; where the store is a file or a database, the command that serves it comes first.
    """
    lines = ["Compare the trials in MLflow:"]
    base = shown_uri(tracking_uri)
    if urlsplit(tracking_uri).scheme not in ("http", "https"):
        # A store that is told only with its password is told by the variable that it came from.
        store = shlex.quote(base) if base == tracking_uri else '"$MLFLOW_TRACKING_URI"'
        lines.append(f"  {shlex.quote(program('mlflow'))} ui --backend-store-uri {store} --port {urlsplit(LOCAL).port}")
        lines.append("  and, while it runs, in a browser")
        base = LOCAL
    lines.append(f"  all trials: {study_url(base, experiment_id)}")
    if front:
        lines.append(f"  the front, as charts: {study_url(base, experiment_id, 'front', 'charts')}")
    if 1 < len(front) <= MOST_COMPARED:
        lines.append(f"  the front, side by side: {compare_url(base, [experiment_id], front)}")
    return lines


def _varied(facts: Mapping[str, Any]) -> list[str]:
    """The parameters in which trials of a study differ: those searched, and those that the variants of a design set."""
    variants = (facts.get("design") or {}).get("variants", {})
    keys = dict.fromkeys([*facts.get("space", {}), *(key for changes in variants.values() for key in changes)])
    return list(keys)[:MOST_COLUMNS]


def _note(study: str, facts: Mapping[str, Any], metrics: Sequence[str], parameters: Sequence[str]) -> str:
    """The study in a line of Markdown."""
    trained = f", {facts['trainable']} on {facts['dataset']}" if {"trainable", "dataset"} <= facts.keys() else ""
    over = f": {', '.join(metrics)} over {', '.join(parameters)}" if parameters else ""
    return f"Study **{study}**{trained}{over}. The views at the top right have these columns."


def _charts(parameters: Sequence[str], metrics: Sequence[str]) -> list[dict[str, Any]]:
    first, others = metrics[:1], metrics[1:]
    charts: list[dict[str, Any]] = [
        {"type": "SCATTER", "xaxis": {"key": other, "type": "METRIC"}, "yaxis": {"key": first[0], "type": "METRIC"}}
        for other in others
    ]
    if first and parameters:
        charts.append({"type": "PARALLEL", "selectedParams": list(parameters), "selectedMetrics": first})
    common = {"metricSectionId": "study", "runsCountToCompare": 100, "deleted": False, "isGenerated": False}
    return [{"uuid": f"study-{number}", **common, **chart} for number, chart in enumerate(charts)]
