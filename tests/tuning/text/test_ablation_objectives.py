"""Objectives beside what every ablation compares, in the tables of one."""

import csv
import dataclasses
import io

import pytest

from tests.support.simulated_runs import simulated
from tuning.statistics.comparison import compare
from tuning.text.ablation_document import compared, listed
from tuning.text.sheets import as_csv

PUBLISHED = {"full": {"latency_ms": 3.0}}


@pytest.fixture
def runs():
    """The reference measured a latency in every run, the other variant in none."""
    runs = simulated({"full": 0.8, "other": 0.4})
    return [dataclasses.replace(run, further={"latency_ms": 2.5} if run.variant == "full" else {}) for run in runs]


def table(sheet):
    return {row[0]: dict(zip(sheet.headings, row, strict=True)) for row in sheet.rows}


def test_each_has_a_column_with_its_unit_and_is_beside_what_is_published(runs):
    document = compared(compare(runs, "full", published=PUBLISHED))
    own = table(document.sheets[0])
    assert (own["full"]["latency, ms"], own["other"]["latency, ms"]) == ("2.5", "")
    assert table(document.sheets[-1])["full"] == {
        "variant": "full",
        "latency, ms": "2.5",
        "published\nlatency, ms": "3.0",
    }


def test_programs_read_it_like_any_other(runs):
    document = compared(compare(runs, "full"))
    rows = {row["name"]: row for row in csv.DictReader(io.StringIO(as_csv(document)))}
    assert [(rows[name]["latency_ms"], rows[name]["latency_ms_low"]) for name in rows] == [("2.5", ""), ("", "")]
    records = {record["variant"]: record for record in document.records if record["kind"] == "variant"}
    assert records["full"]["latency_ms"]["mean"] == 2.5
    assert not {"latency_ms", "further"} & records["other"].keys()


def test_where_nothing_can_be_compared_its_mean_is_listed(runs):
    document = listed(runs, PUBLISHED, "One fold shows no spread.")
    own = table(document.sheets[0])
    assert (own["full"]["latency, ms"], own["other"]["latency, ms"]) == ("2.5", "")
    assert document.records[0]["latency_ms"] == 2.5
    assert document.records[1]["latency_ms"] is None


def test_without_any_the_tables_are_what_they_were():
    document = compared(compare(simulated({"full": 0.8, "other": 0.4}), "full"))
    assert list(document.sheets[0].headings) == [
        *("variant", "accuracy, %", "UAR, %", "training\ntime, s", "parameters, M"),
    ]
    assert "further" not in document.records[1]
