"""Every metric of `METRICS` keeps what the docstring of `Metric` says: an entry is tested here with no new test code."""

import ast
import math
import re

import pytest

from search_spaces.core.study import Objective
from tests.conformance.test_imports import place_of, sources
from tests.conftest import ROOT
from tests.support.builders import make_spec, train
from trainables.core.training.metrics import METRICS, measured_at, objectives
from tuning.text.quantities import quantity

MOST_NAMED = 3  # a module may choose a few metrics to show; a list of more is a table
# It may import nothing of ours, and what it lists are its own fields.
EXEMPT = ("trainables/core/training/metrics.py", "tuning/statistics/")


@pytest.fixture(params=METRICS)
def metric(request):
    return METRICS[request.param]


@pytest.fixture(scope="module")
def trial(prepared, tmp_path_factory, tiny):
    """Curve and metrics of a search trial of a tiny network."""
    return train(make_spec(prepared, tmp_path_factory.mktemp("trials") / "search-0000"))


def test_people_can_read_it(metric):
    assert re.fullmatch("[a-z][a-z0-9_]*", metric.name), "a name in snake_case"
    assert metric.label
    assert metric.unit not in metric.label.split() or not metric.unit, "the unit stands beside the label"
    assert metric.unit or metric.scale == 1, "what is scaled is scaled to a unit"
    assert re.fullmatch(r"[A-Z].*\.", metric.measured), "one sentence, how and where it is measured"
    assert quantity(metric.name).heading == (f"{metric.label}, {metric.unit}" if metric.unit else metric.label)


def test_names_and_labels_are_given_once():
    written = (ROOT / "trainables" / "core" / "training" / "metrics.py").read_text(encoding="utf-8")
    names = re.findall(r'name="(\w+)"', written)
    assert len(names) == len(set(names))
    assert len({metric.label for metric in METRICS.values()}) == len(METRICS)


@pytest.mark.parametrize("name", objectives())
def test_what_may_be_an_objective_is_one_and_every_trial_has_it(name, trial):
    _, metrics = trial
    assert Objective(metric=name).direction == METRICS[name].direction
    assert name in metrics, "it has no `measure`, and trial.py does not measure it"
    assert math.isfinite(metrics[name])


def test_a_trial_reports_nothing_that_the_table_lacks(trial):
    curve, metrics = trial
    assert {key for key in metrics if not key.startswith("recall/")} <= set(measured_at("trial"))
    assert curve[0].keys() == {"epoch", *measured_at("epoch"), *measured_at("ledger")}


def tables_of_metrics(source: str) -> list[list[str]]:
    """The lists and dicts at the top of a module that name more than a few metrics."""
    found = []
    for statement in ast.parse(source).body:
        for node in ast.walk(statement) if isinstance(statement, ast.Assign | ast.AnnAssign) else ():
            inner = node.keys if isinstance(node, ast.Dict) else getattr(node, "elts", [])
            named = [part.value for part in inner if isinstance(part, ast.Constant) and part.value in METRICS]
            found += [named] if len(named) > MOST_NAMED else []
    return found


def test_nobody_else_keeps_a_table_of_metrics():
    for source in sources():
        if not place_of(source).startswith(EXEMPT):
            assert tables_of_metrics(source.read_text(encoding="utf-8")) == [], place_of(source)


def test_the_rule_catches_a_table():
    names = ["accuracy", "uar", "f1_macro", "latency_ms"]
    assert tables_of_metrics(f"SHOWN = {names}") == [names]
    assert tables_of_metrics(f"_LABELS: dict = {dict.fromkeys(names, 'label')}") == [names]
    assert tables_of_metrics(f"SHOWN = {names[:3]}") == []
