"""Which faults `benchmarks.chaos` draws, how it goes on where it was interrupted, and what it says in the end."""

from collections import Counter

import pytest

from benchmarks.core.chaos.faults import KINDS
from benchmarks.core.chaos.judging import Verdict
from benchmarks.core.chaos.rows import LEAST, Kept, Row, drawn, shortcomings, still_due, summary


def row(kind, **changes):
    fields = {"round": 0, "kind": kind, "at_s": 5.0, "pid": 17, "trial": "search-0000", "epoch": 3}
    return Row(**(fields | {"recovery_s": 7.0, "counted": True, "note": ""} | changes))


def test_each_kind_comes_five_times_at_least_and_a_seed_decides_the_order():
    plan = drawn(list(KINDS), 100, seed=3)
    assert len(plan) == 100
    assert set(Counter(plan)) == set(KINDS)
    assert min(Counter(plan).values()) >= LEAST
    assert plan == drawn(list(KINDS), 100, seed=3) != drawn(list(KINDS), 100, seed=4)


def test_few_faults_are_of_different_kinds():
    assert len(set(drawn(list(KINDS), 7, seed=0))) == 7
    assert Counter(drawn(["worker", "head"], 5, seed=0)).most_common()[-1][1] == 2


def test_what_did_not_count_is_due_again():
    plan = ["worker", "head", "worker"]
    assert still_due(plan, [row("worker"), row("head", counted=False)]) == ["head", "worker"]
    assert still_due(plan, [row("worker"), row("worker"), row("head")]) == []


def test_an_interrupted_benchmark_knows_the_rounds_that_were_judged(tmp_path):
    kept = Kept(tmp_path / "rounds.jsonl")
    kept.add([row("worker"), row("head", recovery_s=40.0, counted=False)], Verdict(lost_trials=["one"]), 60.0)
    kept.add([row("head", recovery_s=31.04)], Verdict(orphans=["a", "b"]), 50.0)
    again = Kept(tmp_path / "rounds.jsonl")
    assert (again.rows, again.verdicts, again.seconds, again.num_rounds) == (kept.rows, kept.verdicts, 110.0, 2)
    assert summary(again, ["worker", "head", "node"]) == {
        "faults": 2,
        "by_kind": {"worker": 1, "head": 1, "node": 0},
        "lost_trials": 1,
        "duplicate_runs": 0,
        "disagreements": 0,
        "orphans": 2,
        "longest_recovery_s": 31.0,
        "rounds": 2,
    }


def test_nothing_done_is_summed_up_too(tmp_path):
    assert summary(Kept(tmp_path / "none.jsonl"), ["worker"])["longest_recovery_s"] == 0.0


FOUND = {
    "faults": 10,
    "by_kind": {"worker": 5, "head": 5},
    "longest_recovery_s": 90.0,
    "rounds": 2,
    **dict.fromkeys(Verdict.__dataclass_fields__, 0),
}


@pytest.mark.parametrize(
    ("changes", "faults", "wrong"),
    [
        ({}, 10, []),
        ({"lost_trials": 1}, 10, ["lost_trials is 1"]),
        ({"orphans": 2}, 10, ["orphans is 2"]),
        ({"longest_recovery_s": 90.1}, 10, ["the longest recovery took 90.1 s, more than 90 s"]),
        ({}, 11, ["10 faults of 11 counted"]),
        ({"by_kind": {"worker": 6, "head": 4}}, 10, ["head counted 4 times, not 5"]),
        ({"by_kind": {"worker": 6, "head": 3}, "faults": 9}, 9, []),
    ],
)
def test_what_a_benchmark_has_not_shown_is_said(changes, faults, wrong):
    assert shortcomings(FOUND | changes, faults) == wrong
