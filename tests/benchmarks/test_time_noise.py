"""That the benchmark of training times measures what it says, at toy size; its figures take longer than a test may."""

import json

import pytest
import torch

from benchmarks import time_noise
from benchmarks.time_noise import FRAMES, NUM_IDLE, main, measured_before, plan, summary


def rows(num_pairs, *, busy=1.0):
    """Times of 10 and 11.5 s, and `busy` as long beside a load; by the clock twice as long there."""
    found = []
    for job in plan(num_pairs, seed=0):
        seconds = {"small": 10.0, "large": 11.5}[job["configuration"]]
        times = {"seconds": seconds * (busy if job["load"] else 1), "by_clock": seconds * (2 if job["load"] else 1)}
        found.append(job | times)
    return found


def test_a_plan_is_drawn_by_its_seed_and_has_each_case_once_a_pair():
    jobs = plan(5, seed=3)
    assert jobs == plan(5, seed=3) != plan(5, seed=4)
    assert len(jobs) == 2 * NUM_IDLE + 5 * 4
    for pair in range(5):
        cases = {(job["configuration"], bool(job["load"])) for job in jobs if job["pair"] == pair}
        assert cases == {(name, busy) for name in FRAMES for busy in (False, True)}
        assert all(bool(job["load"]) == (job["processes"] in (1, 2, 3)) for job in jobs)


def test_the_summary_counts_what_is_near_and_what_is_ordered():
    found = summary(rows(4, busy=1.09))
    assert (found["num_pairs"], found["within_10_percent"], found["ordered_right"]) == (4, 1, 1)
    assert found["ratio"] == pytest.approx(1.15)
    assert (found["by_clock_within_10_percent"], found["by_clock_ordered_right"]) == (0, pytest.approx(2 / 3))
    assert summary(rows(4, busy=1.11))["within_10_percent"] == 0
    assert summary(rows(2)[:-1])["num_pairs"] == 1, "a pair that is not whole does not count"


@pytest.mark.slow
def test_a_run_is_gone_on_with_after_the_rows_that_are_there(tmp_path, capsys, monkeypatch):
    threads = torch.get_num_threads()
    small = {**time_noise.PARAMETERS, "image_size": 32, "batch_size": 2}
    monkeypatch.setattr(time_noise, "PARAMETERS", small)
    monkeypatch.setattr(time_noise, "LOADS", {"counts": time_noise.LOADS["counts"]})
    given = ["--steps", "9", "--out", str(tmp_path / "rows.csv")]
    main([*given, "--pairs", "0"])
    first = measured_before(str(tmp_path / "rows.csv"))
    assert len(first) == 2 * NUM_IDLE
    main([*given, "--pairs", "1"])
    torch.set_num_threads(threads)
    later = measured_before(str(tmp_path / "rows.csv"))
    assert later[: len(first)] == first
    assert len(later) == 2 * NUM_IDLE + 4
    assert all(row["seconds"] > 0 and row["blocks"] == 2 for row in later)
    found = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert {"num_pairs", "within_10_percent", "ordered_right"} <= found.keys()
    assert found["num_pairs"] == 1
    with pytest.raises(SystemExit):
        main([*given, "--seed", "9"])
