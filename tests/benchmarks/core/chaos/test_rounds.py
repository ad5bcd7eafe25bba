"""A round of `benchmarks.chaos` comes to an end, or is ended, or raises: none goes on beside the next one."""

import math
import random
from types import SimpleNamespace

import pytest

from benchmarks.core.chaos import rounds
from benchmarks.core.chaos.cluster import NotUp
from benchmarks.core.chaos.faults import Struck
from benchmarks.core.chaos.judging import Verdict
from benchmarks.core.chaos.rounds import OVER, Theatre, _Running
from benchmarks.core.chaos.rows import Row

ROW = Row(round=0, kind="worker", at_s=5.0, pid=17, trial="a", epoch=3, recovery_s=7.0, counted=True, note="")


def theatre_at(tmp_path, clock):
    cluster = SimpleNamespace(
        submit=lambda *given: None, end_gone=lambda: None, state=lambda what: [], gone=[], families=[]
    )
    disk, words = SimpleNamespace(home=tmp_path / "home"), tmp_path / "words"
    (disk.home / "round-000").mkdir(parents=True)
    words.mkdir()
    told = []
    theatre = Theatre(
        cluster=cluster, network=None, tracking=None, disk=disk, data=tmp_path, words=words, trials=1, client=None,
        clock=clock, tell=told.append,
    )  # fmt: skip
    return theatre, told


def running_until(tmp_path, until_s):
    """A study whose driver lives and comes to no end, at the hundredth second."""
    theatre, _ = theatre_at(tmp_path, lambda: 100.0)
    return _Running(theatre, SimpleNamespace(driver="a driver", study=tmp_path), "round-000", until_s)


def test_a_study_whose_time_is_over_is_not_waited_for(tmp_path):
    assert running_until(tmp_path, 100.0).end() is False


def test_a_study_that_does_not_end_though_there_is_time_stops_the_benchmark(tmp_path, monkeypatch):
    monkeypatch.setattr(rounds, "PATIENCE_S", 0.01)
    with pytest.raises(NotUp, match=r"round-000 has not ended after 0\.1 s"):
        running_until(tmp_path, math.inf).end()


def test_what_a_study_that_has_ended_could_not_tell_mlflow_the_next_command_tells(tmp_path, monkeypatch):
    running = running_until(tmp_path, math.inf)
    begun, told = [], [3, 3, 9]
    monkeypatch.setattr(_Running, "is_done", True)
    monkeypatch.setattr(_Running, "events", [])
    monkeypatch.setattr(running, "begin", lambda *flags: begun.append(flags))
    monkeypatch.setattr(rounds.progress, "tracked", lambda study: told.pop(0))
    row = running.recovered("mlflow", Struck(pid=1, at_s=0.0, events=9, unwritten=6), 0, 1.0)
    assert begun == [("--resume",)] * 2
    assert (row.counted, "no sign" in row.note) == (True, False)


class Study:
    """A study in the place of a `_Running`, which has the end `ends` after one fault."""

    ends = True
    stopped = False

    def __init__(self, theatre, scene, name, until_s):
        pass

    def begin(self):
        pass

    def goes_on(self):
        return True

    def recovered(self, kind, struck, number, at_s):
        return ROW

    def end(self):
        return self.ends

    def stop(self):
        type(self).stopped = True


@pytest.mark.parametrize("ends", [True, False])
def test_a_round_that_is_ended_is_not_judged_and_its_faults_do_not_count(tmp_path, monkeypatch, ends):
    theatre, told = theatre_at(tmp_path, lambda: 100.0)
    monkeypatch.setattr(Study, "ends", ends)
    monkeypatch.setattr(Study, "stopped", False)
    monkeypatch.setattr(rounds, "_Running", Study)
    monkeypatch.setattr(rounds, "KINDS", {"worker": lambda scene: Struck(17, 5.0)})
    monkeypatch.setattr(rounds, "MOST_PAUSE_S", 0.0)
    monkeypatch.setattr(
        Theatre, "_verdict", lambda self, name, reference: Verdict(orphans=["of a round that was judged"])
    )
    rows, verdict = theatre.play(0, ["worker"], {}, random.Random(0), 1000.0)
    assert [(row.counted, row.note) for row in rows] == [(ends, "" if ends else OVER)]
    assert verdict.orphans == (["of a round that was judged"] if ends else [])
    assert Study.stopped is not ends
    assert any(OVER in line for line in told) is not ends


def test_no_fault_comes_in_the_time_that_the_last_study_has_to_end(tmp_path, monkeypatch):
    theatre, _ = theatre_at(tmp_path, lambda: 901.0)
    monkeypatch.setattr(rounds, "_Running", Study)
    monkeypatch.setattr(rounds, "KINDS", {})
    monkeypatch.setattr(Theatre, "_verdict", lambda self, name, reference: Verdict())
    assert theatre.play(0, ["worker"], {}, random.Random(0), 1000.0) == ([], Verdict())
